"""report.html: one page that shows and says what a run found, and opens by itself anywhere."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from numpy.typing import NDArray

from ionfront.core import Calibration, PhaseScheme, Quantity, atomic_output
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import FrontResult

from .clip import clip_colours
from .kinetics_json import ModelCard
from .methods import methods_paragraph
from .page import rendered
from .report_pictures import report_pictures
from .report_words import cycle_tables, particle_rows, summary_sentences
from .wording import format_size

__all__ = ["ReportMaterial", "write_report"]

_FILES = {
    "kinetics.json": "every number of this page, for programs",
    "fronts.csv": "positions and areas, a row for each frame and transition",
    "labels.zarr": "the phase of every pixel in every frame (OME-Zarr)",
    "arrival.tif": "when the reaction reached each pixel, and how sure that is",
    "overlay.webp": "the movie with its phases laid over it",
    "speed.tif": "how fast the front went there, and how it was bent",
}


@dataclass(frozen=True)
class ReportMaterial:
    """Everything a report is made of.

    Attributes:
        source: The movie, as a path or a name.
        result: What was measured.
        calibration: Scales, and so the units.
        scheme: Phases of the labels behind the result.
        first_frame: Shape (y, x), any real dtype.
        model: What labelled the frames; None when labels came from elsewhere.
        kinetics: The content of kinetics.json.
        warnings: Sentences beside those of result, calibration and kinetics; none is shown twice.
        software_version: Of IonFront.
        host: Electrode material, where it was named.
        ion: What moves in it, likewise.
        log: Of the potentiostat, on the movie's clock; None where none was given.
        log_offset: What that clock showed when the log's own showed zero, where the reaction told it.
        clip: The movie with its phases laid over it, an animated WebP; None leaves it out.
        title: Heading; None takes the name of the source.
    """

    source: str
    result: FrontResult
    calibration: Calibration
    scheme: PhaseScheme
    first_frame: NDArray[Any]
    model: ModelCard | None
    kinetics: Mapping[str, Any]
    warnings: tuple[str, ...]
    software_version: str
    host: str | None = None
    ion: str | None = None
    log: ElectrochemicalLog | None = None
    log_offset: Quantity | None = None
    clip: bytes | None = None
    title: str | None = None


def write_report(path: Path, material: ReportMaterial, *, overwrite: bool = False) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputExistsError: `path` exists and `overwrite` was not asked for.
    """
    with atomic_output(path, overwrite=overwrite) as draft:
        draft.write_text(_rendered(material), encoding="utf-8")


def _rendered(material: ReportMaterial) -> str:
    return rendered(
        "report.html",
        title=material.title or PurePath(material.source).name,
        source=material.source,
        material=_material_words(material),
        version=material.software_version,
        calibration_warnings=material.calibration.warnings,
        warnings=_other_warnings(material),
        reaction_observed=material.kinetics["reaction_observed"],
        summary=summary_sentences(material.kinetics),
        tables=cycle_tables(material.kinetics),
        particles=particle_rows(material.kinetics) if len(material.kinetics["particles"]) > 1 else (),
        pictures=report_pictures(
            material.result,
            material.calibration,
            material.scheme,
            material.first_frame,
            material.log,
            material.log_offset,
        ),
        clip=None if material.clip is None else b64encode(material.clip).decode("ascii"),
        clip_key=[(material.scheme.names[phase], colour) for phase, colour in clip_colours(material.scheme).items()],
        scales=_scales(material.calibration),
        model=material.model,
        phases=material.scheme.names,
        methods=methods_paragraph(material.result, material.calibration, material.model, material.software_version),
        files={name: words for name, words in _FILES.items() if material.model or name != "labels.zarr"},
    )


def _material_words(material: ReportMaterial) -> str:
    if material.ion and material.host:
        return f"{material.ion} in {material.host}"
    return material.ion or material.host or ""


def _other_warnings(material: ReportMaterial) -> tuple[str, ...]:
    """Every warning once, those of the calibration apart: they have a box of their own."""
    known = set(material.calibration.warnings)
    candidates: Iterable[str] = (*material.warnings, *material.kinetics["warnings"], *material.result.warnings)
    return tuple(dict.fromkeys(words for words in candidates if words not in known))


def _scales(calibration: Calibration) -> tuple[tuple[str, str, str], ...]:
    """Name, value with unit, and provenance of each scale."""
    return (
        ("Pixel size", _scale(calibration.pixel_size_nm, "nm"), calibration.pixel_size_source),
        ("Frame time", _scale(calibration.frame_time_s, "s"), calibration.frame_time_source),
    )


def _scale(value: float | None, unit: str) -> str:
    return "NOT KNOWN" if value is None else f"{format_size(value, digits=6)} {unit}"
