"""All kinetics of an archive as one table, in Parquet: a row for each transition, units in names and in the schema.

A run that shows no reaction, or could not be measured, has one row, which says so. Quantities are in nm and s where a
movie is calibrated and in px and frames where it is not, in columns of their own.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ionfront.core import UsageError, atomic_output
from ionfront.physics import LAW_NAMES

from .runs import NUMBERS
from .store import Archive, Entry

__all__ = ["COLUMNS", "TIME_STAMPS", "Column", "read_table", "rows_alike", "table_of", "write_table"]

Json = dict[str, Any]

_LENGTHS, _TIMES = ("nm", "px"), ("s", "frame")
_ENDS = ("", "_low", "_high")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: With its unit.
        kind: Of its values.
        unit: Empty for words, "1" for pure numbers.
        meaning: In a sentence.
    """

    name: str
    kind: pa.DataType
    unit: str
    meaning: str

    @property
    def field(self) -> pa.Field:
        """As Parquet has it."""
        return pa.field(self.name, self.kind, metadata={"unit": self.unit, "description": self.meaning})


def _words(name: str, meaning: str) -> Column:
    return Column(name, pa.string(), "", meaning)


def _number(name: str, unit: str, meaning: str) -> Column:
    return Column(name, pa.float64(), unit, meaning)


def _count(name: str, meaning: str) -> Column:
    return Column(name, pa.int64(), "1", meaning)


def _interval(name: str, unit: str, meaning: str) -> Iterator[Column]:
    yield _number(name, unit, meaning)
    yield _number(f"{name}_low", unit, "Low end of its 95 % interval.")
    yield _number(f"{name}_high", unit, "High end of its 95 % interval.")


def _columns() -> Iterator[Column]:
    yield _words("source", "The movie.")
    yield _words("key", "Of its results: digest of content, model and settings.")
    yield _words("content", "Digest of what the movie holds.")
    yield _words("results", "Folder of them, within the archive.")
    yield _words("error", "Why there are none; empty where there are.")
    for name, meaning in (
        ("host", "Host material."),
        ("ion", "What reacts with it."),
        ("geometry", "Of the particle."),
    ):
        yield _words(name, meaning)
    for name, unit in NUMBERS.items():
        yield _number(name, unit, "As the movie, or the table of runs, has it.")
    yield _words("about", "What else the table of runs says, as JSON.")
    yield _words("model", "Name and version of the model.")
    yield _words("model_sha256", "Of its file.")
    yield _words("precision", "Arithmetic of the model.")
    yield _count("binning", "Means of so many times so many pixels were analysed.")
    yield Column("skip_unchanged", pa.bool_(), "", "Whether only what had changed was inferred.")
    yield _count("averaged_frames", "How many frames were averaged around each.")
    yield _count("foreign_frames", "How many are unlike anything that the model was trained on.")
    yield _words("warnings", "What should make a reader doubt, a line each.")
    yield _count("particle", "Number of the particle, the largest first; empty where nothing reacted.")
    yield _number("area_nm2", "nm^2", "Of the particle.")
    yield _number("area_px2", "px^2", "Of the particle, where the movie has no pixel size.")
    yield _count("half_cycle", "Number of the half cycle, from 1.")
    yield _words("direction", "insertion or extraction")
    yield _words("before", "Phase ahead of the front.")
    yield _words("after", "Phase behind it.")
    for length, time in product(_LENGTHS, _TIMES):
        yield from _interval(f"velocity_{length}_{time}", f"{length}/{time}", "Mean speed of the front.")
    for length in _LENGTHS:
        yield _number(f"swept_{length}", length, "How far the front came.")
    for time in _TIMES:
        yield from _interval(f"onset_{time}", time, "When it set out, since the first frame.")
        yield from _interval(f"lag_{time}", time, "How long after the transition before it.")
    yield from _interval("completed_fraction", "1", "Share of the particle that it passed.")
    yield _words("law", "The most probable rate law.")
    for law in LAW_NAMES:
        yield _number(f"probability_{law}", "1", f"Of the {law.replace('_', '-')} law.")
    yield from _interval("exponent", "1", "p in x = (t - t0)^p.")
    yield from _interval("anisotropy", "1", "Largest speed over smallest, by direction.")
    yield _words("shape", "Of the front: concave, planar or convex.")
    for length in _LENGTHS:
        yield from _interval(f"curvature_per_{length}", f"1/{length}", "Of the front, positive where its middle leads.")
    yield _number("analysis_seconds", "s", "What measuring the movie took.")
    yield _number("analysed_at_s", "s", "When it was measured, Unix time.")


