"""A rule that ends an acquisition of Micro-Manager where a front is halfway, against synthetic fronts.

    python benchmarks/sequence_stopped.py [--scenes 20] [--seed 3400000000] [--size 256]

pymmcore-plus's acquisition engine runs `Events` on its own core, with a camera that shows a synthetic movie frame by
frame. It takes the next one when the one before was analysed, so that the machine's speed does not enter; one event is
always made beforehand. A rule waits for half of the way and stops the events. Where was the front truly when it was
decided, and at the last frame; how many frames from the true halfway; then as many movies without a reaction.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Semaphore

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pymmcore_plus.experimental.unicore import SimpleCameraDevice, UniMMCore

from ionfront.acquisition import FrameQueue, Inline, LiveFront, Rule, Triggers
from ionfront.acquisition.adapters.micro_manager import Events, of_mda
from ionfront.datasets import Scene, random_scene

LAWS = ("linear", "parabolic", "mixed", "self_limiting")


@dataclass(frozen=True)
class Stop:
    """Where an acquisition ended.

    Attributes:
        decided, last: Number of the frame at which the rule fired, None where it did not; and of the last frame.
        measured: Share of its way that the front had come when the rule fired, as measured.
    """

    decided: int | None
    last: int
    measured: float = np.nan


class SceneCamera(SimpleCameraDevice):
    """Shows a scene, a frame each time that it is released."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.released = Semaphore(1)
        self._scene, self._number = scene, 0

    def sensor_shape(self) -> tuple[int, int]:
        return self._scene.inside.shape

    def dtype(self) -> DTypeLike:
        return self._scene.frame(0)[0].dtype

    def get_exposure(self) -> float:
        return 1.0

    def set_exposure(self, exposure: float) -> None:
        """As short as can be, whatever is asked for."""

    def snap(self, buffer: NDArray[np.generic]) -> Mapping[str, str]:
        self.released.acquire()
        buffer[:] = self._scene.frame(self._number)[0]
        self._number += 1
        return {}


def main() -> None:
    options = _options()
    moving = []
    for number in range(options.scenes):
        law = LAWS[number % len(LAWS)]
        scene = random_scene(options.seed + number, size_px=options.size, n_frames=60, law=law, n_fronts=1)
        stop = _stopped(scene)
        moving.append((scene, stop))
        print(f"{number} {law}: decided at {stop.decided}, ended at {stop.last}", file=sys.stderr)
    stills = [
        _stopped(random_scene(options.seed + 10**6 + number, size_px=options.size, n_frames=60, n_fronts=0))
        for number in range(options.scenes)
    ]
    _print(moving, stills)


def _stopped(scene: Scene) -> Stop:
    core = UniMMCore()
    core.setAutoShutter(False)  # it has none
    camera = SceneCamera(scene)
    core.loadPyDevice("scene", camera)
    core.initializeDevice("scene")
    core.setCameraDevice("scene")
    events, triggers = Events(0.0, most=len(scene)), Triggers([Rule("halfway", "fraction", 0.5)])
    decided, measured, last = None, np.nan, -1
    source = of_mda(core, FrameQueue(len(scene)))
    with LiveFront(pixel_size_nm=scene.pixel_size_nm, looks=Inline(6)) as live:
        thread = core.run_mda(events)
        for last, frame in enumerate(source.frames):
            state = live.push(frame.image, float(scene.time_s[last]))
            if triggers.see(state):
                decided, measured = last, state.fronts[0].fraction
                events.stop()
            camera.released.release()
        thread.join()
    core.unloadAllDevices()
    return Stop(decided, last, measured)


def _print(moving: list[tuple[Scene, Stop]], stills: list[Stop]) -> None:
    ended = [(scene, stop) for scene, stop in moving if stop.decided is not None]
    decided = np.array([_share(scene)[stop.decided] for scene, stop in ended])
    last = np.array([_share(scene)[stop.last] for scene, stop in ended])
    measured = np.array([stop.measured for _, stop in ended])
    late = np.array([stop.last - _halfway(scene) for scene, stop in ended])
    never = sum(_halfway(scene) < len(scene) - 2 for scene, stop in moving if stop.decided is None)
    print(
        f"{len(ended)} of {len(moving)} acquisitions were ended; of the others, {never} had a front that came halfway"
    )
    print("| | median | worst |\n|---|---|---|")
    print(f"| true place of the decision, from half of the way | {_off(decided - 0.5)} |")
    print(f"| true place at the last frame, from half of the way | {_off(last - 0.5)} |")
    print(f"| measured place of the decision, from the true one | {_off(measured - decided)} |")
    print(f"| last frame, from the true halfway [frames] | {np.nanmedian(late):.0f} | {_furthest(late):.0f} |")
    wrong = sum(stop.decided is not None for stop in stills)
    print(f"{len(stills)} movies without a reaction: {wrong} were ended")


def _share(scene: Scene) -> NDArray[np.float64]:
    return np.asarray(scene.fronts[0].position_nm(scene.time_s, scene.depth_nm) / scene.depth_nm)


def _halfway(scene: Scene) -> float:
    """Number of the first frame in which the front is truly halfway; NaN where it never is."""
    beyond = np.flatnonzero(_share(scene) >= 0.5)
    return float(beyond[0]) if beyond.size else np.nan


def _off(shares: NDArray[np.float64]) -> str:
    return f"{np.median(np.abs(shares)):.1%} of the way | {_furthest(shares):+.1%}"


def _furthest(values: NDArray[np.float64]) -> float:
    return float(values[np.nanargmax(np.abs(values))])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3_400_000_000)
    parser.add_argument("--size", type=int, default=256)
    return parser.parse_args()


if __name__ == "__main__":
    main()
