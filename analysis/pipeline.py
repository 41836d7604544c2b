"""From a movie, or a label movie of any tool, to a folder of results."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ionfront.core import (
    Calibration,
    ElectrochemistryError,
    MovieError,
    PhaseScheme,
    Quantity,
    UsageError,
    atomic_output,
)
from ionfront.datasets import (
    ElectrochemicalLog,
    calibration_of,
    frames_to_average,
    odd_count,
    open_labels,
    open_movie,
    read_electrochemistry,
    scheme_of,
)
from ionfront.fronts import FrontResult, FrontTracker
from ionfront.models import Segmenter, SkippingSegmenter, load_segmenter

from .clip import overlay_clip
from .kinetics_json import ModelCard, kinetics_record
from .log_offset import log_offset
from .measure import (
    Crew,
    Progress,
    doubts_of_reference,
    measure_labels,
    measure_movie,
    measured,
    model_card,
    reference_for,
    tracker_for_network,
)
from .record import write_record
from .report import ReportMaterial, write_report
from .tables import write_arrival, write_fronts, write_local
from .watch import DomainWatch

__all__ = ["Analysis", "analyze", "fronts_of_labels"]


@dataclass(frozen=True)
class Analysis:
    """A finished run: its folder, and the content of its kinetics.json."""

    folder: Path
    kinetics: dict[str, Any]

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / "report.html"


def analyze(
    movie_path: Path,
    out: Path,
    *,
    model: Path | Segmenter | None = None,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    average_frames: int | None = None,
    binning: int = 1,
    skip_unchanged: bool = False,
    material: dict[str, str] | None = None,
    log: Path | None = None,
    log_offset_s: float | None = 0.0,
    source: str = "",
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
    crew: Crew | None = None,
) -> Analysis:
    """Segment a movie, follow its fronts, and write report, kinetics, fronts, labels and arrival map.

    Args:
        movie_path: Anything `open_movie` reads.
        out: Folder of the results; it appears when all of them are there.
        model: ONNX model file, or a model that was loaded; None takes the bundled one.
        pixel_size_nm: In place of the file's.
        frame_time_s: In place of the file's.
        average_frames: How many frames around each one are averaged before the model sees it, an odd number; None
            chooses by noise, drift and length of the movie.
        binning: Means of so many times so many pixels are analysed in their place.
        skip_unchanged: Infer only what has changed since it was last inferred: faster on long movies.
        material: `host` and `ion`, for the record.
        log: Of the potentiostat, anything that `read_electrochemistry` reads.
        log_offset_s: What the movie's clock shows when the log's shows zero; None finds it, where the reaction tells.
        source: What the results say that they are of; the movie's path where it is empty.
        overwrite: Whether an existing folder may be replaced.
        progress: Told after every frame.
        crew: Others that the movie is divided among, which see each frame as this process would; the result is the
            same. None where this process sees all of it; with `skip_unchanged`, which goes by frames before, it does.

    Raises:
        MovieError: The movie cannot be read or has a single frame.
        ElectrochemistryError: The log cannot be read, or shares no moment with the movie.
        ModelFileError: The model cannot be used.
        UsageError: The model's labels are no reaction, `average_frames` is no odd number, or `binning` makes no sense.
        OutputExistsError: `out` exists.
    """
    movie = open_movie(movie_path, pixel_size_nm=pixel_size_nm, frame_time_s=frame_time_s, binning=binning)
    _refuse_still(movie)
    electrochemistry = _log_of(movie, log, log_offset_s)
    if source:
        movie = movie.assign_attrs(source=source)
    segmenter = model if isinstance(model, Segmenter) else load_segmenter(model)
    infer = SkippingSegmenter(segmenter).probabilities if skip_unchanged else segmenter.probabilities
    scheme = segmenter.info.scheme
    averaged = frames_to_average(movie) if average_frames is None else odd_count(average_frames)
    with atomic_output(out, overwrite=overwrite) as draft:
        draft.mkdir()
        crew = None if skip_unchanged else crew
        tracker = tracker_for_network(scheme, (movie.sizes["y"], movie.sizes["x"]), averaged, crew)
        reference = reference_for(segmenter, movie)
        labels = draft / "labels.zarr"
        watch = DomainWatch(segmenter.info.domain)
        measure_movie(movie, infer, scheme, tracker, labels, progress, averaged, reference, watch, crew)
        doubts = () if reference is None else doubts_of_reference(reference.unmatched, movie.sizes["time"])
        notes = (*_notes(movie), *watch.warnings, *doubts)
        card = model_card(segmenter, averaged)
        run = _Run(movie, scheme, card, material or {}, notes, watch.record, electrochemistry, log_offset_s is None)
        kinetics = _write_results(draft, tracker, run, open_labels(labels))
    return Analysis(out, kinetics)


def fronts_of_labels(
    labels_path: Path,
    out: Path,
    *,
    phases: tuple[str, ...] = (),
    reaction_order: tuple[str, ...] = (),
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    material: dict[str, str] | None = None,
    log: Path | None = None,
    log_offset_s: float | None = 0.0,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> Analysis:
    """Follow the fronts in a label movie and write everything that `analyze` writes, but for the labels.

    Args:
        labels_path: Label movie.
        out: Folder of the results.
        phases: Names by label id, in place of the file's (or of IonFront's own, where the file has none).
        reaction_order: Phase names in the order of the reaction, in place of the file's.
        pixel_size_nm: In place of the file's.
        frame_time_s: In place of the file's.
        material: `host` and `ion`, for the record.
        log: Of the potentiostat, as for `analyze`.
        log_offset_s: Likewise.
        overwrite: Whether an existing folder may be replaced.
        progress: Told after every frame.

    Raises:
        MovieError: The labels cannot be read.
        ElectrochemistryError: The log cannot be read, or shares no moment with the movie.
        UsageError: No reaction order is known, or it names an unknown phase.
        OutputExistsError: `out` exists.
    """
    labels = open_labels(labels_path, pixel_size_nm=pixel_size_nm, frame_time_s=frame_time_s)
    _refuse_still(labels)
    electrochemistry = _log_of(labels, log, log_offset_s)
    scheme = scheme_of(labels)
    if phases or reaction_order:
        scheme = PhaseScheme(phases or scheme.names, reaction_order or (() if phases else scheme.reaction_order))
    with atomic_output(out, overwrite=overwrite) as draft:
        draft.mkdir()
        tracker = FrontTracker(scheme, (labels.sizes["y"], labels.sizes["x"]), register=False)
        measure_labels(labels, scheme, tracker, labels.attrs.get("ignore_label"), progress)
        find = log_offset_s is None
        run = _Run(labels, scheme, None, material or {}, _notes(labels), log=electrochemistry, find_offset=find)
        kinetics = _write_results(draft, tracker, run, labels)
    return Analysis(out, kinetics)


@dataclass(frozen=True)
class _Run:
    movie: xr.DataArray
    scheme: PhaseScheme
    model: ModelCard | None
    material: dict[str, str]
    notes: tuple[str, ...]
    foreign_frames: list[int] | None = None
    log: ElectrochemicalLog | None = None
    find_offset: bool = False

    @property
    def calibration(self) -> Calibration:
        return calibration_of(self.movie)

    @property
    def source(self) -> str:
        return str(self.movie.attrs["source"])


def _write_results(folder: Path, tracker: FrontTracker, run: _Run, labels: xr.DataArray) -> dict[str, Any]:
    result = measured(tracker, run.calibration)
    beside = _laid_beside(run, result)
    record = kinetics_record(
        result,
        run.calibration,
        source=run.source,
        model=run.model,
        material=run.material,
        warnings=(*run.notes, *beside.notes),
        foreign_frames=run.foreign_frames,
        log=beside.log,
        log_offset=beside.offset,
    )
    write_record(folder / "kinetics.json", record)
    write_fronts(folder / "fronts.csv", result, run.calibration)
    write_arrival(folder / "arrival.tif", result, run.calibration)
    write_local(folder / "speed.tif", result, run.calibration)
    clip = overlay_clip(run.movie, labels, run.scheme, run.calibration)
    (folder / "overlay.webp").write_bytes(clip)
    material = ReportMaterial(
        source=run.source,
        result=result,
        calibration=run.calibration,
        scheme=run.scheme,
        first_frame=np.asarray(run.movie[0].values),
        model=run.model,
        kinetics=record,
        warnings=tuple(record["warnings"]),
        software_version=version("ionfront"),
        host=run.material.get("host"),
        ion=run.material.get("ion"),
        log=beside.log,
        log_offset=beside.offset,
        clip=clip,
    )
    write_report(folder / "report.html", material)
    return record


def _log_of(movie: xr.DataArray, path: Path | None, offset_s: float | None) -> ElectrochemicalLog | None:
    """The log on the movie's clock, or on its own where the offset is to be found."""
    if path is None:
        return None
    log = read_electrochemistry(path)
    if calibration_of(movie).frame_time_s is None:
        raise UsageError(
            f"{movie.attrs['source']} does not say when its frames were taken; a log is laid beside seconds: "
            "give the time between frames (--frame-time-s)."
        )
    if offset_s is None:
        if not np.isfinite(log.current_a).any():
            raise ElectrochemistryError(
                f"{path} holds no current, which tells where it lies on the movie's clock: give what that clock shows "
                "when the log's shows zero (--log-offset-s)."
            )
        return log
    log = log.shifted(offset_s)
    start, end = float(movie["time"][0]), float(movie["time"][-1])
    if log.time_s[-1] <= start or log.time_s[0] >= end:
        raise ElectrochemistryError(
            f"{path} was recorded from {log.time_s[0]:g} to {log.time_s[-1]:g} s on the movie's clock, the movie runs "
            f"from {start:g} to {end:g} s: give what that clock shows when the log's shows zero (--log-offset-s), or "
            "let the reaction tell (--find-log-offset)."
        )
    return log


