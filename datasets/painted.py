"""Labels painted or corrected in any tool (napari, ImageJ) become frames of a labelled data set."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import DEFAULT_SCHEME, Calibration, LabelledDataError, PhaseScheme, UsageError

from .labelled import LabelledSet, read_labelled
from .labelled_changes import extend_labelled
from .labelled_writer import Frame, write_labelled
from .labelmovie import names_phases, open_labels, scheme_of
from .movie import movie_name
from .pairs import Pair, paired

__all__ = ["import_labels"]

StrPath = str | PathLike[str]

_UNLABELLED = 255


def import_labels(
    images: StrPath,
    labels: StrPath,
    out: StrPath,
    *,
    phases: Mapping[str, int] | None = None,
    reaction_order: Sequence[str] = (),
    unlabelled: int | None = None,
    frames: Sequence[int] = (),
    changed_from: StrPath | None = None,
    group: str = "",
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    overwrite: bool = False,
) -> LabelledSet:
    """Make a labelled data set from a movie and its label movie, or add frames to one.

    A label movie has as many frames as the movie, or as many as `frames` names. A folder of label images goes with a
    folder of images by the names of the files, and may hold some of them only.

    Args:
        images: Anything `open_movie` reads, or a folder of images.
        labels: Anything `open_labels` reads, or a folder of label images.
        out: Folder of the data set; where there is one, it grows.
        phases: Painted id of each phase, in the order of the ids to be written; the first is the background. None takes
            the phases that `labels`, `changed_from` or the data set name.
        reaction_order: Phases in the order of the reaction; empty takes the order known for these phases.
        unlabelled: Painted id of pixels that nobody judged; None takes the one that `labels` names, if any.
        frames: Only these frames, counted from 0; empty means all.
        changed_from: Only frames whose labels differ from this label movie.
        group: Specimen that the frames show, which no split cuts; the name of the movie if not given.
        pixel_size_nm: Edge of a pixel [nm], in place of the file's.
        frame_time_s: Time between frames [s], in place of the file's.
        overwrite: Whether frames of the data set may be replaced.

    Returns:
        The data set. Its frames are named GROUP_NAME after image files, GROUP_INDEX after frames of a movie.

    Raises:
        LabelledDataError: No phases are known, the numbers of frames differ, an id has no name, or no frame is left.
        UsageError: A frame does not exist, or an id means two things.
        OutputExistsError: A frame is in the data set already, or `out` is something else.
        MovieError: A file cannot be read.
    """
    images, labels, out = Path(images), Path(labels), Path(out)
    group = group or movie_name(images)
    pairs, calibration = paired(images, labels, frames, Calibration(pixel_size_nm, frame_time_s))
    scheme = _scheme(phases, reaction_order, _known_schemes(labels, changed_from, out))
    unlabelled = _stored_ignore(labels) if unlabelled is None else unlabelled
    table = _renumbering(phases or {name: i for i, name in enumerate(scheme.names)}, unlabelled)
    chosen = pairs if changed_from is None else _changed(pairs, open_labels(changed_from))
    return _write(
        out,
        ((f"{group}_{pair.name}", pair.image(), _renumbered(pair, table), group) for pair in chosen),
        scheme,
        None if unlabelled is None else _UNLABELLED,
        calibration,
        overwrite,
    )


def _changed(pairs: Sequence[Pair], original: xr.DataArray) -> list[Pair]:
    """Frames whose label is not the original one."""
    source, count = original.attrs["source"], original.sizes["time"]
    if beyond := [pair.index for pair in pairs if pair.index >= count]:
        raise LabelledDataError(f"{source} has {count} frames, so frame {beyond[0]} cannot be compared with it.")
    changed = [pair for pair in pairs if not np.array_equal(pair.label(), original[pair.index])]
    if not changed:
        raise LabelledDataError(f"no frame differs from {source}; correct some, or name frames with --frames.")
    return changed


def _known_schemes(labels: Path, changed_from: StrPath | None, out: Path) -> list[PhaseScheme]:
    """Phases that the files themselves name, the labels' own first."""
    sources = [labels, *([] if changed_from is None else [Path(changed_from)])]
    own = [scheme_of(open_labels(source)) for source in sources if names_phases(source)]
    return [*own, *([read_labelled(out, check_labels=False).scheme] if _is_set(out) else [])]


def _scheme(
    phases: Mapping[str, int] | None, reaction_order: Sequence[str], known: Sequence[PhaseScheme]
) -> PhaseScheme:
    names = tuple(phases) if phases else known[0].names if known else ()
    if not names:
        raise LabelledDataError(
            "the labels do not name their phases; name them by label id, "
            f"e.g. --phases {','.join(DEFAULT_SCHEME.names)}."
        )
    orders = (scheme.reaction_order for scheme in (*known, DEFAULT_SCHEME) if scheme.names == names)
    return PhaseScheme(names, tuple(reaction_order) or next(orders, ()))


def _stored_ignore(labels: Path) -> int | None:
    return open_labels(labels).attrs.get("ignore_label") if names_phases(labels) else None


def _renumbering(phases: Mapping[str, int], unlabelled: int | None) -> NDArray[np.int16]:
    """Label id by painted id; -1 where a painted id means nothing."""
    ids = [*phases.values(), *([] if unlabelled is None else [unlabelled])]
    if len(set(ids)) < len(ids) or not all(0 <= i <= 255 for i in ids):
        raise UsageError(
            f"the painted ids are {dict(phases)}, and {unlabelled} for pixels that nobody judged; each needs an id of "
            "its own from 0 to 255: say so with NAME=ID, e.g. --phases background=5,pristine=1."
        )
    table = np.full(256, -1, np.int16)
    table[list(phases.values())] = np.arange(len(phases))
    if unlabelled is not None:
        table[unlabelled] = _UNLABELLED
    return table


def _renumbered(pair: Pair, table: NDArray[np.int16]) -> NDArray[np.uint8]:
    painted = pair.label()
    ids = table[painted]
    if (ids < 0).any():
        raise LabelledDataError(
            f"the label of frame {pair.name} holds ids {np.unique(painted[ids < 0])[:8].tolist()} without a name; "
            f"named are {np.flatnonzero(table >= 0).tolist()}. Name them with --phases."
        )
    return ids.astype(np.uint8)


def _is_set(out: Path) -> bool:
    return (out / "dataset.json").is_file()


def _write(
    out: Path,
    frames: Iterator[Frame],
    scheme: PhaseScheme,
    ignore_label: int | None,
    calibration: Calibration,
    overwrite: bool,
) -> LabelledSet:
    pixel_size_nm, frame_time_s = calibration.pixel_size_nm, calibration.frame_time_s
    if _is_set(out):
        return extend_labelled(
            out,
            frames,
            scheme,
            ignore_label=ignore_label,
            pixel_size_nm=pixel_size_nm,
            frame_time_s=frame_time_s,
            overwrite=overwrite,
        )
    return write_labelled(
        out,
        frames,
        scheme,
        ignore_label=ignore_label,
        pixel_size_nm=pixel_size_nm,
        frame_time_s=frame_time_s,
        file_ending=".tif",
    )
