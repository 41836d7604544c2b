"""What commands say while they work, and when they are done."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ionfront.analysis import Progress as Report
from ionfront.analysis import summary_sentences
from ionfront.core import UsageError

__all__ = ["frame_progress", "known_name", "live_view", "say", "say_json", "say_table", "stage_progress"]
__all__ += ["say_kinetics", "warn"]

Name = TypeVar("Name", bound=str)

_out = Console(soft_wrap=True, highlight=False, emoji=False)  # a path may hold what looks like an emoji's name
_err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


@contextmanager
def frame_progress(title: str) -> Iterator[Report]:
    """A bar on stderr with frames done and time left; silent where nobody watches."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stage_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for work of several stages; silent where nobody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)


@contextmanager
def live_view() -> Iterator[Live]:
    """A table on stderr that is exchanged as things go on; silent where nobody watches."""
    console = _err if _err.is_terminal else Console(quiet=True)
    with Live(console=console, auto_refresh=False) as view:
        yield view


def say(text: str) -> None:
    """A line on stdout."""
    _out.print(text, markup=False)


def say_kinetics(kinetics: dict[str, Any]) -> None:
    """Every warning of a kinetics.json, and what was found in words."""
    for warning in kinetics["warnings"]:
        warn(warning)
    for sentence in summary_sentences(kinetics):
        say(f"  {sentence}")


def say_json(content: Any) -> None:
    """A result on stdout, for programs."""
    _out.print(json.dumps(content, indent=2), markup=False)


def say_table(table: Table) -> None:
    """A table on stdout."""
    _out.print(table, markup=False)


def warn(text: str) -> None:
    """A warning on stderr."""
    _err.print(f"WARNING: {text}", style="bold yellow", markup=False)


def known_name(what: str, name: str, names: tuple[Name, ...]) -> Name:
    """`name`, if it is among `names`.

    Raises:
        UsageError: It is not.
    """
    known = next((known for known in names if known == name), None)
    if known is None:
        raise UsageError(f"{what} '{name}' is unknown; there are {', '.join(names)}.")
    return known
