"""The command that says what is known of a material: describe."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ionfront.analysis.describe import StepDescription, describe, description_record
from ionfront.core import UsageError
from ionfront.datasets import IONS, Value

from .console import known_name, say, say_json, say_table, stage_progress

__all__ = ["describe_command"]


def describe_command(
    host: Annotated[str, typer.Argument(help="Host of the table of materials, such as Bi2Te3, NiO or P.")],
    ion: Annotated[str, typer.Option(help="Li, Na or K.")],
    compute: Annotated[
        bool, typer.Option(help="Compute volumes, potentials, moduli and hops anew with CHGNet; takes minutes.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of computed results; ~/.cache/ionfront/atomistic if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the description as JSON.")] = False,
) -> None:
    """What is known of a host's reaction with an ion: each number with its unit, its kind and where it is from."""
    known = known_name("ion", ion, IONS)
    if not compute:
        _show(describe(host, known), as_json)
        return
    describe(host, known)  # says what is wrong with the question before minutes are spent on it
    try:
        from ionfront.models.atomistic import Atomistic, computed_descriptors
        from ionfront.models.chgnet_torch import CHGNET_NAME, chgnet_calculators
    except ImportError as error:
        raise UsageError(
            f"--compute needs {error.name}, which is not installed: pip install 'ionfront[atomistic]'."
        ) from error
    with stage_progress() as progress:
        atomistic = Atomistic(CHGNET_NAME, chgnet_calculators(), cache or _default_cache(), progress)
        found = computed_descriptors(host, known, atomistic)
    _show(describe(host, known, found.phases, found.hop_barrier, found.insertion_potential), as_json)
    if as_json:
        return
    for what, atoms, seconds in found.cost:
        say(f"{what}: {atoms} atoms, {seconds:.1f} s when it was computed")
    say(f"All of it: {sum(seconds for *_, seconds in found.cost):.0f} s. Kept in {cache or _default_cache()}.")
    if found.left_out:
        say(f"Not computed, for no ordered structure of it is in the table: {', '.join(found.left_out)}")


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ionfront" / "atomistic"


def _show(described: list[StepDescription], as_json: bool) -> None:
    if as_json:
        say_json(description_record(described))
        return
    for one in described:
        after = " + ".join(f"{n:g} {phase}" for phase, n in one.step.after.items())
        title = (
            f"{one.step.host} + {one.step.ion}, {one.step.number}: {one.step.mechanism} to {after} ({one.step.path})"
        )
        table = Table(title=title, title_justify="left")
        for name in ("", "value", "kind", "computed now", "source"):
            table.add_column(name, overflow="fold")
        for number in one.numbers:
            known = number.known
            kind = "" if known is None else f"{known.kind}, {known.status}"
            table.add_row(
                number.quantity, _text(known), kind, _text(number.computed), "" if known is None else known.source
            )
        say_table(table)


def _text(value: Value | None) -> str:
    return "" if value is None else f"{value.value:.3g}" + ("" if value.unit == "1" else f" {value.unit}")
