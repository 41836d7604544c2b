"""What dose still gives a front's speed, as advised, against movies that were really made with less.

    python benchmarks/dose_advice.py [--scenes 20] [--seed 3700000000] [--size 256] [--times 1.3]

A synthetic movie of one front that no model has seen is followed until the front has come three fifths of its way, and
the advisor is asked what still gives the speed to 1.3 times the error that it has as it is. Then the same scene is made
with every dose and frame rate that it names, other noise and all, and each is followed to the same moment: how far is
its speed of late from the true one, and did that stay within the error that was foretold? A movie in which no speed is
found counts as one that did not.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np
from live_scenes import reacting_scene

from ionfront.acquisition import Advice, DoseAdvisor, Inline, LiveFront, Option
from ionfront.core import UsageError
from ionfront.datasets import Scene
from ionfront.models import Segmenter, load_segmenter

ASKED_AT = 0.6  # of the way
LATELY = 12  # frames, in which the true speed is between its least and its largest


@dataclass(frozen=True)
class Tried:
    """A dose and a frame rate in one movie.

    Attributes:
        option: With the error that was foretold.
        error: Of the speed, relative to the true one; infinite where none was found.
    """

    option: Option
    error: float

    @property
    def held(self) -> bool:
        """Whether the error stayed within what was foretold."""
        return self.error <= self.option.speed_error


def main() -> None:
    options = _options()
    segmenter = load_segmenter(None)
    movies: list[list[Tried]] = []
    chosen: list[Tried | None] = []
    for number in range(options.scenes):
        scene = reacting_scene(options.seed, number, options.size)
        try:
            advice = _advice(scene, segmenter, options.times)
        except UsageError as error:
            print(f"{scene.seed}: {error}", flush=True)
            continue
        movies.append([Tried(option, _error(scene, option, segmenter)) for option in advice.options])
        chosen.append(next((one for one in movies[-1] if one.option == advice.chosen), None))
        print(f"{scene.seed}, {scene.camera.dose_e_px:.0f} e/px: {advice.sentence} {_said(chosen[-1])}", flush=True)
    _print(movies)
    taken = [one for one in chosen if one is not None]
    held = sum(one.held for one in taken)
    rates = [one.option.rate_share for one in taken]
    print(
        f"\n{len(movies)} movies, {len(taken)} with an advice to take, {np.median(rates):.3g} of the dose in the median"
    )
    print(f"with it the speed was within what was foretold in {held}")


def _advice(scene: Scene, segmenter: Segmenter, times: float) -> Advice:
    advisor = DoseAdvisor(segmenter, pixel_size_nm=scene.pixel_size_nm)
    with LiveFront(segmenter, pixel_size_nm=scene.pixel_size_nm, looks=Inline(6)) as live:
        for number in range(_end(scene)):
            image, time_s = scene.frame(number)[0], float(scene.time_s[number])
            state = live.push(image, time_s, dose_e_nm2=scene.camera.dose_e_px / scene.pixel_size_nm**2)
            advisor.push(image, time_s)
    advice = advisor.advise(1.0, state)
    return replace(advice, wanted=times * advice.options[-1].speed_error)


def _error(scene: Scene, option: Option, segmenter: Segmenter) -> float:
    end = _end(scene)
    camera = replace(scene.camera, dose_e_px=option.dose_share * scene.camera.dose_e_px)
    other = replace(scene, seed=scene.seed + 1, camera=camera)  # the seed is that of the noise
    with LiveFront(segmenter, pixel_size_nm=scene.pixel_size_nm, looks=Inline(end)) as live:
        for number in range((end - 1) % option.every, end, option.every):
            live.push(other.frame(number)[0], float(scene.time_s[number]))
        fronts = live.look_now().fronts if live.state is not None and not live.state.waiting else ()
    speeds = {front.position[-1] / front.depth: front.speed for front in fronts if front.speed is not None}
    if not speeds:
        return np.inf
    speed = speeds[max(speeds)].value
    lately = slice(max(0, end - 1 - LATELY), end)
    true = np.diff(scene.fronts[0].position_nm(scene.time_s[lately], scene.depth_nm)) / np.diff(scene.time_s[lately])
    return float(max(true.min() - speed, speed - true.max(), 0.0) / true.mean())


def _end(scene: Scene) -> int:
    """How many frames until the front has come so far; all of them where it does not."""
    course = scene.fronts[0].position_nm(scene.time_s, scene.depth_nm)
    return int(np.argmax(course > ASKED_AT * scene.depth_nm)) or len(scene)


def _said(tried: Tried | None) -> str:
    return "" if tried is None else f"Off by {tried.error:.0%}."


def _print(movies: list[list[Tried]]) -> None:
    print(
        "\n| dose of a frame | one frame in | foretold, median | off, median | off, 95 % | no speed | foretold held |"
    )
    print("|---|---|---|---|---|---|---|")
    ways = sorted({(one.option.dose_share, one.option.every) for movie in movies for one in movie}, reverse=True)
    everything: list[bool] = []
    for way in ways:
        same = [one for movie in movies for one in movie if (one.option.dose_share, one.option.every) == way]
        found = [one for one in same if np.isfinite(one.option.speed_error)]
        errors = [one.error for one in found]
        everything += [one.held for one in found]
        if found:
            print(
                f"| {way[0]:.3g} | {way[1]} | {np.median([one.option.speed_error for one in found]):.0%} "
                f"| {np.median(errors):.0%} | {np.quantile(errors, 0.95, method='higher'):.0%} "
                f"| {np.mean(np.isinf(errors)):.0%} | {np.mean([one.held for one in found]):.0%} of {len(found)} |"
            )
    print(f"\nforetold errors that held: {np.mean(everything):.1%} of {len(everything)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3_700_000_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--times", type=float, default=1.3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
