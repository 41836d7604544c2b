"""The command that hands a live measurement on: nexus."""

from pathlib import Path
from typing import Annotated

import typer

from ionfront.acquisition import read_facts, write_nexus

from .console import say, warn

__all__ = ["nexus_command"]


def nexus_command(
    session: Annotated[Path, typer.Argument(help="Folder that `ionfront live --out` wrote.")],
    out: Annotated[Path, typer.Option(help="Such as measurement.nxs.")],
    movie: Annotated[
        Path | None, typer.Option(help="Its frames, such as `live --record` kept; copied into it.")
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="TOML file about specimen and microscope; docs/live.md has it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """A live measurement as a NeXus file (NXem): frames, areas, fronts with intervals, decisions, kinetics."""
    told = None if facts is None else read_facts(facts)
    untold = write_nexus(session, out, movie=movie, facts=told, overwrite=overwrite)
    if untold:
        warn(f"NXem asks for {', '.join(untold)}, and nobody told: give --facts.")
    say(f"Written: {out.resolve()}")