@dataclass(frozen=True)
class _Beside:
    """The log on the movie's clock, the offset that was found for it, and what is to be said of that."""

    log: ElectrochemicalLog | None
    offset: Quantity | None = None
    notes: tuple[str, ...] = ()


def _laid_beside(run: _Run, result: FrontResult) -> _Beside:
    """Find the offset where that was asked for; a log that cannot be placed is left out, and the movie measured."""
    if run.log is None or not run.find_offset:
        return _Beside(run.log)
    areas = result.areas_px[:, list(run.scheme.order_ids)]
    try:
        offset = log_offset(run.log, result.time, areas @ np.arange(areas.shape[1]))
    except ElectrochemistryError as error:
        return _Beside(None, None, (f"The potentiostat's log is left out: {error}",))
    return _Beside(run.log.shifted(offset.value), offset)


def _refuse_still(movie: xr.DataArray) -> None:
    if movie.sizes["time"] < 2:
        raise MovieError(
            f"{movie.attrs['source']} holds one frame; kinetics need a movie. "
            "Use `ionfront segment` for a single image, or give the folder that holds the frames."
        )


def _notes(movie: xr.DataArray) -> tuple[str, ...]:
    notes = movie.attrs.get("notes", ())
    return (notes,) if isinstance(notes, str) else tuple(notes)
