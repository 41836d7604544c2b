"""Frames and actions of a Direct Electron camera: its maker's digital twin, over the maker's own protocol."""

import os
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "numba"))  # else the twin compiles for a minute

import socket
import threading
from contextlib import contextmanager
from itertools import islice, pairwise
from time import monotonic, sleep

import numpy as np
import pytest
from de_twin import DigitalTwin
from de_twin.faces.deapi_server import TwinDeapiServer
from de_twin.state import Roi
from typer.testing import CliRunner

from ionfront.acquisition import Actions, Decision, FrameQueue, Rule
from ionfront.acquisition.adapters import action, attach, direct_electron
from ionfront.cli.app import app
from ionfront.core import MovieError, UsageError

HEATER = "Simulator Virtual Specimen Temperature (C)"
MODEL = Path(__file__).parents[3] / "benchmarks" / "droplets.onnx"
WINDOW = [f"Hardware ROI {name}" for name in ("Offset X", "Offset Y", "Size X", "Size Y")]
SHAPE = (96, 128)
LONG_S = 60.0
RULES = """
[[rules]]
name = "half"
when = "share"
value = 0.5
into = "crystalline"
actions = ["heater off", "stop"]
"""


@pytest.fixture(scope="module")
def server():
    """A camera with a heating holder, of which a small part of the sensor is read out."""
    twin = DigitalTwin("Droplet crystallization", camera="DESim", holder="sim-heating")
    with TwinDeapiServer(twin, port=0) as server:
        for name, value in zip(WINDOW, (300, 200, *SHAPE[::-1]), strict=True):
            server.fake[name] = value
        yield server
    twin.close()


@pytest.fixture
def camera(server):
    """What names it, idle."""
    server.fake["Frames Per Second"], server.fake["Frame Count"] = 40, 20
    yield f"de:127.0.0.1:{server.port}"
    server.fake.stop()
    wait_for(lambda: server.fake.acquisition_status == "Idle")


def wait_for(so):
    deadline = monotonic() + LONG_S
    while not so():
        assert monotonic() < deadline
        sleep(0.01)


def begin(server, frames_a_second=40):
    """Somebody else's acquisition."""
    server.fake["Frames Per Second"] = frames_a_second
    client = direct_electron._Camera(f"127.0.0.1:{server.port}")
    client.begin()
    return client


def taken(source, most):
    """So many frames; then they are let go of."""
    frames = list(islice(source.frames, most))
    source.frames.close()
    return frames


@pytest.fixture
def droplets(camera, server):
    """The camera over droplets that crystallise within seconds of heat, at 1 nm a pixel as the model has it."""
    twin, fake = server.twin, server.fake
    kept = {name: fake[name] for name in WINDOW}
    twin.column.set("Magnification", 10_000.0)
    twin.specimen.set_options(nucleation_start_s=6.0, nucleation_end_s=10.0, crystal_growth_s=0.5)
    twin.start_on_specimen()
    twin.specimen.reset_clock()
    for name, value in zip(WINDOW, (432, 432, 160, 160), strict=True):
        fake[name] = value
    fake["Frames Per Second"] = 20
    yield camera
    twin.holder.set(25)
    twin.column.set("Magnification", 20_000.0)
    for name, value in kept.items():
        fake[name] = value


def crystallised(twin):
    """Share of the area of the droplets in view."""
    with twin.lock:
        truth = twin.ground_truth(twin.request(hw_roi=Roi(432, 432, 160, 160)), as_arrays=True)
        return float(twin.specimen.crystallinity(truth["grain_id"])[truth["grain_id"] >= 0].mean())


@contextmanager
def heated(server):
    """Once a few frames have shown how the specimen looked at first."""

    def work():
        try:
            wait_for(lambda: server.fake.acquisition_status == "Acquiring" and server.fake._acq.count >= 12)
            server.twin.holder.set(600)
            wait_for(lambda: server.twin.holder_state().target_c == 25)
        except AssertionError:
            server.fake.stop()  # or frames would come for ever
            raise

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()
    wait_for(lambda: server.fake.acquisition_status == "Idle")
    assert server.twin.holder_state().target_c == 25
    assert crystallised(server.twin) > 0.4


def test_the_lines_of_the_guide_switch_the_heater_off_when_half_has_crystallised(droplets, server, guide_lines):
    names = {"camera": droplets, "model": MODEL}
    with heated(server):
        exec(guide_lines("A camera of Direct Electron"), names)
    assert names["triggers"].fired == ("half",)


