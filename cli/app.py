"""The command tree, and the one place where errors become a line on stderr and an exit code."""

import sys

import typer

from ionfront.core import IonFrontError

from .analysis_commands import (
    analyze_command,
    compare_command,
    demo_command,
    fronts_command,
    segment_command,
    suggest_command,
)
from .archive_commands import batch_command, query_command
from .dataset_commands import import_app, import_labels_command, pack_command, synth_command
from .describe_command import describe_command
from .live_command import live_command
from .model_commands import promote_command, quantise_command
from .nexus_command import nexus_command
from .predict_commands import predict_command, screen_command
from .serve_command import keys_app, serve_command
from .training_commands import cross_validate_command, evaluate_command, finetune_command, train_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="ionfront",
    help="In situ TEM movies of battery electrodes in, reaction-front kinetics out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # "rich" takes a unit in brackets, [nm], for a style and swallows it
    pretty_exceptions_enable=False,
)
app.command("demo")(demo_command)
app.command("analyze")(analyze_command)
app.command("segment")(segment_command)
app.command("fronts")(fronts_command)
app.command("suggest")(suggest_command)
app.command("compare")(compare_command)
app.command("synth")(synth_command)
app.add_typer(import_app, name="import")
app.command("import-labels")(import_labels_command)
app.command("pack")(pack_command)
app.command("predict")(predict_command)
app.command("describe")(describe_command)
app.command("screen")(screen_command)
app.add_typer(train_app, name="train")
app.command("finetune")(finetune_command)
app.command("evaluate")(evaluate_command)
app.command("promote")(promote_command)
app.command("cross-validate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    cross_validate_command
)
app.command("serve")(serve_command)
app.command("live")(live_command)
app.command("nexus")(nexus_command)
app.command("batch")(batch_command)
app.command("query")(query_command)
app.add_typer(keys_app, name="keys")
app.command("quantise")(quantise_command)


def main() -> None:
    """Run the command line; an IonFront error is one line on stderr and exit code 2."""
    try:
        app()
    except IonFrontError as error:
        sys.exit(_told(str(error)))
    except OSError as error:
        sys.exit(_told(f"{error.filename or 'a file'}: {error.strerror or error}. Nothing half-written was kept."))


def _told(message: str) -> int:
    print(f"ionfront: {' '.join(message.split())}", file=sys.stderr)
    return 2
