"""A live measurement as a NeXus file, by the application definition NXem (NeXus definitions v2026.01).

/entry                    NXem: when, of what, with what
    sample1, user1        as `NexusFacts` has them
    measurement/event1    the frames, with their times and dose, where a movie is given
    phases                area of each phase, dose, frames that were missed
    front1, front2, …     positions, speeds and forecasts of each front, with 95 % intervals (`_low`, `_high`)
    decisions             what rules decided, and why
    note1                 kinetics.json, whole
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ionfront.core import MaterialError, MissingExtraError, UsageError, atomic_output
from ionfront.datasets import composition, open_movie

from .journal import Journal
from .nexus_courses import Column, Courses, FrontKey, courses
from .nexus_facts import NexusFacts
from .session import SessionSettings

__all__ = ["write_nexus"]

_DEFINITIONS = "v2026.01"
_AT_ONCE = 1000  # answers
_FABRICATION = "measurement/instrument/fabrication"
_REQUIRED = ("sample/atom_types", "sample/preparation_date", f"{_FABRICATION}/vendor", f"{_FABRICATION}/model")


def write_nexus(
    folder: Path, path: Path, *, movie: Path | None = None, facts: NexusFacts | None = None, overwrite: bool = False
) -> tuple[str, ...]:
    """Write what the folder of a session holds as NeXus.

    Args:
        folder: Of `Session` or `ionfront live --out`, closed or not.
        path: Such as measurement.nxs.
        movie: Its frames, as anything that `open_movie` reads; they are copied, one at a time.
        facts: What else there is to say.

    Returns:
        What NXem asks for and nobody told, by its place in the file; empty for a file that is complete.

    Raises:
        MissingExtraError: h5py is not installed.
        OutputExistsError: `path` exists, and `overwrite` was not asked for.
        UsageError: The folder holds no measurement, or one without frames.
        MovieError: The movie cannot be read.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError(
            f"NeXus needs {error.name}, which is not installed: pip install 'ionfront[formats]'."
        ) from error
    journal, facts = Journal(folder, repair=False), facts or NexusFacts()
    if not journal.acknowledged:
        raise UsageError(f"{folder} holds no frame: there is nothing to write.")
    frames = None if movie is None else open_movie(movie)
    with atomic_output(path, overwrite=overwrite) as draft, h5py.File(draft, "w") as file:
        _write_root(file, path)
        entry = _write_entry(file, journal, facts)
        _write_measurement(entry, journal, facts, frames)
        told = courses(_answers(journal), journal.acknowledged)
        _write_phases(entry, journal, told)
        for number, (key, columns) in enumerate(told.fronts.items(), 1):
            _write_front(entry, number, key, columns, told)
        _write_decisions(entry, journal)
        _write_kinetics(entry, folder / "kinetics.json")
        return _untold(entry)


def _write_root(file: Any, path: Path) -> None:
    now = datetime.now().astimezone().isoformat()
    told = {"NX_class": "NXroot", "default": "entry", "file_name": path.name, "file_time": now}
    file.attrs.update(told | {"creator": "IonFront", "creator_version": version("ionfront")})
    file.attrs["NeXus_version"] = _DEFINITIONS


def _write_entry(file: Any, journal: Journal, facts: NexusFacts) -> Any:
    entry = _group(file, "entry", "NXentry")
    _put(entry, "definition", "NXem").attrs["version"] = _DEFINITIONS
    start, end = _period(journal, facts)
    _put(entry, "start_time", start.isoformat())
    _put(entry, "end_time", end.isoformat())
    _put(entry, "experiment_alias", journal.settings["session"]["name"])
    _put_known(entry, "experiment_description", facts.description)
    program = _group(_group(entry, "profiling", "NXcs_profiling"), "program1", "NXprogram")
    _put(program, "program", "IonFront").attrs["version"] = version("ionfront")
    sample = _group(entry, "sample", "NXsample")
    _put(sample, "is_simulation", False)
    prepared = facts.sample.preparation_date
    _put_known(sample, "name", facts.sample.name)
    _put_known(sample, "atom_types", facts.sample.atom_types or _atom_types(journal))
    _put_known(sample, "preparation_date", None if prepared is None else prepared.isoformat())
    if facts.user.name is not None:
        _put_all(_group(entry, "user1", "NXuser"), facts.user.model_dump())
    return entry


