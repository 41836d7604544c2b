"""Frames out of the documents of a run: images that its events hold, or that they name in an HDF5 file."""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname

import h5py
import numpy as np
from event_model import DocumentRouter
from event_model.documents import Event, EventDescriptor, StreamDatum, StreamResource
from numpy.typing import NDArray

from ionfront.core import MovieError

__all__ = ["FrameDocuments"]

_HDF5 = "application/x-hdf5"


class _File(NamedTuple):
    path: str
    dataset: str


class FrameDocuments(DocumentRouter):
    """Hands over each frame of a run when its event comes: `RE.subscribe(FrameDocuments(front.take, "camera"))`.

    Args:
        take: Called with each image (y, x) and its time [s]: `FrontDevice.take`, `Monitor.take`, `LiveFront.push`.
        field: Data key of the image.
        time_field: Data key of its time by the detector's clock; None takes the event's.
        zero_s: What that clock shows at the time 0; None takes that of the first frame.

    Attributes:
        zero_s: Likewise.

    Raises:
        MovieError: Of `__call__`: an event holds more than one frame, or its file is none that can be read here.
    """

    def __init__(
        self,
        take: Callable[[NDArray[Any], float], object],
        field: str,
        *,
        time_field: str | None = None,
        zero_s: float | None = None,
    ) -> None:
        super().__init__()
        self.zero_s = zero_s
        self._take, self._field, self._time_field = take, field, time_field
        self._files: dict[str, _File] = {}
        self._stored: dict[tuple[str, int], tuple[str, int]] = {}  # of an event: which frame of which file

    def descriptor(self, doc: EventDescriptor) -> None:
        """Refuse frames that nobody could tell apart in time."""
        key = doc["data_keys"].get(self._field)
        shape = () if key is None else tuple(key["shape"])
        if key is not None and (len(shape) < 2 or any(length not in (1, None) for length in shape[:-2])):
            raise MovieError(f"{self._field} has the shape {shape} in an event; one image (y, x) is needed in each.")

    def stream_resource(self, doc: StreamResource) -> None:
        """A file that frames are written into."""
        if doc["data_key"] != self._field:
            return
        if doc["mimetype"] != _HDF5:
            raise MovieError(f"{self._field} is written as {doc['mimetype']}; {_HDF5} can be read while it grows.")
        self._files[doc["uid"]] = _File(url2pathname(urlparse(doc["uri"]).path), doc["parameters"]["dataset"])

    def stream_datum(self, doc: StreamDatum) -> None:
        """Frames in it, by the numbers of the events that they belong to."""
        if doc["stream_resource"] in self._files:
            places = range(doc["indices"]["start"], doc["indices"]["stop"])
            for number, place in enumerate(places, doc["seq_nums"]["start"]):
                self._stored[doc["descriptor"], number] = (doc["stream_resource"], place)

    def event(self, doc: Event) -> Event:
        """Hand over its frame, if it has one."""
        stored = self._stored.pop((doc["descriptor"], doc["seq_num"]), None)
        if self._field in doc["data"]:
            self._hand_over(np.asarray(doc["data"][self._field]), doc)
        elif stored is not None:
            self._hand_over(_read(self._files[stored[0]], stored[1]), doc)
        return doc

    def _hand_over(self, image: NDArray[Any], doc: Event) -> None:
        told = doc["timestamps"].get(self._field, doc["time"])
        clock_s = float(told if self._time_field is None else doc["data"][self._time_field])
        self.zero_s = clock_s if self.zero_s is None else self.zero_s
        self._take(image.reshape(image.shape[-2:]), clock_s - self.zero_s)


def _read(file: _File, place: int) -> NDArray[Any]:
    """A frame of a file that another program may still be writing."""
    try:
        with h5py.File(file.path, "r", libver="latest", swmr=True) as opened:
            return np.asarray(opened[file.dataset][place])
    except (OSError, KeyError, ValueError) as error:
        raise MovieError(
            f"frame {place} cannot be read from {file.path} ({error}): it needs to be seen here."
        ) from error
