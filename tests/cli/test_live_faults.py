"""A camera that stalls, doubles and changes its size, and a monitor that is killed: the kinetics survive."""

import json
import subprocess
import sys
import time

import pytest
import zmq

from ionfront.acquisition import Inline, Journal, LiveFront
from ionfront.acquisition.adapters.zeromq import end_message, frame_message

from ..conftest import SPEED_PX

FRAME_S, PIXEL_NM = 2.0, 0.5
KILLED_AT = 14
_DEADLINE_S = 120.0


class Camera:
    """Publishes frames, each once the monitor has answered the one before, so that nothing depends on its speed."""

    def __init__(self, frames):
        self._frames = frames
        self._socket = zmq.Context.instance().socket(zmq.XPUB)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.number = 0

    def wait_for_monitor(self):
        while self._socket.recv() != b"\x01":
            pass

    def send(self, index, image=None, time_s=None):
        frame = self._frames[index] if image is None else image
        self._socket.send_multipart(frame_message(frame, FRAME_S * index if time_s is None else time_s, self.number))
        self.number += 1

    def end(self):
        self._socket.send_multipart(end_message())

    def close(self):
        self._socket.close(0)


@pytest.fixture
def camera(grey):
    camera = Camera(grey)
    yield camera
    camera.close()


def monitor(address, out, model, *more):
    command = ["ionfront", "live", f"zmq:{address}", "--out", str(out), "--model", str(model), "--waiting", "99"]
    command += ["--pixel-size-nm", str(PIXEL_NM), *more]
    code = f"import sys; from ionfront.cli import main; sys.argv = {command!r}; main()"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_acknowledged(out, number, process):
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        if (out / "settings.json").exists() and Journal(out, repair=False).acknowledged >= number:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError(f"frame {number} was not answered")


def finished(process):
    out, err = process.communicate(timeout=_DEADLINE_S)
    assert process.returncode == 0, err
    return out


def whole(grey, model):
    with LiveFront(model, pixel_size_nm=PIXEL_NM, looks=Inline(99)) as live:
        for index, frame in enumerate(grey):
            live.push(frame, FRAME_S * index)
        return live.kinetics()


def written(out):
    return json.loads((out / "kinetics.json").read_text())


def speed(kinetics):
    (cycle,) = kinetics["cycles"]
    (found,) = cycle["transitions"]
    return found["velocity_nm_s"]


def test_faults_of_the_camera_end_nothing(camera, grey, grey_onnx, tmp_path):
    process = monitor(camera.address, tmp_path / "out", grey_onnx)
    camera.wait_for_monitor()
    for index in range(len(grey)):
        camera.send(index)
        if index == 5:
            camera.send(index)  # twice
        if index == 9:
            camera.send(index - 3)  # out of order
        if index == 12:
            camera.send(index, image=grey[index][:20, :20])  # another size
        if index == 15:
            camera.send(index, time_s=float("nan"))
        if index == 18:
            camera.number += 2  # lost on the way
        if index == 20:
            time.sleep(0.5)  # it stalls
    camera.end()
    out = finished(process)
    journal = Journal(tmp_path / "out")
    assert journal.acknowledged == len(grey)
    assert journal.answer(len(grey) - 1)["state"]["missed"] == 6
    assert "pristine" in out
    record = speed(written(tmp_path / "out"))
    assert record["low"] <= SPEED_PX * PIXEL_NM / FRAME_S <= record["high"]


def test_killed_and_gone_on_with(camera, grey, grey_onnx, tmp_path):
    out = tmp_path / "out"
    process = monitor(camera.address, out, grey_onnx)
    camera.wait_for_monitor()
    for index in range(KILLED_AT):
        camera.send(index)
    wait_until_acknowledged(out, KILLED_AT, process)
    process.kill()
    process.communicate()
    camera.send(KILLED_AT)  # nobody listens
    again = monitor(camera.address, out, grey_onnx, "--resume")
    camera.wait_for_monitor()
    for index in range(KILLED_AT + 1, len(grey)):
        camera.send(index)
    camera.end()
    finished(again)
    journal = Journal(out)
    assert [answer["time_s"] for answer in journal.answers(0, 99)] == [
        FRAME_S * index for index in range(len(grey)) if index != KILLED_AT
    ]
    uninterrupted = speed(whole(grey, grey_onnx))
    assert uninterrupted["low"] <= speed(written(out))["value"] <= uninterrupted["high"]