def _write_measurement(entry: Any, journal: Journal, facts: NexusFacts, frames: xr.DataArray | None) -> None:
    measurement = _group(entry, "measurement", "NXem_measurement")
    instrument = _group(measurement, "instrument", "NXem_instrument")
    _put_known(instrument, "name", facts.instrument.name)
    _put_known(instrument, "location", facts.instrument.location)
    made = _group(instrument, "fabrication", "NXfabrication")
    _put_all(made, {"vendor": facts.instrument.vendor, "model": facts.instrument.model})
    _group(instrument, "ebeam_column", "NXebeam_column")
    if facts.instrument.detector is not None:
        _put(_group(instrument, "detector1", "NXdetector"), "name", facts.instrument.detector)
    event = _group(measurement, "event1", "NXem_event_data")
    start, end = _period(journal, facts)
    _put(event, "start_time", start.isoformat())
    _put(event, "end_time", end.isoformat())
    if frames is not None:
        image = _group(event, "image1", "NXimage")
        if facts.instrument.detector is not None:
            _put(_group(image, "process", "NXprocess"), "detector_identifier", facts.instrument.detector)
        _write_stack(image, frames)


def _write_stack(image: Any, frames: xr.DataArray) -> None:
    count, height, width = frames.shape
    data = _data(image, "stack_2d", "real", ("indices_image", "axis_j", "axis_i"))
    _put(data, "title", Path(frames.attrs["source"]).name)
    stack = data.create_dataset(
        "real",
        frames.shape,
        frames.dtype,
        chunks=(1, height, width),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
    )
    stack.attrs["units"], stack.attrs["long_name"] = "", "grey value"
    for number in range(count):
        stack[number] = frames[number].values
    _put(data, "indices_image", np.arange(count), "").attrs["long_name"] = "frame"
    for name, axis in (("axis_j", "y"), ("axis_i", "x")):
        unit = _unit(frames[axis].attrs["units"])
        _put(data, name, frames[axis].values, unit).attrs["long_name"] = f"{axis} ({unit})"
    if frames["time"].attrs["units"] == "s":
        _put_axis(data, "time", frames["time"].values, "s")
    for name, called, unit in (("dose_e_nm2", "dose", "1/nm^2"), ("missed", "missed", "")):
        if name in frames.coords:
            _put_axis(data, called, frames[name].values, unit)


def _write_phases(entry: Any, journal: Journal, told: Courses) -> None:
    process = _process(entry, "phases")
    model = _group(process, "model", "NXparameters")
    _put_all(model, journal.settings["model"])
    session = journal.settings["session"]
    settings = _group(process, "settings", "NXparameters")
    material = session["material"]
    _put_all(settings, {"host": material["host"], "ion": material["ion"]})
    _put(settings, "average_frames", session["average_frames"], "")
    if session["pixel_size_nm"] is not None:
        _put(settings, "pixel_size", session["pixel_size_nm"], "nm")
    _put(settings, "zero", session["zero_s"], "s")
    areas = {f"area_{number}": column for number, column in enumerate(told.areas.values())}
    data = _data(process, "areas", next(iter(areas), "missed"), ("time",))
    data.attrs["auxiliary_signals"] = list(areas)[1:]
    _put_columns(data, told.frames | areas)
    for name, phase in zip(areas, told.areas, strict=True):  # names of phases may hold anything
        data[name].attrs["long_name"] = phase


