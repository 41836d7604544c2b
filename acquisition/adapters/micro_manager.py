"""Micro-Manager, through pymmcore-plus: frames of a running camera or of an acquisition, which rules change and end.

    ionfront live mm:CONFIG.cfg     runs the camera of a configuration

A program that has a core of its own takes `of_camera(core, queue)`, or `of_mda(core, queue)` and then runs `Events`.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import Any, NamedTuple

from numpy.typing import NDArray
from pymmcore_plus import CMMCorePlus
from useq import MDAEvent

from ionfront.core import MovieError, UsageError

from ..actions import Action
from ..frames import Frame, FrameQueue
from ..sources import Source
from .feed import fed

__all__ = ["Events", "attach", "of_camera", "of_mda", "setting_exposure", "setting_property", "shutting", "stopping"]

_LOOK_S = 0.002
_PATIENCE_S = 30.0  # for the first frame, beside its exposure


class _Popped(NamedTuple):
    image: NDArray[Any]
    elapsed_s: float
    number: int


def attach(
    address: str, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None
) -> Source:
    """Frames of the camera of a configuration, which is loaded, run, and let go of at the end.

    Args:
        address: Path of a configuration file.
        queue, pixel_size_nm, zero_s: As for `ionfront.acquisition.adapters.attach`.

    Raises:
        MovieError: It cannot be loaded, or as `of_camera`.
    """
    core = CMMCorePlus()
    try:
        core.loadSystemConfiguration(address)
        source = of_camera(core, queue, pixel_size_nm=pixel_size_nm, zero_s=zero_s)
    except (RuntimeError, OSError) as error:
        core.unloadAllDevices()
        raise MovieError(f"{address} cannot be used ({error}): Micro-Manager needs to load it, too.") from error
    except MovieError:
        core.unloadAllDevices()
        raise

    def frames() -> Iterator[Frame]:
        try:
            yield from source.frames
        finally:
            core.unloadAllDevices()

    return Source(address, source.pixel_size_nm, frames(), zero_s=source.zero_s)


def of_camera(
    core: CMMCorePlus, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None
) -> Source:
    """Frames of a core's camera, in a sequence that runs until it is stopped, or the frames' iteration ends.

    Frames that the core's buffer lost count as missed. `setting_exposure` and other settings apply while it runs, where
    the camera allows it.

    Args:
        core: With a camera.
        queue, pixel_size_nm, zero_s: As for `ionfront.acquisition.adapters.attach`; time is that of this computer.

    Raises:
        MovieError: It has no camera, the camera takes no grey images, or none comes.
    """
    name = core.getCameraDevice()
    if not name or core.getNumberOfComponents() != 1:
        raise MovieError(f"the core's camera is {name or 'not set'}; one that takes grey images is needed.")
    began_s = time.time()
    core.startContinuousSequenceAcquisition(0)
    first = _first(core)
    begins_s = -first.elapsed_s if zero_s is None else began_s - zero_s
    frames = fed(queue, partial(_receive, core, queue, first, begins_s), partial(_end_sequence, core))
    return Source(name, _pixel_size_nm(core, pixel_size_nm), frames, zero_s=began_s - begins_s)


def of_mda(
    core: CMMCorePlus,
    queue: FrameQueue,
    *,
    pixel_size_nm: float | None = None,
    zero_s: float | None = None,
    wanted: Callable[[MDAEvent], bool] = lambda event: True,
) -> Source:
    """Frames of the next acquisition that is run on a core (`core.run_mda`), until it is finished.

    Gaps in the events' index t count as missed. Where too many frames wait and that is to stop it, it is cancelled.

    Args:
        core: Any.
        queue, pixel_size_nm: As for `ionfront.acquisition.adapters.attach`.
        zero_s: What this computer's clock shows at the time 0; None takes now.
        wanted: Which events' frames: of one position, plane and channel, where there are several.
    """
    zero_s = time.time() if zero_s is None else zero_s
    began_s, last = zero_s, -1

    def started(*_: object) -> None:
        nonlocal began_s
        began_s = time.time()

    def ready(image: NDArray[Any], event: MDAEvent, told: dict[str, Any]) -> None:
        nonlocal last
        if not wanted(event):
            return
        number = event.index.get("t", last + 1)
        missed, last = max(number - last - 1, 0), number
        try:
            queue.put(image, began_s + told["runner_time_ms"] / 1000 - zero_s, missed=missed)
        except BaseException as error:  # raised where frames are taken; the runner would only log it
            queue.end(error)
            core.mda.cancel()

    signals = core.mda.events
    heard = ((signals.sequenceStarted, started), (signals.frameReady, ready), (signals.sequenceFinished, _ender(queue)))
    for signal, hear in heard:
        signal.connect(hear)

    def frames() -> Iterator[Frame]:
        try:
            yield from queue
        finally:
            for signal, hear in heard:
                signal.disconnect(hear)

    return Source(core.getCameraDevice(), _pixel_size_nm(core, pixel_size_nm), frames(), zero_s=zero_s)


class Events(Iterator[MDAEvent]):
    """Events for `core.run_mda`, a frame each, until `stop` is called; what is changed holds from the next event on.

    Args:
        period_s: From frame to frame; as soon as the camera can where that is shorter than it takes.
        exposure_ms: None leaves the camera's.
        most: How many frames at most; None for no end.

    Attributes:
        period_s, exposure_ms: Likewise.

    Raises:
        UsageError: A period below 0.
    """

    def __init__(self, period_s: float, *, exposure_ms: float | None = None, most: int | None = None) -> None:
        if not period_s >= 0:
            raise UsageError(f"a period of {period_s} s was asked for; a number from 0 is needed.")
        self.period_s, self.exposure_ms = period_s, exposure_ms
        self._most, self._number = most, 0
        self._begun_s, self._start_s = 0.0, 0.0
        self._stopped = Event()

    def stop(self) -> None:
        """Make no more; from any thread."""
        self._stopped.set()

    def __next__(self) -> MDAEvent:
        if self._stopped.is_set() or self._number == self._most:
            raise StopIteration
        now_s = time.monotonic()
        if self._number == 0:
            self._begun_s = now_s
        else:
            self._start_s = max(self._start_s + self.period_s, now_s - self._begun_s)
        told = {"index": {"t": self._number}, "min_start_time": self._start_s, "exposure": self.exposure_ms}
        event = MDAEvent.model_validate(told)
        self._number += 1
        return event


def stopping(core: CMMCorePlus) -> Action:
    """An action that ends what the core acquires."""

    def stop(_: object) -> None:
        core.mda.cancel()
        _end_sequence(core)

    return stop


def setting_exposure(core: CMMCorePlus, exposure_ms: float) -> Action:
    """An action that sets the camera's exposure; for an acquisition of `Events`, set theirs."""
    return lambda _: core.setExposure(exposure_ms)


