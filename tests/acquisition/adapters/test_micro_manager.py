"""Frames out of Micro-Manager: its own core with the demo camera, and pymmcore-plus's with one that plays a movie."""

import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from pymmcore_plus import CMMCorePlus
from pymmcore_plus.experimental.unicore import ShutterDevice, SimpleCameraDevice, UniMMCore
from useq import MDAEvent, MDASequence

from ionfront.acquisition import Actions, FrameQueue, Inline, LiveFront, Rule, Triggers
from ionfront.acquisition.adapters import attach
from ionfront.acquisition.adapters.micro_manager import (
    Events,
    of_camera,
    of_mda,
    setting_exposure,
    setting_property,
    shutting,
    stopping,
)
from ionfront.core import MovieError, UsageError

DEADLINE_S = 30.0


class MovieCamera(SimpleCameraDevice):
    """Plays a movie, a frame an exposure, and its last one again and again; some wait to be released, each time."""

    def __init__(self, movie, exposure_ms=1.0, waits=False):
        super().__init__()
        self.movie, self.shown, self.exposures_ms = np.asarray(movie), 0, []
        self.released = threading.Semaphore(0) if waits else None
        self._exposure_ms = exposure_ms

    def sensor_shape(self):
        return self.movie.shape[1:]

    def dtype(self):
        return self.movie.dtype

    def get_exposure(self):
        return self._exposure_ms

    def set_exposure(self, exposure):
        self._exposure_ms = exposure

    def snap(self, buffer):
        if self.released is not None:
            self.released.acquire(timeout=DEADLINE_S)
        time.sleep(self._exposure_ms / 1000)
        buffer[:] = self.movie[min(self.shown, len(self.movie) - 1)]
        self.shown += 1
        self.exposures_ms.append(self._exposure_ms)
        return {}


class Shutter(ShutterDevice):
    open = False

    def get_open(self):
        return self.open

    def set_open(self, state):
        self.open = state


@pytest.fixture
def core():
    """A core of pymmcore-plus without a camera."""
    core = UniMMCore()
    core.setAutoShutter(False)  # it has none
    yield core
    core.mda.cancel()
    core.unloadAllDevices()


def with_camera(core, movie, **told):
    camera = MovieCamera(movie, **told)
    core.loadPyDevice("movie", camera)
    core.initializeDevice("movie")
    core.setCameraDevice("movie")
    return camera


@pytest.fixture
def demo():
    """The configuration of Micro-Manager's demo camera."""
    adapters = pytest.importorskip("mm_test_adapters", reason="pip install mm-test-adapters")
    return Path(adapters.device_adapter_path()) / "MMConfig_demo.cfg"


def counted(movie):
    """A movie whose frames show their numbers."""
    return np.broadcast_to(np.arange(movie, dtype=np.uint16)[:, None, None], (movie, 8, 8))


def test_frames_of_a_camera_that_runs(core):
    camera = with_camera(core, counted(500))
    source = of_camera(core, FrameQueue(500))
    frames = list(islice(source.frames, 20))
    source.frames.close()
    assert [frame.image[0, 0] for frame in frames] == list(range(20))
    assert frames[0].time_s == 0.0
    assert all(np.diff([frame.time_s for frame in frames]) > 0)
    assert [frame.missed for frame in frames] == [0] * 20
    assert source.pixel_size_nm is None
    assert source.zero_s == pytest.approx(time.time(), abs=DEADLINE_S)
    assert not core.isSequenceRunning()
    assert camera.shown < 500


def test_frames_end_where_the_sequence_is_stopped(core):
    with_camera(core, counted(500))
    source = of_camera(core, FrameQueue(500))
    for number, _ in enumerate(source.frames):
        if number == 5:
            stopping(core)(None)
    assert not core.isSequenceRunning()


def test_micro_managers_own_core_and_camera(demo):
    source = attach(f"mm:{demo}", FrameQueue(99))
    frames = list(islice(source.frames, 5))
    source.frames.close()
    assert source.pixel_size_nm == 1000.0
    assert [frame.image.shape for frame in frames] == [(512, 512)] * 5
    assert all(np.diff([frame.time_s for frame in frames]) > 0)


def test_frames_that_the_cores_buffer_lost_count_as_missed(demo):
    core = CMMCorePlus()
    core.loadSystemConfiguration(demo)
    core.setCircularBufferMemoryFootprint(2)  # 8 frames
    core.setExposure(2.0)
    source = of_camera(core, FrameQueue(999))
    end_s, most = time.monotonic() + DEADLINE_S, 0
    while (waiting := core.getRemainingImageCount()) >= most and time.monotonic() < end_s:  # nobody takes frames yet
        most = waiting
    missed = 0
    for frame in source.frames:
        missed += frame.missed
        if missed or time.monotonic() > end_s:
            break
    source.frames.close()
    core.unloadAllDevices()
    assert missed > 0


def test_the_exposure_of_a_camera_that_runs(demo):
    core = CMMCorePlus()
    core.loadSystemConfiguration(demo)
    source = of_camera(core, FrameQueue(99))
    setting_exposure(core, 33.0)(None)
    setting_property(core, "Camera", "Gain", "3")(None)
    next(source.frames)
    assert core.getExposure() == 33.0
    assert core.getProperty("Camera", "Gain") == "3"
    shutting(core)(None)
    assert not core.getShutterOpen()
    source.frames.close()
    core.unloadAllDevices()