COLUMNS: tuple[Column, ...] = tuple(_columns())
"""All columns, in their order."""

_NAMES = frozenset(column.name for column in COLUMNS)

TIME_STAMPS = ("analysis_seconds", "analysed_at_s")
"""Those that differ when the same is measured again."""


def table_of(archive: Archive) -> pa.Table:
    """The table of all runs, by source."""
    rows = [row for entry in archive.entries() for row in _rows(archive, entry)]
    schema = pa.schema([column.field for column in COLUMNS])
    return pa.Table.from_pylist(rows, schema=schema)


def write_table(archive: Archive) -> Path:
    """Write kinetics.parquet anew; the one before is whole until this one is."""
    path = archive.folder / "kinetics.parquet"
    with atomic_output(path, overwrite=True) as draft:
        pq.write_table(table_of(archive), draft)
    return path


def read_table(path: Path) -> pa.Table:
    """The table of an archive.

    Args:
        path: The archive, or its kinetics.parquet.

    Raises:
        UsageError: There is none.
    """
    file = path / "kinetics.parquet" if path.is_dir() else path
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path} holds no table of `ionfront batch` ({error}).") from error


def _rows(archive: Archive, entry: Entry) -> Iterator[Json]:
    about = dict(entry.run.about)
    known = {name: about.pop(name) for name in ("host", "ion", "geometry", *NUMBERS) if name in about}
    base = {"source": entry.run.source, "key": entry.key, "content": entry.content, "error": entry.error, **known}
    if about:
        base["about"] = json.dumps(about, sort_keys=True)
    if entry.key is None or not archive.measured(entry.key):
        yield base if entry.error else base | {"error": "not measured yet"}
        return
    folder = archive.place(entry.key)
    try:
        kinetics = json.loads((folder / "kinetics.json").read_text(encoding="utf-8"))
        work = _of_work(folder)
    except (OSError, ValueError) as error:
        yield base | {"error": f"its results in {folder} are damaged ({error}): delete that folder, and go on."}
        return
    base |= {"results": folder.relative_to(archive.folder).as_posix(), "error": ""}
    base |= _of_run(kinetics) | work
    found = list(_transitions(kinetics))
    yield from (base | row for row in found or [{}])


def _of_run(kinetics: Json) -> Json:
    model, calibration = kinetics["model"] or {}, kinetics["calibration"]
    foreign = kinetics["foreign_frames"]
    return {
        "pixel_size_nm": calibration["pixel_size_nm"],
        "frame_time_s": calibration["frame_time_s"],
        "model": f"{model['name']} {model['version']}" if model else None,
        "model_sha256": model.get("sha256"),
        "averaged_frames": model.get("averaged_frames"),
        "foreign_frames": None if foreign is None else len(foreign),
        "warnings": "\n".join(kinetics["warnings"]),
    }


def _of_work(folder: Path) -> Json:
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    how = {name: told[name] for name in ("precision", "binning", "skip_unchanged")}
    return how | {"analysis_seconds": told["seconds"], "analysed_at_s": told["ended_s"]}


def _transitions(kinetics: Json) -> Iterator[Json]:
    for number, particle in enumerate(kinetics.get("particles", []), 1):
        areas = {name: value for name, value in particle.items() if name.startswith("area_")}
        for turn, cycle in enumerate(particle["cycles"], 1):
            where = {"particle": number, "half_cycle": turn, "direction": cycle["direction"], **areas}
            yield from (where | _of_transition(item) for item in cycle["transitions"])


def _of_transition(item: Json) -> Json:
    row: Json = {"before": item["from"], "after": item["to"]}
    row |= {f"probability_{law}": share for law, share in item["law_probabilities"].items()}
    for name, value in item.items():
        if name not in _NAMES:
            continue
        ends = value if isinstance(value, dict) else {"value": value}
        row |= {
            f"{name}{end}": ends[key] for end, key in zip(_ENDS, ("value", "low", "high"), strict=True) if key in ends
        }
    return row


def rows_alike(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables say the same, bit for bit, but for time stamps."""
    keep: Iterable[str] = [column.name for column in COLUMNS if column.name not in TIME_STAMPS]
    return bool(one.select(keep).equals(other.select(keep)))
