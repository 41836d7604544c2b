"""Labelled frames in one Zarr store, many to a file: for more of them than a folder should hold.

    attributes       phases, reaction order, ignore label and scales, as dataset.json has them
    0/image          frames (n, y, x) of one size and pixel type; 0/label their label ids, uint8
    0 (attributes)   their names, and the specimen of each
    1/image …        those of another size or type

A chunk is a frame, and as many as 64 MiB hold share a file: a frame is read without the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ionfront.core import LabelledDataError, PhaseScheme, atomic_output

from .labelled import LabelledFrame, LabelledSet, read_labelled
from .ome import create_frames
from .readers import read_recording, reading
from .readers.zarr_store import is_zarr

__all__ = ["PackedFrame", "PackedSet", "open_labelled", "pack_labelled", "read_packed"]

_OWN = "ionfront_labelled"


@dataclass(frozen=True)
class PackedFrame:
    """A frame of a store.

    Attributes:
        name, group: As `LabelledFrame` has them.
        store: The store.
        place: Group within it.
        index: Its number there.
    """

    name: str
    group: str
    store: Path
    place: str
    index: int

    def load(self) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Image (y, x) as recorded, and labels (y, x)."""
        image, label = _arrays(self.store, self.place)
        return np.asarray(image[self.index]), np.asarray(label[self.index])


@dataclass(frozen=True)
class PackedSet:
    """A labelled data set in a store; attributes as `LabelledSet` has them."""

    root: Path
    scheme: PhaseScheme
    frames: tuple[PackedFrame, ...]
    ignore_label: int | None
    pixel_size_nm: float | None
    frame_time_s: float | None
    names_groups: bool

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in order of their first frame."""
        return tuple(dict.fromkeys(frame.group for frame in self.frames))


def open_labelled(path: Path) -> LabelledSet | PackedSet:
    """A labelled data set, in a folder (`read_labelled`) or in a store (`read_packed`)."""
    return read_packed(path) if is_zarr(path) else read_labelled(path)


def pack_labelled(
    labelled: LabelledSet,
    out: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PackedSet:
    """Copy a labelled data set into a store.

    Args:
        labelled: The set.
        out: The store, NAME.zarr; it appears when all is in it.
        overwrite: Whether one that is there may be replaced.
        progress: Told after every frame.

    Raises:
        LabelledDataError: A frame cannot be read.
        OutputExistsError: `out` exists and `overwrite` was not asked for.
    """
    kinds: dict[tuple[tuple[int, ...], np.dtype[Any]], list[LabelledFrame]] = {}
    for frame in labelled.frames:
        pixels = read_recording(frame.image).frames  # lazy: its header alone is read
        kinds.setdefault((pixels.shape[1:], pixels.dtype.newbyteorder("=")), []).append(frame)
    done = 0
    with atomic_output(out, overwrite=overwrite) as draft:
        root = zarr.open_group(str(draft), mode="w", zarr_format=3)
        root.attrs[_OWN] = {
            "phases": list(labelled.scheme.names),
            "reaction_order": list(labelled.scheme.reaction_order),
            "ignore_label": labelled.ignore_label,
            "pixel_size_nm": labelled.pixel_size_nm,
            "frame_time_s": labelled.frame_time_s,
            "names_groups": labelled.names_groups,
        }
        for place, ((shape, dtype), frames) in enumerate(kinds.items()):
            group = root.create_group(str(place))
            group.attrs["names"] = [frame.name for frame in frames]
            group.attrs["groups"] = [frame.group for frame in frames]
            sizes = (len(frames), shape[0], shape[1])
            image_array = create_frames(group, sizes, dtype, name="image", sharded=True)
            label_array = create_frames(group, sizes, "uint8", name="label", shards=image_array.shards)
            for first in range(0, len(frames), each := image_array.shards[0]):
                pairs = [frame.load() for frame in frames[first : first + each]]
                written = slice(first, first + len(pairs))
                image_array[written] = np.stack([image for image, _ in pairs])
                label_array[written] = np.stack([label for _, label in pairs])
                done += len(pairs)
                progress(done, len(labelled.frames))
    return read_packed(out)


def read_packed(path: Path) -> PackedSet:
    """A labelled data set in a store.

    Raises:
        LabelledDataError: It is none of `pack_labelled`.
        MovieError: It is damaged.
    """
    with reading(path, "a store of labelled frames"):
        root = zarr.open_group(str(path), mode="r")
        own: Any = root.attrs.get(_OWN)
        if own is None:
            raise LabelledDataError(f"{path} holds no labelled frames of `ionfront pack`.")
        frames = tuple(_frames(path, root))
        scheme = PhaseScheme(tuple(own["phases"]), tuple(own["reaction_order"]))
        told = {name: own[name] for name in ("ignore_label", "pixel_size_nm", "frame_time_s", "names_groups")}
    return PackedSet(path, scheme, frames, **told)


def _frames(path: Path, root: Any) -> Iterator[PackedFrame]:
    for place in sorted(root.group_keys(), key=int):
        attrs = root[place].attrs
        for index, (name, group) in enumerate(zip(attrs["names"], attrs["groups"], strict=True)):
            yield PackedFrame(name, group, path, place, index)


@lru_cache(maxsize=64)
def _arrays(store: Path, place: str) -> tuple[Any, Any]:
    group = zarr.open_group(str(store / place), mode="r")
    return group["image"], group["label"]
