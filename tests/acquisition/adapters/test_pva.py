"""Frames over EPICS PVAccess, from servers of p4p and from pvapy's simulator of an area detector; and PVs written."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from p4p.client.thread import Context
from p4p.nt import NTNDArray, NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV
from typer.testing import CliRunner

from ionfront.acquisition import Actions, Decision, FrameQueue, Rule
from ionfront.acquisition.adapters import action, attach, pva
from ionfront.cli.app import app
from ionfront.core import MovieError, UsageError

PLACE = ("EPICS_PVA_ADDR_LIST", "EPICS_PVA_AUTO_ADDR_LIST", "EPICS_PVA_BROADCAST_PORT", "EPICS_PVA_SERVER_PORT")
HALFWAY = Decision("halfway", ("blank",), 7, 3.5, 0.9, "It is half way.", False)
DEADLINE_S = 20.0


def array(image, number, time_s, attributes=None, codec="", sort=0, packed=None):
    """An NTNDArray of an image (y, x), of what it was packed to where that is given."""
    image = np.asarray(image)
    value = NTNDArray().wrap(image, attrib={"ColorMode": 0} | (attributes or {}))
    value.uniqueId = number
    value.dataTimeStamp = {"secondsPastEpoch": int(time_s), "nanoseconds": round(1e9 * (time_s % 1))}
    if packed is not None:
        value.value = ("ubyteValue", np.frombuffer(packed, np.uint8))
        value.codec = {"name": codec, "parameters": sort}
        value.compressedSize = len(packed)
    return value


class Camera:
    """A server of p4p on this computer alone: a channel of images, and a beam that can be blanked."""

    def __init__(self):
        self.channel = SharedPV(initial=array(np.zeros((4, 6), np.uint16), 0, 1.0))
        self.beam = SharedPV(nt=NTScalar("d"), initial=0.0)
        self.plain = SharedPV(initial=NTNDArray().wrap(np.zeros((4, 6), np.uint16)))
        self.channels = {"camera": self.channel, "plain": self.plain, "beam": self.beam, "SCOPE:Beam:Blank": self.beam}
        self.blanked = []

        @self.beam.put
        def put(pv, operation):
            self.blanked.append(float(operation.value()))
            pv.post(operation.value())
            operation.done()

        self.server = Server([self.channels], isolate=True)
        self.conf = self.server.conf()

    def again(self):
        """Stopped, and begun anew at the same place."""
        self.server.stop()
        self.server = Server([self.channels], conf=self.conf, useenv=False)

    def attached(self, sequence, queue, **told):
        """Attach while the channel shows one frame after another (10 s apart), and then a sequence of arrays."""
        over = threading.Event()

        def show():
            for number in count(1):
                self.channel.post(array(np.full((4, 6), number, np.uint16), number, 1e9 + 10.0 * number))
                if over.wait(0.05):
                    break
            for value in sequence(number):
                self.channel.post(value)

        thread = threading.Thread(target=show)
        thread.start()
        try:
            return attach("pva:camera", queue, **told)
        finally:
            over.set()
            thread.join()


@pytest.fixture
def camera(monkeypatch):
    made = Camera()
    for name in PLACE:
        monkeypatch.setenv(name, made.conf[name])
    yield made
    made.server.stop()


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 60000, (40, 70)).astype(np.uint16)


def test_frames_come_as_they_were_shown_and_lost_ones_are_told_of(camera):
    told = {"DoseENm2": 4.0, "PixelSizeNm": 0.25}

    def sequence(last):
        yield array(noise(1), last + 3, 2e9, told)
        yield array(noise(2), last + 4, 2e9 + 0.5, told)
        yield array(noise(2), last + 4, 2e9 + 0.5, told)  # shown again
        yield array(noise(3), 2**31 - 1, 2e9 + 1)
        yield array(noise(4), -(2**31) + 1, 2e9 + 1.5)  # the numbers went around
        yield array(noise(5), 1, 2e9 + 2)
        yield array(noise(6), 0, 2e9 + 2.5)  # they began again

    source = camera.attached(sequence, FrameQueue(999, idle_s=1.0))
    assert source.pixel_size_nm is None
    *before, first, second, _, around, _, anew = source.frames
    assert [frame.missed for frame in before] == [0] * len(before)
    assert [frame.time_s for frame in before] == [10.0 * number for number in range(len(before))]
    assert (first.missed, second.missed, around.missed, anew.missed) == (2, 0, 1, 0)
    assert (first.dose_e_nm2, anew.dose_e_nm2) == (4.0, None)
    assert second.time_s - first.time_s == 0.5
    np.testing.assert_array_equal(first.image, noise(1))
    np.testing.assert_array_equal(second.image, noise(2))


def test_of_a_burst_the_newest_are_kept_and_all_are_accounted_for(camera):
    burst = 300

    def sequence(last):
        for number in range(last + 1, last + 1 + burst):
            yield array(noise(), number, 2e9 + number)

    frames = [f for f in camera.attached(sequence, FrameQueue(999, idle_s=1.0)).frames if f.time_s > 9e8]
    assert len(frames) + sum(frame.missed for frame in frames) >= burst
    np.testing.assert_array_equal(frames[-1].image, noise())


def test_a_server_that_neither_counts_nor_stamps(camera):
    """As p4p wraps arrays that it is told nothing of: their time is when they came."""
    over = threading.Event()

    def show():
        while not over.wait(0.05):
            camera.plain.post(NTNDArray().wrap(noise()))

    thread = threading.Thread(target=show)
    thread.start()
    begun = time.time()
    frames = attach("pva:plain", FrameQueue(999), zero_s=0.0).frames
    first, second, third = (next(frames) for _ in range(3))
    over.set()
    thread.join()
    frames.close()
    assert begun < first.time_s < second.time_s < third.time_s < time.time()
    assert third.missed == 0


def test_what_is_told_beside_the_first_frame_and_beforehand(camera):
    def show():
        for number in count(1):
            camera.channel.post(array(noise(), number, 1e9 + number, {"PixelSizeNm": 0.25}))
            if over.wait(0.05):
                return

    over = threading.Event()
    thread = threading.Thread(target=show)
    thread.start()
    sources = [
        attach("pva:camera", FrameQueue(idle_s=0.1), zero_s=1e9),
        attach("pva:camera", FrameQueue(), pixel_size_nm=3.0),
    ]
    over.set()
    thread.join()
    assert [source.pixel_size_nm for source in sources] == [0.25, 3.0]
    assert sources[0].zero_s == 1e9
    assert next(sources[0].frames).time_s >= 1.0


def bslz4(image):
    """As bitshuffle packs it: blocks of 8 kB, each with its length before it, and what fills no 8 pixels as it is."""
    pixels, size = image.ravel(), 8192 // image.itemsize
    whole = pixels.size // 8 * 8
    blocks = [pixels[begin : min(begin + size, whole)] for begin in range(0, whole, size)]
    shuffled = [imagecodecs.bitshuffle_encode(block.tobytes(), itemsize=image.itemsize) for block in blocks]
    packed = [imagecodecs.lz4_encode(bytes(block)) for block in shuffled]
    return b"".join(len(block).to_bytes(4, "big") + block for block in packed) + pixels[whole:].tobytes()


@pytest.mark.parametrize(
    ("codec", "pack"),
    [
        ("lz4", lambda image: imagecodecs.lz4_encode(image.tobytes())),
        ("blosc", lambda image: imagecodecs.blosc_encode(image.tobytes(), typesize=image.itemsize)),
        ("bslz4", bslz4),
    ],
)
@pytest.mark.parametrize(
    ("sort", "dtype"), [(6, "u2"), (3, "u2"), (5, "u1"), (7, "u4"), (5, "u4"), (9, "f4"), (8, "f4"), (10, "f8")]
)
def test_packed_arrays_are_unpacked(codec, pack, sort, dtype):
    image = np.random.default_rng(0).normal(1000, 20, (93, 111)).astype(dtype)  # fills no whole block, nor 8 pixels
    found = pva.read_array(array(image, 1, 1.0, None, codec, sort, pack(image)))
    assert found.image.dtype == image.dtype
    np.testing.assert_array_equal(found.image, image)


def test_jpeg_is_unpacked():
    image = np.full((16, 24), 77, np.uint8)
    found = pva.read_array(array(image, 1, 1.0, None, "jpeg", 5, imagecodecs.jpeg8_encode(image)))
    np.testing.assert_array_equal(found.image, image)


def test_packed_arrays_come_over_the_wire(camera):
    def sequence(last):
        yield array(noise(), last + 1, 2e9, None, "bslz4", 6, bslz4(noise()))

    *_, last = camera.attached(sequence, FrameQueue(999, idle_s=1.0)).frames
    np.testing.assert_array_equal(last.image, noise())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (array(np.zeros(5, np.uint8)[None], 1, 1.0, {"ColorMode": 1}), "colour mode 1"),
        (array(np.zeros((5, 4, 3), np.uint8), 1, 1.0, {"ColorMode": 2}), "5 x 4 x 3 came"),
        (array(noise(), 1, 1.0, None, "zfp", 6, b"abc"), "lz4, bslz4, blosc, jpeg"),
        (array(noise(), 1, 1.0, None, "lz4", 1, b"abc"), "cannot be told"),
        (array(noise(), 1, 1.0, None, "lz4", 6, b"abc"), "cannot be unpacked"),
        (array(noise(), 1, 1.0, None, "bslz4", 6, b"abcdefgh"), "cannot be unpacked"),
        (array(noise(), 1, 1.0, None, "blosc", 6, imagecodecs.blosc_encode(b"abc")), "cannot be unpacked"),
        (array(noise(), 1, 1.0, None, "jpeg", 6, imagecodecs.jpeg8_encode(np.zeros((3, 4), np.uint8))), "3 x 4|pixels"),
    ],
)
def test_what_is_no_grey_image_is_refused(value, said):
    with pytest.raises(MovieError, match=said):
        pva.read_array(value)


def test_a_camera_that_shows_none_is_refused_and_one_that_does_for_a_moment_loses_a_frame(camera, caplog):
    def sequence(last):
        yield array(np.zeros((5, 4, 3), np.uint8), last + 1, 2e9, {"ColorMode": 2})
        yield array(noise(), last + 2, 2e9 + 1)

    *_, last = camera.attached(sequence, FrameQueue(999, idle_s=1.0)).frames
    assert last.missed == 1
    assert "mode 2: grey images" in caplog.text

    over = threading.Event()

    def show():
        for number in count():
            camera.channel.post(array(np.zeros((5, 4, 3), np.uint8), number, 3e9 + number, {"ColorMode": 2}))
            if over.wait(0.05):
                return

    thread = threading.Thread(target=show)
    thread.start()
    with pytest.raises(MovieError, match="mode 2: grey images"):
        attach("pva:camera", FrameQueue())
    over.set()
    thread.join()


def test_a_server_that_went_away_is_waited_for(camera, caplog):
    source = camera.attached(lambda last: [], FrameQueue(9999, idle_s=15.0))
    over = threading.Event()

    def work():
        deadline = time.monotonic() + DEADLINE_S
        camera.again()
        while not caplog.text and time.monotonic() < deadline:
            time.sleep(0.05)
        for number in count(1):
            camera.channel.post(array(noise(), number, 2e9 + number))
            if over.wait(0.1):
                return

    thread = threading.Thread(target=work)
    thread.start()
    frames = source.frames
    assert next(frame for frame in frames if frame.time_s > 9e8).missed <= 1  # numbers that began again tell nothing
    over.set()
    thread.join()
    frames.close()
    assert "camera is disconnected; it is waited for" in caplog.text


def test_one_that_stays_away_ends_it(camera, caplog):
    source = camera.attached(lambda last: [], FrameQueue(999, idle_s=1.0))
    camera.server.stop()
    assert len(list(source.frames)) > 0
    assert "camera is disconnected; it is waited for" in caplog.text


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing", "nothing did not answer"), ("beam", "NTScalar.*name a channel of images"), ("camera", "acquiring")],
)
def test_what_shows_no_images_is_refused(camera, monkeypatch, name, said):
    monkeypatch.setattr(pva, "_ANSWER_S", 1.0)
    monkeypatch.setattr(pva, "_PATIENCE_S", 0.5)
    with pytest.raises(MovieError, match=said):
        attach(f"pva:{name}", FrameQueue())


def test_a_rule_writes_a_pv(camera):
    done = []
    actions = Actions({"blank": action("pva:beam=1.5")}, done.append)
    actions(HALFWAY)
    actions.close()
    assert done == [{"rule": "halfway", "action": "blank", "error": ""}]
    assert camera.blanked == [1.5]


def test_a_pv_that_goes_away_is_told_of(camera, monkeypatch):
    monkeypatch.setattr(pva, "_ANSWER_S", 1.0)
    done = []
    actions = Actions({"blank": pva.put("beam", 1)}, done.append)
    camera.server.stop()
    actions(HALFWAY)
    actions.close()
    assert "Timeout" in done[0]["error"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("pva:nothing=1", "nothing did not answer"),
        ("pva:beam", "PV=VALUE is needed"),
        ("pva:=1", "PV=VALUE is needed"),
        ("ftp://somewhere", "http, https, pva"),
    ],
)
def test_what_no_rule_can_do_is_said_beforehand(camera, monkeypatch, told, said):
    monkeypatch.setattr(pva, "_ANSWER_S", 0.5)
    with pytest.raises(UsageError, match=said):
        action(told)


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(channel):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with Context("pva", nt=False) as context, suppress(TimeoutError):
            context.get(channel, timeout=0.3)
            return
    raise AssertionError(f"{channel} did not come up")


@pytest.fixture
def area_detector(camera, monkeypatch, tmp_path):
    """Plays a movie once on SCOPE:Pva1:Image, with pvapy's simulator; the beam stays the camera's."""
    search, serve = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    begun = []

    def play(movie, rate_hz):
        np.save(tmp_path / "movie.npy", movie)
        own = {
            "EPICS_PVA_BROADCAST_PORT": str(search),
            "EPICS_PVA_SERVER_PORT": str(serve),
            "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1",
        }
        command = [Path(sys.executable).parent / "pvapy-ad-sim-server", "-cn", "SCOPE:Pva1:Image"]
        command += ["-if", tmp_path / "movie.npy", "-fps", str(rate_hz), "-std", "1.5", "-shd", "0", "-rp", "0", "-dc"]
        command += ["-cs", str(len(movie) - 1)]  # a cache that holds all frames begins again at their end
        begun.append(subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL))
        places = (search, camera.conf["EPICS_PVA_BROADCAST_PORT"])
        monkeypatch.setenv("EPICS_PVA_ADDR_LIST", " ".join(f"127.0.0.1:{place}" for place in places))
        wait_for("SCOPE:Pva1:Image")

    yield play
    for one in begun:
        one.kill()
        one.wait()


def test_an_area_detector_is_followed_to_its_end(area_detector, grey):
    area_detector(grey, 20.0)
    frames = list(attach("pva:SCOPE:Pva1:Image", FrameQueue(99, idle_s=2.0)).frames)
    np.testing.assert_array_equal([frame.image for frame in frames], grey)
    assert [frame.missed for frame in frames] == [0] * len(grey)
    assert frames[0].time_s == 0
    assert frames[-1].time_s > 1.0


def test_the_command_follows_an_area_detector_and_blanks_the_beam(area_detector, camera, grey, grey_onnx, tmp_path):
    rule = Rule("halfway", "fraction", 0.5, actions=("blank",))
    text = f'[[rules]]\nname = "{rule.name}"\nwhen = "{rule.when}"\nvalue = {rule.value}\nactions = ["blank"]\n'
    (tmp_path / "rules.toml").write_text(text)
    area_detector(np.concatenate([grey, np.repeat(grey[-1:], 8, axis=0)]), 12.0)
    told = ["live", "pva:SCOPE:Pva1:Image", "--model", str(grey_onnx), "--out", str(tmp_path / "out"), "--speed", "0"]
    told += ["--idle-s", "2", "--waiting", "99", "--rules", str(tmp_path / "rules.toml")]
    result = CliRunner().invoke(app, [*told, "--hook", "blank=pva:beam=1"], catch_exceptions=False)
    assert "decided: halfway" in result.stdout
    assert camera.blanked == [1.0]
    kinetics = json.loads((tmp_path / "out" / "kinetics.json").read_text())
    assert kinetics["source"] == "SCOPE:Pva1:Image"


def test_the_lines_of_the_guide_run(area_detector, grey, guide_lines):
    area_detector(grey[:12], 8.0)
    names = {}
    exec(guide_lines("EPICS PVAccess"), names)
    assert names["state"].frame + names["state"].missed == 11