def test_time_goes_on_where_it_was_left(core):
    with_camera(core, counted(9))
    source = of_camera(core, FrameQueue(9), zero_s=time.time() - 100.0)
    first = next(source.frames)
    source.frames.close()
    assert 100.0 <= first.time_s < 100.0 + DEADLINE_S


def test_what_cannot_be_used_is_refused(core):
    with pytest.raises(MovieError, match="not set"):
        of_camera(core, FrameQueue())
    with pytest.raises(MovieError, match="cannot be used"):
        attach("mm:nowhere.cfg", FrameQueue())


def test_frames_of_an_acquisition(core):
    with_camera(core, counted(9))
    source = of_mda(core, FrameQueue(99), pixel_size_nm=0.5)
    thread = core.run_mda(Events(0.0, most=6))
    frames = list(source.frames)
    thread.join()
    assert [frame.image[0, 0] for frame in frames] == list(range(6))
    assert all(np.diff([frame.time_s for frame in frames]) > 0)
    assert source.pixel_size_nm == 0.5


def test_frames_of_one_channel_and_what_was_missed_of_them(core):
    with_camera(core, counted(9))
    events = [MDAEvent(index={"t": number, "z": plane}) for number in (0, 1, 4) for plane in (0, 1)]
    source = of_mda(core, FrameQueue(99), wanted=lambda event: event.index["z"] == 1)
    thread = core.run_mda(events)
    frames = list(source.frames)
    thread.join()
    assert [(frame.image[0, 0], frame.missed) for frame in frames] == [(1, 0), (3, 0), (5, 2)]


def test_an_acquisition_of_a_sequence(core):
    with_camera(core, counted(9))
    source = of_mda(core, FrameQueue(99))
    thread = core.run_mda(MDASequence(time_plan={"interval": 0, "loops": 4}))
    assert [frame.image[0, 0] for frame in source.frames] == [0, 1, 2, 3]
    thread.join()


def test_what_is_changed_holds_from_the_next_event_on(core):
    camera = with_camera(core, counted(99))
    events = Events(0.0, exposure_ms=2.0)
    source = of_mda(core, FrameQueue(99))
    thread = core.run_mda(events)
    for number, _ in enumerate(source.frames):
        if number == 3:
            events.exposure_ms = 5.0
        if 5.0 in camera.exposures_ms:
            events.stop()
    thread.join()
    assert camera.exposures_ms[0] == 2.0
    assert camera.exposures_ms[-1] == 5.0
    assert camera.shown < 99


def test_events_keep_their_period_and_do_not_catch_up():
    events = Events(10.0)
    first, second = next(events), next(events)
    assert (first.min_start_time, second.min_start_time) == (0.0, 10.0)
    events.period_s = 0.5
    assert next(events).min_start_time == 10.5
    late = Events(0.0)
    next(late)
    time.sleep(0.05)
    assert next(late).min_start_time >= 0.05
    with pytest.raises(UsageError, match="period"):
        Events(-1.0)


def test_an_acquisition_that_is_too_fast_is_cancelled(core):
    with_camera(core, counted(9))
    source = of_mda(core, FrameQueue(1, late="stop"))
    core.run_mda(Events(0.0), block=True)  # nobody takes frames
    with pytest.raises(UsageError, match="faster"):
        list(source.frames)


def test_a_rule_ends_an_acquisition_where_a_front_is_halfway(core, grey, grey_onnx):
    """The camera waits for what is made of each frame, so that the rule can be held to it."""
    camera = with_camera(core, grey, waits=True)
    shutter = Shutter()
    core.loadPyDevice("shutter", shutter)
    core.initializeDevice("shutter")
    core.setShutterDevice("shutter")
    core.setAutoShutter(True)
    events = Events(0.0, most=len(grey))
    source = of_mda(core, FrameQueue(99))
    triggers = Triggers([Rule("halfway", "fraction", 0.5, actions=("stop", "shut"))])
    noted, stopped = [], threading.Event()
    actions = Actions({"shut": shutting(core), "stop": lambda _: (events.stop(), stopped.set())}, noted.append)
    decided = []
    with LiveFront(grey_onnx, pixel_size_nm=0.5, looks=Inline(1)) as live:
        thread = core.run_mda(events)
        camera.released.release()
        for frame in source.frames:
            state = live.push(frame.image, frame.time_s, missed=frame.missed)
            for decision in triggers.see(state):
                decided.append(decision)
                actions(decision)
                stopped.wait(DEADLINE_S)
            camera.released.release()
        thread.join()
    actions.close()
    assert [one["error"] for one in noted] == ["", ""]
    assert decided[0].frame + 1 == state.frame  # of which the event was made already
    assert state.missed == 0
    assert state.fronts[0].fraction == pytest.approx(0.5, abs=0.1)
    assert not shutter.open


def test_the_lines_of_the_guide_run(core, grey, guide_lines):
    """An acquisition that the operator cancels after the movie, if the rule did not stop it."""
    camera = with_camera(core, grey)
    core.mda.events.frameReady.connect(lambda *_: core.mda.cancel() if camera.shown == len(grey) else None)
    names = {"core": core}
    exec(guide_lines("Micro-Manager"), names)
    state = names["state"]
    assert 0 < state.frame + 1 + state.missed <= len(grey)
    assert state.length_unit == "px"