def _write_front(entry: Any, number: int, key: FrontKey, columns: dict[str, Column], told: Courses) -> None:
    process = _process(entry, f"front{number}")
    which = _group(process, "front", "NXparameters")
    _put_all(which, {"from_phase": key.before, "to_phase": key.after})
    _put(which, "particle", key.particle, "")
    _put(which, "half_cycle", key.half_cycle, "")
    course = _data(process, "course", "position", ("time",))
    _put(course, "title", f"{key.before} to {key.after}, particle {key.particle}, half cycle {key.half_cycle}")
    _put_columns(course, {"time": told.frames["time"]} | columns)
    process.attrs["default"] = "course"
    if number == 1:
        entry.attrs["default"] = "front1"


def _write_decisions(entry: Any, journal: Journal) -> None:
    process = _process(entry, "decisions")
    for number, made in enumerate(journal.decisions, 1):
        decision = _group(process, f"decision{number}", "NXparameters")
        _put_all(decision, {"rule": made["rule"], "because": made["because"], "actions": ", ".join(made["actions"])})
        _put(decision, "frame", made["frame"], "")
        _put(decision, "time", made["time_s"], "s")
        _put(decision, "probability", made["probability"], "")
        _put(decision, "dry_run", made["dry_run"])


def _write_kinetics(entry: Any, path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    process = _process(entry, "kinetics")
    told = {"file_name": path.name, "type": "application/json", "algorithm": "sha256"}
    _put_all(_group(process, "file", "NXnote"), told | {"checksum": hashlib.sha256(content).hexdigest()})
    _put(_group(process, "record", "NXparameters"), "json", content.decode())


def _answers(journal: Journal) -> Iterator[dict[str, Any]]:
    for first in range(0, journal.acknowledged, _AT_ONCE):
        yield from journal.answers(first, _AT_ONCE)


def _period(journal: Journal, facts: NexusFacts) -> tuple[datetime, datetime]:
    """When it began, and ended by the frames' times."""
    start = facts.start_time or datetime.fromtimestamp(journal.settings["created_s"]).astimezone()
    first, last = (journal.answer(number)["time_s"] for number in (0, journal.acknowledged - 1))
    return start, start + timedelta(seconds=last - first)


def _atom_types(journal: Journal) -> str | None:
    material = SessionSettings.read(journal.settings["session"]).material
    try:
        return None if material.host is None else ", ".join(sorted({*composition(material.host), str(material.ion)}))
    except MaterialError:
        return None


def _untold(entry: Any) -> tuple[str, ...]:
    return tuple(f"/entry/{place}" for place in _REQUIRED if place not in entry)


def _process(entry: Any, name: str) -> Any:
    process = _group(entry, name, "NXprocess")
    _put_all(process, {"program": "IonFront", "version": version("ionfront")})
    return process


def _data(parent: Any, name: str, signal: str, axes: tuple[str, ...]) -> Any:
    data = _group(parent, name, "NXdata")
    data.attrs["signal"], data.attrs["axes"] = signal, list(axes)
    for number, axis in enumerate(axes):
        data.attrs[f"{axis}_indices"] = np.uint64(number)
    return data


def _put_columns(data: Any, columns: dict[str, Column]) -> None:
    for name, column in columns.items():
        if np.isfinite(column.values).any():  # what was never told is left out
            _put(data, name, column.values, _unit(column.unit))


def _put_axis(data: Any, name: str, values: Any, unit: str) -> None:
    """A further axis along the first dimension."""
    _put(data, name, values, unit)
    data.attrs[f"{name}_indices"] = np.uint64(0)


def _unit(unit: str) -> str:
    """As unit libraries spell it."""
    return unit.replace("px", "pixel")


def _put_all(group: Any, told: dict[str, Any]) -> None:
    for name, value in told.items():
        _put_known(group, name, value)


def _put_known(group: Any, name: str, value: Any) -> None:
    if value is not None:
        _put(group, name, value)


def _put(group: Any, name: str, value: Any, unit: str | None = None) -> Any:
    field = group.create_dataset(name, data=value)
    if unit is not None:
        field.attrs["units"] = unit
    return field


def _group(parent: Any, name: str, kind: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group