def setting_property(core: CMMCorePlus, device: str, name: str, value: float | str) -> Action:
    """An action that sets a property of a device."""
    return lambda _: core.setProperty(device, name, value)


def shutting(core: CMMCorePlus) -> Action:
    """An action that closes the shutter, and keeps it closed."""

    def shut(_: object) -> None:
        core.setAutoShutter(False)
        core.setShutterOpen(False)

    return shut


def _pixel_size_nm(core: CMMCorePlus, given_nm: float | None) -> float | None:
    return given_nm or 1000 * core.getPixelSizeUm() or None  # Micro-Manager says 0 where it does not know


def _ender(queue: FrameQueue) -> Callable[[object], None]:
    return lambda _: queue.end()


def _first(core: CMMCorePlus) -> _Popped:
    patience_s = _PATIENCE_S + core.getExposure() / 1000
    end_s = time.monotonic() + patience_s
    while not core.getRemainingImageCount():
        if time.monotonic() > end_s or not core.isSequenceRunning():
            core.stopSequenceAcquisition()
            raise MovieError(f"{core.getCameraDevice()} gave no frame in {patience_s:.0f} s: does it run by itself?")
        time.sleep(_LOOK_S)
    return _popped(core)


def _popped(core: CMMCorePlus) -> _Popped:
    image, told = core.popNextImageAndMD()
    return _Popped(image, float(told["ElapsedTime-ms"]) / 1000, int(told["ImageNumber"]))


def _end_sequence(core: CMMCorePlus) -> None:
    if core.isSequenceRunning():
        core.stopSequenceAcquisition()


def _receive(core: CMMCorePlus, queue: FrameQueue, first: _Popped, begins_s: float, left: Event) -> None:
    popped: _Popped | None = first
    last = first.number - 1
    while popped is not None:
        missed = max(popped.number - last - 1, 0)
        queue.put(popped.image, begins_s + popped.elapsed_s, missed=missed)
        last = popped.number
        popped = _following(core, left)


def _following(core: CMMCorePlus, left: Event) -> _Popped | None:
    """The next frame; None where the sequence was stopped and none is left."""
    running = True
    while running and not left.is_set():
        running = core.isSequenceRunning()  # asked first: what it gave until then is there
        if core.getRemainingImageCount():
            return _popped(core)
        left.wait(_LOOK_S)
    return None
