"""A plan that takes frames as fast as a front moves, in Bluesky's run engine, against synthetic fronts.

    python benchmarks/adaptive_plan.py [--scenes 20] [--seed 3300000000] [--size 256] [--steps 40] [--frames 120]

`follow_front` is asked to let the front move at most a share of its way (1 / steps) from a frame to the next, between a
quarter and four times a period of a sixtieth of the movie. The camera shows the movie one period after the frame
before, so that the period decides at which instant; each frame has the movie's own dose. How far did the front truly
move between frames; had it passed, or come to rest, when the plan ended; how far is the measured position from the true
one. Beside it, as many frames evenly over the same time. Then movies without a reaction: nothing but the number of
frames may end them. Truths are those of the scene at the time of each frame.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
from bluesky import RunEngine
from numpy.typing import NDArray

from ionfront.acquisition import Inline, LiveFront
from ionfront.acquisition.adapters.bluesky import FrameDocuments, FrontDevice, MovieDetector, follow_front
from ionfront.datasets import Scene, random_scene

LAWS = ("linear", "parabolic", "mixed", "self_limiting")
THROUGH = 0.98
STILL = 0.1  # of a step, at the longest period: what the plan takes for rest
LENGTHS = 4  # of its movie, for which a scene is shown


@dataclass(frozen=True)
class Run:
    """One run: frames by their times, and how it ended.

    Attributes:
        law: Of the scene's front; empty where nothing moves.
        time_s: Of each frame, shape (n,).
        true, measured: Share of its way that the front had come at each, shape (n,); NaN where none was measured.
        reason: Why the plan ended; "passed", "rests" or "frames".
        rests: How far it was still going to move in a frame of the longest period when the plan ended.
    """

    law: str
    time_s: NDArray[np.float64]
    true: NDArray[np.float64]
    measured: NDArray[np.float64]
    reason: str
    rests: float

    @property
    def moves(self) -> NDArray[np.float64]:
        """Share of the way from frame to frame."""
        return np.diff(self.true)


def main() -> None:
    options = _options()
    engine = RunEngine(call_returns_result=True)
    runs = [_moving(engine, number, options) for number in range(options.scenes)]
    still = [_still(engine, number, options) for number in range(options.scenes)]
    _print(runs, still, 1 / options.steps)


def _moving(engine: RunEngine, number: int, options: argparse.Namespace) -> Run:
    law = LAWS[number % len(LAWS)]
    scene = random_scene(options.seed + number, size_px=options.size, n_frames=60, law=law, n_fronts=1)
    run = _played(engine, scene, law, options)
    print(
        f"{number} {law}: {len(run.time_s)} frames, {run.reason} at {run.true[-1]:.1%} true, "
        f"{run.measured[-1]:.1%} measured; moves up to {run.moves.max():.1%}",
        file=sys.stderr,
    )
    return run


def _still(engine: RunEngine, number: int, options: argparse.Namespace) -> Run:
    scene = random_scene(options.seed + 10**6 + number, size_px=options.size, n_frames=60, n_fronts=0)
    run = _played(engine, scene, "", options)
    print(f"still {number}: {len(run.time_s)} frames, {run.reason}", file=sys.stderr)
    return run


def _played(engine: RunEngine, scene: Scene, law: str, options: argparse.Namespace) -> Run:
    period_s = float(scene.time_s[1])
    camera = MovieDetector(_shown(scene), period_s=period_s, speed=None)
    events: list[dict[str, Any]] = []
    with LiveFront(pixel_size_nm=scene.pixel_size_nm, looks=Inline(6)) as live:
        front = FrontDevice(live)
        tokens = [
            engine.subscribe(FrameDocuments(front.take, "camera-image", time_field="camera-time")),
            engine.subscribe(lambda _, doc: events.append(doc), "event"),
        ]
        plan = follow_front(
            camera,
            front,
            move=scene.depth_nm / options.steps,
            period_s=period_s,
            limits_s=(period_s / 4, 4 * period_s),
            frames=options.frames,
            set_period=lambda wanted_s: bps.mv(camera.period, wanted_s),
        )
        decision = engine(plan).plan_result
        for token in tokens:
            engine.unsubscribe(token)
    told = [event["data"] for event in events if "front-position" in event["data"]]
    time_s = np.array([one["front-time"] for one in told])
    return Run(
        law=law,
        time_s=time_s,
        true=_share(scene, time_s),
        measured=np.array([one["front-position"] for one in told]) / scene.depth_nm,
        reason="frames" if decision is None else decision.rule,
        rests=float(_share(scene, time_s[-1:] + 4 * period_s)[0] - _share(scene, time_s[-1:])[0]),
    )


def _shown(scene: Scene) -> Callable[[float], NDArray[Any]]:
    """The scene at any time, its drift carried on between its frames."""
    times = np.linspace(0, LENGTHS * scene.time_s[-1], LENGTHS * 20 * (len(scene) - 1) + 1)
    drift = np.stack([np.interp(times, scene.time_s, along) for along in scene.camera.drift_px.T], axis=1)
    fine = replace(scene, time_s=times, camera=replace(scene.camera, drift_px=drift))
    return lambda time_s: fine.frame(int(np.searchsorted(times, time_s + 1e-9 * times[1], side="right")) - 1)[0]


def _share(scene: Scene, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    if not scene.fronts:
        return np.zeros(len(time_s))
    return np.asarray(scene.fronts[0].position_nm(time_s, scene.depth_nm) / scene.depth_nm)


def _print(runs: list[Run], still: list[Run], asked: float) -> None:
    print(
        "| law | movies | frames (median) | moves within what was asked | 95 % of moves | even frames: within | 95 % |"
    )
    print("|---|---|---|---|---|---|---|")
    for law in (*LAWS[: len(runs)], "all"):
        some = [run for run in runs if law in ("all", run.law)]
        moves, even = _moved([run.moves for run in some]), _moved([_even(run) for run in some])
        print(
            f"| {law} | {len(some)} | {np.median([len(run.time_s) for run in some]):.0f} "
            f"| {np.mean(moves <= asked):.1%} | {np.quantile(moves, 0.95) / asked:.2f} times "
            f"| {np.mean(even <= asked):.1%} | {np.quantile(even, 0.95) / asked:.2f} times |"
        )
    for reason in ("passed", "rests", "frames"):
        ended = [run for run in runs if run.reason == reason]
        early = [run for run in ended if run.true[-1] < THROUGH and run.rests > STILL * asked]
        trues = ", ".join(f"{run.true[-1]:.0%}" for run in early) or "none"
        print(f"{reason}: ended {len(ended)}, of them before the front had passed or rested {len(early)}, at: {trues}")
    after = [run for run in runs if run.reason != "frames" and run.true[-1] >= THROUGH]
    late = [int(np.sum(run.true >= THROUGH)) for run in after]
    if late:
        print(f"frames after the true passage: {np.median(late):.0f} (median of {len(late)}), {max(late)} at most")
    off = np.concatenate([np.abs(run.measured - run.true)[np.isfinite(run.measured)] for run in runs])
    last = [abs(run.measured[-1] - run.true[-1]) for run in runs]
    print(f"position off by {np.median(off):.1%} of the way (median), {np.quantile(off, 0.95):.1%} (95 %)")
    print(f"  at the end by {np.nanmedian(last):.1%} (median), {np.nanmax(last):.1%} at most")
    wrong = [run for run in still if run.reason != "frames"]
    print(f"{len(still)} movies without a reaction: {len(wrong)} ended before their number of frames")


def _moved(all_moves: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    moves = np.concatenate(all_moves)
    return moves[moves > 0]


def _even(run: Run) -> NDArray[np.float64]:
    """Moves, were as many frames taken evenly over the same time."""
    even_s = np.linspace(run.time_s[0], run.time_s[-1], len(run.time_s))
    return np.diff(np.interp(even_s, run.time_s, run.true))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3_300_000_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--frames", type=int, default=120)
    return parser.parse_args()


if __name__ == "__main__":
    main()
