"""AVI, MP4 and other video, through PyAV: frames as their luma, clock as the video plays."""

import threading
import weakref
from bisect import bisect_right
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..recording import Clock, Recording, clock_from_interval, clock_from_stamps, lazy_frames
from .failures import reading

__all__ = ["read_video"]

_KEPT = 16  # frames kept: threads ask for neighbours in any order, and seeking back costs a whole group of pictures
_TYPES = {"gray": "u1", "gray16le": "u2"}
_PLAYBACK = "video stream (playback time, which may differ from the time of the experiment)"


def read_video(path: Path) -> Recording:
    """A video as a movie of uint8 luma (uint16 where recorded as 16-bit grey); packets are counted, not decoded."""
    with reading(path, "a video"), av.open(str(path)) as container:
        if not container.streams.video:
            raise MovieError(f"{path} holds no video stream.")
        stream = container.streams.video[0]
        shape, grey = (stream.height, stream.width), _grey_format(str(stream.format.name if stream.format else ""))
        promised = _promised(container, stream)
        # A packet cut in two still decodes, to a frame that is half made up.
        packets = [(p.pts, p.is_keyframe) for p in container.demux(stream) if p.size and not p.is_corrupt]
        if not packets:
            raise MovieError(f"{path} holds no whole frame; it may be cut short.")
        ticks, keys = _ticks(packets)
        frames = lazy_frames(_Frames(path, ticks, keys, grey), len(packets), shape, np.dtype(_TYPES[grey]))
        notes = () if promised <= len(packets) else (f"cut short: {len(packets)} of {promised} frames are left",)
        return Recording(frames, clock=_clock(stream, ticks), conversion="video frames to luma", notes=notes)


def _promised(container: Any, stream: Any) -> int:
    """How many frames the file says it has; Matroska says only how long it is."""
    if stream.frames or not (container.duration and stream.average_rate and len(container.streams) == 1):
        return int(stream.frames)
    return round(float(container.duration / av.time_base * stream.average_rate))


def _ticks(packets: list[tuple[int | None, bool]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Time stamps of all frames and of key frames, in order; none where the stream lacks them (frames are counted)."""
    ticks = sorted({tick for tick, _ in packets if tick is not None})
    if len(ticks) < len(packets):
        return (), ()
    return tuple(ticks), tuple(sorted(tick for tick, is_key in packets if is_key and tick is not None))


def _grey_format(name: str) -> str:
    return "gray16le" if name.startswith("gray16") else "gray"


def _clock(stream: Any, ticks: tuple[int, ...]) -> Clock:
    rate = stream.average_rate
    interval = clock_from_interval(float(1 / rate), "s", _PLAYBACK) if rate else Clock()
    if len(ticks) < 2 or not stream.time_base:
        return interval
    return clock_from_stamps((np.array(ticks) - ticks[0]) * float(stream.time_base), _PLAYBACK, interval)


class _Frames:
    """Reads frame i of a video; keeps the decoder where it is, since frames mostly come in order."""

    def __init__(self, path: Path, ticks: tuple[int, ...], keys: tuple[int, ...], grey: str) -> None:
        self._path, self._ticks, self._keys, self._grey = path, ticks, keys, grey
        self._lock = threading.Lock()
        self._container: Any = None
        self._decoded: Any = iter(())
        self._next = 0  # index of the frame that the decoder gives next
        self._recent: dict[int, NDArray[Any]] = {}

    def __reduce__(self) -> tuple[type["_Frames"], tuple[Path, tuple[int, ...], tuple[int, ...], str]]:
        return _Frames, (self._path, self._ticks, self._keys, self._grey)

    def __call__(self, index: int) -> NDArray[Any]:
        with reading(self._path, "a video"), self._lock:
            if index in self._recent:
                return self._recent[index].copy()
            if not 0 <= index - self._next < _KEPT or self._container is None:
                self._seek(index)
            for frame in self._decoded:
                at = self._index_of(frame)
                self._next = at + 1
                self._keep(at, np.asarray(frame.to_ndarray(format=self._grey)))
                if at >= index:
                    return self._recent[at].copy()
            raise MovieError(f"{self._path}: frame {index} cannot be decoded; the video is damaged or cut short.")

    def _keep(self, index: int, frame: NDArray[Any]) -> None:
        self._recent[index] = frame
        if len(self._recent) > _KEPT:
            self._recent.pop(next(iter(self._recent)))

    def _seek(self, index: int) -> None:
        """Bring the decoder to the key frame before frame `index`, or to the start."""
        place = bisect_right(self._keys, self._ticks[index]) - 1 if self._ticks else -1
        if self._container is None:
            self._restart()
        if place < 1 or not self._seek_key(self._keys[place]):
            self._restart()

    def _seek_key(self, tick: int) -> bool:
        """Seek to a key frame; False where a file without an index leads elsewhere: frames would decode wrong."""
        stream = self._container.streams.video[0]
        self._container.seek(tick, stream=stream, backward=True)
        decoded = self._container.decode(stream)
        first = next(decoded, None)
        if first is None or not first.key_frame or first.pts is None or first.pts > tick:
            return False
        self._decoded = chain([first], decoded)
        return True

    def _restart(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = av.open(str(self._path))
        weakref.finalize(self, self._container.close)
        self._decoded, self._next = self._container.decode(self._container.streams.video[0]), 0

    def _index_of(self, frame: Any) -> int:
        """Which frame the decoder gave: by its time stamp, else by counting from where it started."""
        if self._ticks and frame.pts is not None:
            return int(np.searchsorted(self._ticks, frame.pts))
        return self._next
