"""Label movies: written frame by frame as OME-Zarr, read back from that or from any tool's images.

What OME-Zarr (`ome.py`) has no place for lies in the group's attribute `ionfront`: phases, reaction order, provenance,
and real time stamps where frames are not evenly spaced.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import ArrayLike, NDArray

from ionfront.core import DEFAULT_SCHEME, Calibration, LabelledDataError, PhaseScheme, UsageError, atomic_output

from .movie import movie_array, user_calibrated
from .ome import create_frames, write_ome
from .readers import LABEL_READERS, read_recording, reading
from .readers.zarr_store import is_zarr

__all__ = ["LabelWriter", "names_phases", "open_labels", "scheme_of", "write_label_zarr"]

_LOSSY = (".jpg", ".jpeg", ".avi", ".mp4", ".mov", ".mkv", ".m4v")


class LabelWriter:
    """Takes the frames of a label movie one at a time, in order; those of a file are written together.

    Attributes:
        written: How many were taken.
    """

    def __init__(self, array: Any, phase_count: int, ignore_label: int | None) -> None:
        self._array, self._phase_count, self._ignore_label = array, phase_count, ignore_label
        self._held: list[NDArray[np.uint8]] = []
        self.written = 0

    def append(self, frame: ArrayLike) -> None:
        """Write the next frame: integer label ids, shape (y, x).

        Raises:
            LabelledDataError: Its shape is not the movie's, an id is not of the scheme, or the movie is full.
        """
        labels = np.asarray(frame)
        count, *shape = self._array.shape
        if list(labels.shape) != shape or self.written >= count:
            raise LabelledDataError(
                f"label frame {self.written} has shape {labels.shape}; the movie takes {count} of {tuple(shape)}."
            )
        known = labels < self._phase_count
        if self._ignore_label is not None:
            known |= labels == self._ignore_label
        if labels.dtype.kind not in "biu" or not (known & (labels >= 0)).all():
            raise LabelledDataError(
                f"label frame {self.written} holds {labels.dtype} {np.unique(labels)[:8]}; "
                f"integer ids 0 to {self._phase_count - 1} are needed."
            )
        self._held.append(labels.astype(np.uint8))
        self.written += 1
        if len(self._held) == self._array.shards[0]:
            self.flush()

    def flush(self) -> None:
        """Write what is held; nothing may follow unless a file is full."""
        if self._held:
            self._array[self.written - len(self._held) : self.written] = np.stack(self._held)
        self._held = []


@contextmanager
def write_label_zarr(
    path: str | PathLike[str],
    shape: tuple[int, int, int],
    scheme: PhaseScheme,
    calibration: Calibration,
    time_s: ArrayLike | None = None,
    *,
    ignore_label: int | None = None,
    overwrite: bool = False,
) -> Iterator[LabelWriter]:
    """Write a label movie as OME-Zarr; it appears under its name when every frame is in, and not at all otherwise.

    Args:
        path: The store, e.g. `labels.zarr`.
        shape: Frames, height, width.
        calibration: Scales of the movie; unknown ones are written without a unit, so that they are read as unknown.
        time_s: The movie's `time` coordinate [s], shape (frames,), increasing; kept where it is not even from 0.
        ignore_label: An id that is no phase, such as 255 (not judged).

    Raises:
        OutputExistsError: `path` exists and `overwrite` was not asked for.
        LabelledDataError: A frame does not fit.
        UsageError: Fewer frames came than were announced, or `time_s` has another length.
    """
    with atomic_output(Path(path), overwrite=overwrite) as draft:
        group = zarr.open_group(str(draft), mode="w", zarr_format=3)
        writer = LabelWriter(_create_array(group, shape), scheme.count, ignore_label)
        write_ome(group, calibration, "labels")
        group.attrs["ionfront"] = _own_attrs(scheme, calibration, _uneven(time_s, shape[0], calibration), ignore_label)
        yield writer
        if writer.written != shape[0]:
            raise UsageError(f"{writer.written} of {shape[0]} label frames were written to {path}: append every frame.")
        writer.flush()


def _create_array(group: Any, shape: tuple[int, int, int]) -> Any:
    if min(shape) < 1:
        raise UsageError(f"a label movie of shape {shape} is empty; one pixel in one frame is needed.")
    return create_frames(group, shape, "uint8", sharded=True)


def _uneven(time_s: ArrayLike | None, count: int, calibration: Calibration) -> NDArray[np.float64] | None:
    """The time stamps where an even clock from 0 would not give them back."""
    if time_s is None or calibration.frame_time_s is None:
        return None
    stamps = np.asarray(time_s, float)
    if stamps.shape != (count,) or not np.isfinite(stamps).all() or (np.diff(stamps) <= 0).any():
        raise UsageError(f"time_s has shape {stamps.shape}; {count} finite, increasing times are needed, one a frame.")
    even = np.arange(count) * calibration.frame_time_s
    return None if np.array_equal(stamps, even) else stamps


def _own_attrs(
    scheme: PhaseScheme, calibration: Calibration, stamps: NDArray[np.float64] | None, ignore_label: int | None
) -> dict[str, Any]:
    return {
        "phases": list(scheme.names),
        "reaction_order": list(scheme.reaction_order),
        "pixel_size_source": calibration.pixel_size_source,
        "frame_time_source": calibration.frame_time_source,
        **({"ignore_label": ignore_label} if ignore_label is not None else {}),
        **({"time_s": stamps.tolist()} if stamps is not None else {}),
    }


def open_labels(
    path: str | PathLike[str],
    *,
    scheme: PhaseScheme | None = None,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
) -> xr.DataArray:
    """Open a label movie: an OME-Zarr of `write_label_zarr`, or label images of any tool (TIFF, PNG folder, NPY, …).

    Args:
        scheme: Phases by id, in place of the file's.
        pixel_size_nm: Edge of a pixel [nm], in place of the file's.
        frame_time_s: Time between frames [s], in place of the file's.

    Returns:
        Dims (time, y, x), uint8, lazy, coordinates and attrs as of `open_movie`; also `phases` (id -> name),
        `reaction_order`, `phases_source` ("user", "file", or "default": IonFront's own scheme was assumed), and
        `ignore_label` where the file has one.

    Raises:
        MovieError: The file cannot be read.
        LabelledDataError: Its pixels are no label ids: colours, fractions, lossy pictures, or beyond 0 to 255.
    """
    path = Path(path)
    if path.suffix.lower() in _LOSSY:
        raise LabelledDataError(f"{path} is a lossy format, which alters label ids; save labels as TIFF, PNG or Zarr.")
    recording = read_recording(path, LABEL_READERS)
    if "RGB" in (recording.conversion or ""):
        raise LabelledDataError(f"{path} holds colours; label images need one integer id a pixel.")
    scale, clock = user_calibrated(recording, pixel_size_nm, frame_time_s)
    labels = movie_array(recording, scale, clock, source=str(path)).rename("labels")
    if labels.dtype != np.uint8:
        labels = labels.copy(data=labels.data.map_blocks(_as_ids, str(path), dtype=np.uint8))
    return labels.assign_attrs(_phase_attrs(_stored(path), scheme))


def names_phases(path: str | PathLike[str]) -> bool:
    """Whether a file says itself which phases its label ids are, as the OME-Zarr of `write_label_zarr` does."""
    return "phases" in _stored(Path(path))


def scheme_of(labels: xr.DataArray) -> PhaseScheme:
    """The phase scheme in a label movie's attrs."""
    phases: dict[int, str] = labels.attrs["phases"]
    return PhaseScheme(tuple(phases[i] for i in sorted(phases)), tuple(labels.attrs.get("reaction_order", ())))


def _as_ids(block: NDArray[Any], path: str) -> NDArray[np.uint8]:
    ids = block.astype(np.uint8)
    if not np.array_equal(ids, block):
        raise LabelledDataError(
            f"{path} holds values {block.min():g} to {block.max():g}; whole ids 0 to 255 are needed."
        )
    return ids


def _stored(path: Path) -> dict[str, Any]:
    if not is_zarr(path):
        return {}
    with reading(path, "a Zarr store"):
        attrs: dict[str, Any] = dict(zarr.open(store=str(path), mode="r").attrs.asdict())
        stored: dict[str, Any] = attrs.get("ionfront", {})
        return stored


def _phase_attrs(stored: dict[str, Any], scheme: PhaseScheme | None) -> dict[str, Any]:
    source = "user"
    if scheme is None:
        source = "file" if "phases" in stored else "default"
        scheme = _scheme_from(stored) if "phases" in stored else DEFAULT_SCHEME
    attrs: dict[str, Any] = {
        "phases": dict(enumerate(scheme.names)),
        "reaction_order": scheme.reaction_order,
        "phases_source": source,
    }
    return attrs | {key: stored[key] for key in ("ignore_label",) if key in stored}


def _scheme_from(stored: dict[str, Any]) -> PhaseScheme:
    names: Sequence[str] = stored["phases"]
    return PhaseScheme(tuple(names), tuple(stored.get("reaction_order", ())))
