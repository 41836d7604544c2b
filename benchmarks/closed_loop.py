"""A front is watched over a real connection, and the beam blanked when it is half way: how far from there was it?

    python benchmarks/closed_loop.py --peer pva [--runs 20] [--seed 5200000000] [--rate 2.5] [--frames 50]

Nothing is a stand-in: a peer (`closed_loop_peers.py`) plays a synthetic movie that no model has seen at the rate of a
camera, in a process of its own; frames come through `adapters.attach`, a rule waits for half of the way, and its
action goes back to the peer, which notes when it arrived. That moment is compared with the one at which the front was
half way. Then as many movies without a reaction: is the beam blanked in any?
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from closed_loop_peers import PEERS, Peer
from live_scenes import halfway_frame, reacting_scene, still_scene

from ionfront.acquisition import Actions, FrameQueue, LiveFront, Rule, Triggers
from ionfront.acquisition.adapters import action, attach
from ionfront.datasets import Scene
from ionfront.models import Segmenter, load_segmenter

HALFWAY = Rule("halfway", "fraction", 0.5, actions=("blank",))


@dataclass(frozen=True)
class Run:
    """One movie.

    Attributes:
        scene: What was played.
        blanked: When the beam was blanked, in frames since the first; None where it was not.
        taken: Frames that were analysed.
        missed: Frames that were lost or let go.
    """

    scene: Scene
    blanked: float | None
    taken: int
    missed: int

    @property
    def place_nm(self) -> float:
        """Where the front truly was when the beam was blanked."""
        time_s = np.interp(float(self.blanked or np.nan), np.arange(len(self.scene)), self.scene.time_s)
        return float(self.scene.fronts[0].position_nm(np.array([time_s]), self.scene.depth_nm)[0])

    @property
    def off(self) -> float:
        """How far from half of the way that is, as a share of the way."""
        return self.place_nm / self.scene.depth_nm - 0.5


def main() -> None:
    """Print a row for each movie, and what they come to."""
    options = _options()
    segmenter = load_segmenter(None)
    print(
        "| seed | law | drift [px/frame] | dose [e/px] | half way at [nm] | in frame | blanked at [nm] | in frame "
        "| off [nm] | of the way | frames | seconds | frames missed |\n|" + "---|" * 13
    )
    runs = []
    for number in range(options.runs):
        scene = reacting_scene(options.seed, number, options.size, options.frames)
        runs.append(_run(options.peer, scene, options.rate, segmenter))
        print(_row(runs[-1], options.rate), flush=True)
    _summarise(runs, options.rate)
    still = [
        _run(options.peer, still_scene(options.seed, number, options.size, options.frames), options.rate, segmenter)
        for number in range(options.runs)
    ]
    alarms = [f"{run.scene.seed} in frame {run.blanked:.1f}" for run in still if run.blanked is not None]
    missed = sum(run.missed for run in still)
    print(f"{len(still)} movies without a reaction: {len(alarms)} blanked, {missed} frames missed", *alarms, sep="; ")


def _run(peer_name: str, scene: Scene, rate_hz: float, segmenter: Segmenter) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        movie = Path(folder) / "movie.npy"
        np.save(movie, np.stack([scene.frame(index)[0] for index in range(len(scene))]))
        with LiveFront(segmenter, pixel_size_nm=scene.pixel_size_nm) as live:
            peer = PEERS[peer_name](movie, rate_hz)
            try:
                taken, missed = _watch(peer, live)
            finally:
                peer.close()
    return Run(scene, None if peer.blanked_s is None else peer.blanked_s * rate_hz, taken, missed)


def _watch(peer: Peer, live: LiveFront) -> tuple[int, int]:
    """Until the beam is blanked or the movie ends: how many frames came, and how many did not."""
    errors: list[str] = []
    triggers = Triggers([HALFWAY])
    actions = Actions({"blank": action(peer.action)}, lambda done: errors.append(done["error"]))
    taken = missed = 0
    for frame in attach(peer.stream, FrameQueue(idle_s=4.0)).frames:
        state = live.push(frame.image, frame.time_s, dose_e_nm2=frame.dose_e_nm2, missed=frame.missed)
        taken, missed = taken + 1, state.missed
        for decision in triggers.see(state):
            actions(decision)
        if triggers.fired:
            break
    actions.close()
    for error in filter(None, errors):
        print(f"the beam could not be blanked: {error}", file=sys.stderr)
    return taken, missed


def _row(run: Run, rate_hz: float) -> str:
    scene, half = run.scene, halfway_frame(run.scene)
    steps = np.linalg.norm(np.diff(scene.camera.drift_px, axis=0), axis=1)
    cells = [f"{scene.seed}", scene.fronts[0].law.name, f"{steps.mean():.2f}", f"{scene.camera.dose_e_px:.0f}"]
    cells += [f"{0.5 * scene.depth_nm:.1f}", "never" if half is None else f"{half:.1f}"]
    if run.blanked is None:
        cells += ["not blanked"] + [""] * 5
    else:
        cells += [f"{run.place_nm:.1f}", f"{run.blanked:.1f}"]
        cells += [f"{run.off * scene.depth_nm:+.1f}", f"{run.off:+.1%}"]
        late = None if half is None else run.blanked - half
        cells += ["", ""] if late is None else [f"{late:+.1f}", f"{late / rate_hz:+.2f}"]
    return f"| {' | '.join([*cells, str(run.missed)])} |"


def _summarise(runs: Sequence[Run], rate_hz: float) -> None:
    halves = [(run, halfway_frame(run.scene)) for run in runs]
    due = [run for run, half in halves if half is not None]
    done = [run for run in runs if run.blanked is not None]
    late = np.abs([run.blanked - half for run, half in halves if run.blanked is not None and half is not None])
    print(f"\n{len(runs)} movies, {len(due)} in which the front gets half way; the beam was blanked in {len(done)}")
    print(_middle_and_worst("off by", [abs(run.off) * run.scene.depth_nm for run in done], "{:.1f} nm"))
    print(_middle_and_worst("off by", [abs(run.off) for run in done], "{:.1%} of the way"))
    print(_middle_and_worst("off by", late, "{:.1f} frames"))
    print(_middle_and_worst("off by", late / rate_hz, "{:.2f} s"))
    taken, missed = sum(run.taken for run in runs), sum(run.missed for run in runs)
    print(f"{taken} frames analysed, {missed} missed", flush=True)


def _middle_and_worst(what: str, values: Sequence[float], form: str) -> str:
    if len(values) == 0:
        return f"{what} nothing that could be measured"
    return f"{what} {form.format(np.median(values))} in the median, {form.format(np.max(values))} at worst"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=5_200_000_000)
    parser.add_argument("--rate", type=float, default=2.5, help="frames a second")
    parser.add_argument("--frames", type=int, default=50, help="of a movie")
    parser.add_argument("--size", type=int, default=256)
    return parser.parse_args()


if __name__ == "__main__":
    main()
