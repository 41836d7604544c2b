"""Commands for archives of many movies: batch, query."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ionfront.core import MissingExtraError, UsageError
from ionfront.models import Precision, bundled_segmenter

from .analysis_commands import AsJson, Binning, FrameTime, PixelSize
from .console import frame_progress, known_name, say, say_json, warn
from .model_option import Model

if TYPE_CHECKING:
    import pandas as pd

    from ionfront.analysis.archive import Workers

__all__ = ["batch_command", "query_command"]

_SHOWN = 10  # failures that are named one by one


def batch_command(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Movies, folders to be searched for movies, patterns, s3:// addresses, or CSV files with a column "
            "`source` and others such as host, ion, pixel_size_nm; with none, the archive goes on with its own."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the archive, new or not.")] = Path("archive"),
    scheduler: Annotated[
        str | None, typer.Option(help="Of a Dask cluster that runs, tcp://HOST:8786; else this computer's cores work.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes on this computer; one for two cores if not given.")
    ] = None,
    model: Model = None,
    precision: Annotated[str, typer.Option(help="Arithmetic on the CPU: f32, or bf16, which is faster.")] = "f32",
    pixel_size_nm: PixelSize = None,
    frame_time_s: FrameTime = None,
    average_frames: Annotated[
        int | None, typer.Option(help="Average so many frames, an odd number, around each; chosen if not given.")
    ] = None,
    binning: Binning = 1,
    skip_unchanged: Annotated[
        bool, typer.Option("--skip-unchanged", help="Infer only what has changed: faster on long, slow movies.")
    ] = False,
    host: Annotated[str, typer.Option(help="Host material of all runs that a table does not name one for.")] = "",
    ion: Annotated[str, typer.Option(help="Ion, likewise.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Try again what could not be measured.")] = False,
    as_json: AsJson = False,
) -> None:
    """Thousands of movies, one table: each measured once, by as many workers as there are, from where it broke off."""
    archives = _archives()
    about: dict[str, Any] = {"host": host, "ion": ion, "pixel_size_nm": pixel_size_nm, "frame_time_s": frame_time_s}
    about = {name: value for name, value in about.items() if value not in (None, "")}
    runs = archives.runs_of(sources or [], about)
    archive = archives.Archive(out) if runs else archives.Archive.existing(out)
    chosen = known_name("precision", precision, get_args(Precision))
    with archive.held():
        file = archive.keep_model(model or bundled_segmenter())
        settings = archives.Settings(file.stem, chosen, average_frames, binning, skip_unchanged)
        runs = runs or [archives.Run(entry.run.source, entry.run.about | about) for entry in archive.entries()]
        try:
            with _workers(scheduler, workers) as hands, frame_progress("Measuring movies") as progress:
                done = archives.batch(archive, runs, file, settings, hands, again=again, progress=progress)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                warn("Stopped. What was measured is kept, and the same command goes on from there.")
            with suppress(OSError):  # a full disk has been told of; the table is made the next time
                _write(archives, archive)
            raise
        _write(archives, archive)
    if as_json:
        say_json(vars(done))
        return
    say(f"{done.measured} movies measured, {done.known} runs known already, {len(done.failed)} without results.")
    for source, why in list(done.failed.items())[:_SHOWN]:
        warn(why if source in why else f"{source}: {why}")
    if len(done.failed) > _SHOWN:
        warn(f"and {len(done.failed) - _SHOWN} more: ionfront query {out} failures")
    say(f"Table: {archive.folder / 'kinetics.parquet'}")
    say(f"Overview: {archive.folder / 'index.html'}")


def query_command(
    archive: Annotated[Path, typer.Argument(help="Folder that batch wrote, or its kinetics.parquet.")],
    question: Annotated[
        str | None, typer.Argument(help="speeds (by host and ion), laws (by size), outliers or failures.")
    ] = None,
    sql: Annotated[
        str | None, typer.Option(help='Anything else: SQL over the table `kinetics`, "SELECT … FROM kinetics".')
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the answer to this CSV file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the table of an archive."""
    archives = _archives()
    if (question is None) == (sql is None):
        raise UsageError(f"ask one of {', '.join(archives.QUESTIONS)}, or give --sql.")
    if sql is not None:
        found = archives.sql(archive, sql)
    else:
        asked = known_name("question", question or "", archives.QUESTIONS)
        found = archives.answer(archives.read_table(archive).to_pandas(), asked)
    if out is not None:
        found.to_csv(out, index=False)
    if as_json:
        say_json(json.loads(found.to_json(orient="records")))
        return
    say(_shown(found) if len(found) else "None.")


def _write(archives: Any, archive: Any) -> None:
    archives.write_table(archive)
    archives.write_overview(archive.folder)


@contextmanager
def _workers(scheduler: str | None, count: int | None) -> Iterator["Workers"]:
    from ionfront.analysis.archive.dask_workers import DaskWorkers

    if scheduler is not None and count is not None:
        raise UsageError("--workers is for this computer; a cluster with a --scheduler has its own.")
    hands = DaskWorkers(scheduler, count, warn)
    try:
        yield hands
    finally:
        hands.close()


def _archives() -> Any:
    try:
        import duckdb  # noqa: F401  what the extra brings is wanted whole

        import ionfront.analysis.archive as archives
    except ImportError as error:
        raise MissingExtraError(f"archives need {error.name}: pip install 'ionfront[archive]'.") from error
    return archives


def _shown(found: "pd.DataFrame") -> str:
    return found.to_string(index=False, na_rep="", float_format="{:.4g}".format)
