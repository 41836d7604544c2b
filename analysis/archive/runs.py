"""Which movies an archive is made of: folders, patterns, addresses and tables of runs become one list."""

import glob
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ionfront.core import MissingExtraError, MovieError, UsageError
from ionfront.datasets.readers import FRAME_SUFFIXES, PICTURES, READERS, read_recording
from ionfront.datasets.readers.zarr_store import is_zarr

__all__ = ["NUMBERS", "Run", "is_address", "runs_of"]

NUMBERS = {
    "pixel_size_nm": "nm",
    "frame_time_s": "s",
    "size_nm": "nm",
    "bias_v": "V",
    "temperature_k": "K",
    "contact_ohm_m2": "ohm m^2",
}
"""What a table may say of a run in numbers, and their units; `host`, `ion`, `geometry` and any other are words."""

_RESULTS = "kinetics.json"  # a folder with one is not looked through


@dataclass(frozen=True)
class Run:
    """A movie, and what is known of it beforehand.

    Attributes:
        source: Path, or address such as s3://BUCKET/KEY.
        about: Of `NUMBERS`, `host`, `ion`, `geometry`, and whatever else a table says.
    """

    source: str
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people."""
        return PurePosixPath(self.source).name

    def number(self, name: str) -> float | None:
        """One of `NUMBERS`; None where it is not known."""
        found = self.about.get(name)
        return None if found is None else float(found)


def is_address(source: str) -> bool:
    """Whether it is to be fetched from elsewhere, as s3://BUCKET/KEY is."""
    return "://" in source


def runs_of(sources: Sequence[str], about: dict[str, Any] | None = None) -> list[Run]:
    """All movies of some sources, each once, in their order.

    Args:
        sources: Movies; folders, which are searched for movies; patterns with *; addresses of these, such as
            s3://BUCKET/FOLDER; CSV files with a column `source` (relative to the file) and one for each descriptor.
        about: What holds for all of them; a table's own words come before it, later ones before earlier ones.

    Raises:
        UsageError: A source is not there or holds no movie, a table is none, or a pixel or a frame has no extent.
        MissingExtraError: An address needs fsspec, or a driver of it.
    """
    about = about or {}
    for name in ("pixel_size_nm", "frame_time_s"):
        told = about.get(name)
        if told is not None and not told > 0:
            raise UsageError(f"{name} is {told}; a number above zero is needed.")
    found: dict[str, Run] = {}
    for source in sources:
        runs = list(_runs(source))
        if not runs:
            raise UsageError(f"{source} holds no movie: name a movie, a folder with some, a pattern, or a CSV of runs.")
        for run in runs:
            before = found.get(run.source, Run(run.source, about))
            found[run.source] = Run(run.source, before.about | run.about)
    return list(found.values())


def _runs(source: str) -> Iterator[Run]:
    if is_address(source):
        yield from (Run(address) for address in _addresses(source))
    elif source.lower().endswith(".csv"):
        yield from _told(Path(source))
    elif glob.has_magic(source) and not Path(source).exists():
        yield from (Run(str(Path(path).resolve())) for path in sorted(glob.glob(source, recursive=True)))
    elif Path(source).exists():
        yield from (Run(str(path)) for path in _movies(Path(source).resolve()))
    else:
        raise UsageError(f"{source} does not exist; check the spelling, and whether its disk is mounted.")


def _movies(path: Path) -> Iterator[Path]:
    """Movies at or below a path; a folder whose files are single frames is one."""
    if path.is_file() or is_zarr(path) or path.suffix == ".zspy":
        yield path
        return
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    files = [child for child in children if child.is_file() and child.suffix.lower() in READERS]
    if any(child.name == _RESULTS for child in children):
        return
    if _one_frame_a_file(files):
        yield path
        files = []
    files = [file for file in files if file.suffix.lower() not in PICTURES]  # beside movies they are none
    files = [file for file in files if not _headed(file, files)]
    for child in children:
        if child in files or child.is_dir():
            yield from _movies(child)


def _headed(file: Path, files: list[Path]) -> bool:
    """Whether it is the header that TIA writes (.emi), whose movies lie beside it (.ser)."""
    series = (other.stem for other in files if other.suffix.lower() == ".ser")
    return file.suffix.lower() == ".emi" and any(stem.startswith(f"{file.stem}_") for stem in series)


def _one_frame_a_file(files: list[Path]) -> bool:
    """Whether they are the frames of one movie: all of one format, and not movies themselves."""
    kinds = {file.suffix.lower() for file in files}
    if len(kinds) != 1 or len(files) < 2 or not kinds <= set(FRAME_SUFFIXES):
        return False
    if kinds <= set(PICTURES):
        return True
    try:
        some = (files[0], files[len(files) // 2], files[-1])
        return all(read_recording(file).frames.shape[0] == 1 for file in some)
    except (MovieError, MissingExtraError):
        return False  # each says so for itself when its turn comes


def _addresses(source: str) -> Iterator[str]:
    """Movies at or below an address; those in a folder are taken by their names, without a look into them."""
    system, path = _filesystem(source)
    whole = system.unstrip_protocol
    if glob.has_magic(path):
        yield from (str(whole(found)) for found in sorted(system.glob(path)))
    elif system.isfile(path) or path.rstrip("/").endswith((".zarr", ".zspy")):
        yield str(whole(path.rstrip("/")))
    elif system.isdir(path):
        yield from (str(whole(found)) for found in _below(system, path))
    else:
        raise UsageError(f"{source} does not exist; check the spelling, and the keys that open it.")


def _below(system: Any, path: str) -> Iterator[str]:
    entries = sorted(system.ls(path, detail=True), key=lambda entry: str(entry["name"]))
    if any(PurePosixPath(str(entry["name"])).name == _RESULTS for entry in entries):
        return
    for entry in entries:
        name, is_folder = str(entry["name"]).rstrip("/"), entry["type"] == "directory"
        suffix = PurePosixPath(name).suffix.lower()
        if is_folder and suffix in (".zarr", ".zspy"):
            yield name
        elif is_folder and name != path.rstrip("/"):
            yield from _below(system, name)
        elif not is_folder and suffix in READERS and suffix not in PICTURES:
            yield name


def _filesystem(source: str) -> tuple[Any, str]:
    try:
        import fsspec

        return fsspec.core.url_to_fs(source)  # type: ignore[no-any-return]
    except ImportError as error:
        raise MissingExtraError(f"{source} needs a driver: pip install 'ionfront[archive]' ({error}).") from error
    except ValueError as error:
        raise UsageError(f"{source} is no address that can be opened ({error}).") from error


def _told(table: Path) -> Iterator[Run]:
    try:
        lines = [line for line in table.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        text = io.StringIO("\n".join(lines))
        rows = pd.read_csv(text, dtype=str, keep_default_na=False, index_col=False).to_dict("records")
    except (OSError, ValueError) as error:
        raise UsageError(f"{table} is no table of runs ({error}).") from error
    for number, row in enumerate(rows, 2):
        told = {str(name).strip().lower(): text.strip() for name, text in row.items() if text.strip()}
        if "source" not in told:
            raise UsageError(f"line {number} of {table} names no movie: a column `source` is needed.")
        source = told.pop("source")
        if not is_address(source):
            source = str((table.parent / source).resolve())
        yield Run(source, {name: _number(name, text, table, number) for name, text in told.items()})


def _number(name: str, text: str, table: Path, line: int) -> Any:
    if name not in NUMBERS:
        return text
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"line {line} of {table} says {name} = {text!r}; a number is needed.") from error