def test_so_does_the_command(droplets, server, tmp_path):
    (tmp_path / "rules.toml").write_text(RULES)
    told = ["live", droplets, "--out", tmp_path / "out", "--model", MODEL, "--rules", tmp_path / "rules.toml"]
    told += ["--hook", f"heater off={droplets}/{HEATER}=25", "--hook", f"stop={droplets}/stop", "--speed", 0]
    with heated(server):
        result = CliRunner().invoke(app, list(map(str, told)), catch_exceptions=False)
    assert "decided: half" in result.stdout
    assert (tmp_path / "out" / "kinetics.json").is_file()


def test_frames_come_in_order_with_what_the_camera_tells_of_them(camera, server):
    source = attach(camera, FrameQueue(99))
    frames = taken(source, 12)
    assert source.pixel_size_nm == pytest.approx(0.5)
    assert [frame.image.shape for frame in frames] == [SHAPE] * 12
    assert frames[0].time_s == 0.0
    assert (np.diff([frame.time_s for frame in frames]) > 0).all()
    electrons = server.fake._acq.last_meta.electrons_per_pixel
    assert np.mean([frame.dose_e_nm2 for frame in frames]) == pytest.approx(electrons / 0.5**2, rel=0.1)
    assert not any((one.image == other.image).all() for one, other in pairwise(frames))
    wait_for(lambda: server.fake.acquisition_status == "Idle")  # what was begun is stopped


def test_frames_that_nobody_asked_for_in_time_are_counted(camera, server):
    seen = []

    class Slow(FrameQueue):
        """Holds the camera's thread up."""

        def put(self, image, time_s, **more):
            seen.append(server.fake._acq.count)
            wait_for(lambda: server.fake._acq.count >= seen[-1] + 5)
            super().put(image, time_s, **more)

    first, *others = taken(attach(camera, Slow(99)), 4)
    assert first.missed == 0
    assert all(frame.missed >= 4 for frame in others)
    assert sum(frame.missed + 1 for frame in others) <= server.fake._acq.count


def test_an_acquisition_under_way_is_joined_and_left_running(camera, server):
    host = begin(server)
    source = attach(camera, FrameQueue(99), pixel_size_nm=2.0, zero_s=0.0)
    (frame,) = taken(source, 1)
    assert server.fake.acquisition_status == "Acquiring"
    assert source.pixel_size_nm == 2.0
    assert frame.time_s > 1e9  # since the Unix epoch
    host.close()
    wait_for(lambda: server.fake.acquisition_status == "Idle")


def test_it_ends_with_its_acquisition_and_nothing_of_it_comes_again(camera, server):
    source = attach(camera, FrameQueue(99))
    threading.Thread(target=server.fake.stop).start()
    assert list(source.frames)
    last = server.fake._acq.last
    (frame,) = taken(attach(camera, FrameQueue(99)), 1)
    assert not (frame.image == last).all()


def test_rules_stop_it_and_set_what_it_knows(camera, server):
    done = []
    actions = Actions(
        {
            "heat": action(f"{camera}/{HEATER}=450"),
            "slow down": action(f"{camera}/Frames Per Second=25"),
            "stop": action(f"{camera}/stop"),
        },
        done.append,
    )
    actions.check([Rule("it", "dose", 1.0, ("heat", "stop"))])
    source = attach(camera, FrameQueue(9))
    for name in ("heat", "slow down", "stop"):
        actions(Decision("it", (name,), 0, 0.0, 1.0, "", False))
    assert list(source.frames)  # until it was stopped
    actions.close()
    assert [(made["action"], made["error"]) for made in done] == [("heat", ""), ("slow down", ""), ("stop", "")]
    assert server.twin.holder_state().target_c == 450
    assert float(server.fake["Frames Per Second"]) == 25
    server.twin.holder.set(25)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("Frames per Minute=3", "Frames Per Second"),
        ("halt", "nothing that a camera does"),
        ("=3", "no property"),
    ],
)
def test_what_it_cannot_do_is_refused(camera, what, said):
    with pytest.raises(UsageError, match=said):
        action(f"{camera}/{what}")


def test_what_it_did_not_do_is_said(camera, server):
    change = action(f"{camera}/Frames Per Second=3")
    server.fake._values.pop("frames_per_second")
    try:
        with pytest.raises(UsageError, match="did not set"):
            change(None)
    finally:
        server.fake._install_properties(40.0)


@pytest.mark.parametrize("address", ["de:127.0.0.1:1", "de:nowhere", "de:127.0.0.1:http"])
@pytest.mark.parametrize("ask", [lambda told: attach(told, FrameQueue()), lambda told: action(f"{told}/stop")])
def test_where_there_is_no_camera_it_says_so(address, ask):
    with pytest.raises(MovieError, match="camera"):
        ask(address)


def test_something_else_that_listens_there_is_no_camera():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(2)])
        thread.start()
        with pytest.raises(MovieError, match="no Direct Electron camera answers"):
            attach(f"de:127.0.0.1:{listener.getsockname()[1]}", FrameQueue())
        thread.join()
