"""Live positions, speeds, forecasts and decisions against the truth of synthetic movies that no model has seen.

    python benchmarks/live_fronts.py [--scenes 24] [--seed 3000000000] [--size 256]

Each movie of one front is pushed frame by frame, with a look at every sixth. In every frame that shows a front: does
the interval of its position hold the true one, that of its speed the true speed, and that of its completion the moment
when the front is through. A rule waits for half of the way: how far from it, and when, did it fire. Then as many movies
without a reaction: does any rule fire.
"""

import argparse
import sys
from dataclasses import dataclass, field

import numpy as np
from live_scenes import reacting_scene, still_scene

from ionfront.acquisition import Decision, FrontNow, Inline, LiveFront, Rule, Triggers
from ionfront.datasets import Scene

THROUGH = 0.98


@dataclass
class Found:
    """What was found in all scenes."""

    position: list[bool] = field(default_factory=list)
    position_off: list[float] = field(default_factory=list)
    speed: list[bool] = field(default_factory=list)
    completion: list[bool] = field(default_factory=list)
    place_off: list[float] = field(default_factory=list)
    frames_off: list[float] = field(default_factory=list)
    missed: int = 0
    unseen: int = 0


def main() -> None:
    options = _options()
    found = Found()
    for number in range(options.scenes):
        _follow(reacting_scene(options.seed, number, options.size), found)
        print(f"{number + 1} of {options.scenes}", end="\r", file=sys.stderr)
    alarms = 0
    for number in range(options.scenes):
        alarms += bool(_decisions(still_scene(options.seed, number, options.size), None)[0])
    _print(found, options.scenes, alarms)


def _follow(scene: Scene, found: Found) -> None:
    decisions, seen = _decisions(scene, found)
    front, depth = scene.fronts[0], scene.depth_nm
    course = front.position_nm(scene.time_s, depth)
    half = np.flatnonzero(course >= 0.5 * depth)
    found.unseen += not seen
    if not decisions:
        found.missed += half.size > 0 and half[0] < len(scene) - 2
        return
    at = decisions[0].frame
    found.place_off.append(float(course[at]) / depth - 0.5)
    found.frames_off.append(float(at - half[0]) if half.size else np.nan)


def _decisions(scene: Scene, found: Found | None) -> tuple[list[Decision], bool]:
    rules = Triggers([Rule("halfway", "fraction", 0.5), Rule("second", "front_starts", 3)])
    live = LiveFront(pixel_size_nm=scene.pixel_size_nm, looks=Inline(6))
    made: list[Decision] = []
    seen = False
    for number in range(len(scene)):
        state = live.push(scene.frame(number)[0], float(scene.time_s[number]))
        made += rules.see(state)
        if state.fronts and found is not None:
            seen = True
            _compare(scene, number, state.fronts[0], found)
    return made, seen


def _compare(scene: Scene, number: int, front: FrontNow, found: Found) -> None:
    true, depth = scene.fronts[0], scene.depth_nm
    course = true.position_nm(scene.time_s, depth)
    here = float(course[number])
    found.position.append(front.position.low <= here <= front.position.high)
    found.position_off.append(abs(front.position.value - here) / depth)
    if front.speed is not None and here < THROUGH * depth:
        lately = slice(max(0, number - 12), number + 1)
        speeds = np.diff(course[lately]) / np.diff(scene.time_s[lately])
        found.speed.append(front.speed.low <= speeds.max() and front.speed.high >= speeds.min())
    ends = true.onset_s + true.law.time_s(np.array([THROUGH * depth]))
    if front.completion_s is not None and here < THROUGH * depth and np.isfinite(ends).all():
        found.completion.append(front.completion_s.low <= float(ends[0]) <= front.completion_s.high)


def _print(found: Found, scenes: int, alarms: int) -> None:
    print(f"\n{scenes} movies of one front, {found.unseen} in which none was seen")
    print("| what | frames | intervals that hold the truth |\n|---|---|---|")
    for name in ("position", "speed", "completion"):
        held = getattr(found, name)
        print(f"| {name} | {len(held)} | {np.mean(held):.1%} |")
    off = found.position_off
    print(f"position off by {np.median(off):.1%} of the way (median), {np.quantile(off, 0.95):.1%} (95 %)")
    place, frames = np.abs(found.place_off), np.abs(found.frames_off)
    print(f"halfway: decided in {len(place)} movies, missed in {found.missed}")
    print(f"  off by {np.median(place):.1%} of the way (median), {place.max():.1%} at worst")
    print(f"  off by {np.nanmedian(frames):.0f} frames (median), {np.nanmax(frames):.0f} at worst")
    print(f"{scenes} movies without a reaction: {alarms} false decisions")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=3_000_000_000)
    parser.add_argument("--size", type=int, default=256)
    return parser.parse_args()


if __name__ == "__main__":
    main()
