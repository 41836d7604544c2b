"""Heat droplets until half of them have crystallised: a closed loop over the digital twin of a Direct Electron camera.

    pip install ".[direct-electron]" "de-twin>=0.3"
    python benchmarks/heated_droplets.py [--model FILE.onnx] [--runs 20] [--first-seed 2000] [--still-s 15]
    python benchmarks/heated_droplets.py --train FILE.onnx

Each run has a specimen, a temperature, a frame rate and a dose of its own. A camera is started on 127.0.0.1, its frames
come by `ionfront.acquisition.adapters`, a `Monitor` analyses them, and a rule switches the heater off when half of the
droplets' area has crystallised. What the twin knows of its specimen then says how far it had come when the rule spoke,
and where it stayed for good. As many runs are never heated. Time is real: 20 and 20 runs take some 30 minutes.

`--train` makes the model: a small network that compares local means of a frame with those of how the specimen looked
at first, trained on other specimens (seeds 1000 to 1031; runs begin with 2000) in a few minutes on one core.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "numba"))  # else it compiles for a minute

import numpy as np
from de_twin import DigitalTwin
from de_twin.clock import Clock, ManualClock
from de_twin.faces.deapi_server import TwinDeapiServer
from de_twin.specimen import PRESETS
from de_twin.specimen.materials import MaterialId
from de_twin.specimen.model import crystalline_fraction
from de_twin.state import AcquisitionRequest, Roi
from numpy.typing import NDArray

from ionfront.acquisition import Actions, Decision, FrameQueue, Inline, LiveFront, Rule, Triggers
from ionfront.acquisition.adapters import action, attach

HEATER = "Simulator Virtual Specimen Temperature (C)"
PHASES = ("background", "amorphous", "crystalline")
CORNER_PX, EDGE_PX = 256, 512  # of the part of the sensor that is read out
MEANS_OVER_PX, PIXELS_A_FRAME, STEPS = (3, 7, 15), 3000, 1500  # of the model
MAGNIFICATION = 15_000.0  # 1 nm a pixel
TRAINING, VALIDATION = range(1000, 1028), range(1028, 1032)
ONSET_C = 400.0
AWAY_S = 80.0  # of thermal budget, after which all has crystallised


def droplets(seed: int, dose_e_px_s: float, clock: Clock) -> DigitalTwin:
    """A camera on a microscope with a heating holder, over droplets of their own."""
    specimen = replace(PRESETS["Droplet crystallization"], seed=seed)
    specimen = specimen.with_options(start_dose_e_per_px_s=dose_e_px_s)
    twin = DigitalTwin(specimen, camera="Celeritas", holder="sim-heating", seed=seed, clock=clock)
    twin.column.set("Magnification", MAGNIFICATION)
    twin.start_on_specimen()  # again: the dose is for this magnification
    return twin


def request_for(twin: DigitalTwin, frame_s: float = 0.2) -> AcquisitionRequest:
    """A frame of the part of the sensor that is read out."""
    return twin.request(frame_time_s=frame_s, total_frames=1, hw_roi=Roi(CORNER_PX, CORNER_PX, EDGE_PX, EDGE_PX))


def crystallised(twin: DigitalTwin) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Where droplets are, and how far each pixel of them has crystallised, shapes (y, x)."""
    with twin.lock:
        truth = twin.ground_truth(request_for(twin), as_arrays=True)
        return truth["material_id"] == MaterialId.GOLD, twin.specimen.crystallinity(truth["grain_id"])


# ---------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Labelled:
    """A frame with its reference behind it, shape (2, y, x), and label ids (y, x)."""

    name: str
    group: str
    image: NDArray[np.float32]
    label: NDArray[np.uint8]

    def load(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        return self.image, self.label


def labelled_frames(seed: int, frames: int = 10) -> Iterator[Labelled]:
    """A specimen at random stages of its heating, as the camera would show it."""
    rng = np.random.default_rng(seed)
    clock = ManualClock()
    twin = droplets(seed, rng.uniform(8, 40), clock)
    request = request_for(twin)
    references = twin.processor.references(request)

    def seen() -> NDArray[np.float32]:
        raw, _ = next(twin.frames(request))
        clock.advance(request.frame_time_s)
        return twin.processor.correct(raw, references)

    first = np.mean([seen() for _ in range(5)], axis=0, dtype=np.float32)
    twin.holder.set(500.0)  # a second of budget in a second
    passed = np.sort(rng.uniform(15, AWAY_S, frames))
    for number, wait_s in enumerate(np.diff(passed, prepend=0.0)):
        clock.advance(float(wait_s))
        image = seen()
        where, how_far = crystallised(twin)
        label = np.where(where, 1 + (how_far > 0.5), 0).astype(np.uint8)
        yield Labelled(f"{seed}-{number}", str(seed), np.stack([image, first]), label)


def train(out: Path) -> None:
    """Train the model on the twin's own truth, and write it with its card."""
    from ionfront.models import torchvision_ops  # noqa: F401, I001  before anything that imports torchvision
    import torch
    from torch import nn

    from ionfront.models import Architecture, ModelInfo, Normalisation, load_segmenter
    from ionfront.training.calibrate import fit_temperature
    from ionfront.training.crops import NormalisedFrames
    from ionfront.training.evaluate import frame_counts, summarise
    from ionfront.training.export import export_segmenter, rewrite_info
    from ionfront.training.provenance import TRAINED_ON, frame_digests

    class LocalMeans(nn.Module):
        """Of frames (batch, 2, y, x) with references, at three scales: (batch, 6, y, x)."""

        def __init__(self) -> None:
            super().__init__()
            self.scales = nn.ModuleList(
                nn.AvgPool2d(edge, 1, edge // 2, count_include_pad=False) for edge in MEANS_OVER_PX
            )

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return torch.cat([mean(frames) for mean in self.scales], dim=1)

    began = time.monotonic()
    fitted, judged = ([frame for seed in seeds for frame in labelled_frames(seed)] for seeds in (TRAINING, VALIDATION))
    print(f"{len(fitted)} frames after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    norm, reduction, chance = Normalisation(), 2, np.random.default_rng(0)
    means = LocalMeans()
    head = nn.Sequential(
        nn.Conv2d(2 * len(MEANS_OVER_PX), 24, 1), nn.ReLU(), nn.Conv2d(24, 24, 1), nn.ReLU(), nn.Conv2d(24, 3, 1)
    )

    def pixels(frames: list[Labelled]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network has of some pixels of each frame, (n, 6, 1, 1), and their label ids (n, 1, 1)."""
        seen, ids = [], []
        small = NormalisedFrames([(frame, None) for frame in frames], norm, reduction, 1)
        for index in range(len(small)):
            image, label = small[index]
            some = chance.permutation(label.size)[:PIXELS_A_FRAME]
            with torch.inference_mode():
                seen.append(means(torch.from_numpy(image)[None])[0].flatten(1).T.numpy()[some])
            ids.append(label.ravel()[some].astype(np.int64))
        return (
            torch.from_numpy(np.concatenate(seen))[:, :, None, None],
            torch.from_numpy(np.concatenate(ids))[:, None, None],
        )

    (inputs, wanted), unseen = pixels(fitted), pixels(judged)
    optimiser = torch.optim.AdamW(head.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        some = torch.from_numpy(chance.integers(len(inputs), size=4096))
        optimiser.zero_grad()
        nn.functional.cross_entropy(head(inputs[some]), wanted[some]).backward()
        optimiser.step()
        schedule.step()
    with torch.inference_mode():
        temperature = fit_temperature(head(unseen[0])[:, :, 0, 0].numpy(), unseen[1].ravel().numpy())
    info = ModelInfo(
        name="de-twin-droplets",
        version="0.1.0",
        phases=PHASES,
        reaction_order=PHASES[1:],
        normalisation=norm,
        reduction=reduction,
        pixel_size_range_nm=(1.0, 1.0),
        temperature=temperature,
        licence="MIT",
        architecture=Architecture(encoder_depth=1, decoder_channels=(24,), channels=2),
        training_summary={"data": "de-twin 0.3, droplets", "steps": STEPS, TRAINED_ON: frame_digests(fitted)},
    )
    export_segmenter(nn.Sequential(means, head), info, out, overwrite=True)
    segmenter = load_segmenter(out)
    evaluation = summarise(frame_counts(segmenter, [(frame, None) for frame in judged]), segmenter, 3.0)
    scores = {name: round(score.value, 4) for name, score in evaluation.overall.iou.items()}
    rewrite_info(out, info.model_copy(update={"training_summary": info.training_summary | {"validation_iou": scores}}))
    off = [_share_of(segmenter.labels(frame.image)) - _share_of(frame.label) for frame in judged]
    print(f"on {len(judged)} frames of other specimens: IoU {scores}")
    off_by = f"{np.median(np.abs(off)):.1%} (median), {np.abs(off).max():.1%} (worst), {np.mean(off):+.1%} (mean)"
    print(f"share off by {off_by}")
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB after {time.monotonic() - began:.0f} s")


def _share_of(label: NDArray[np.uint8]) -> float:
    return float((label == 2).sum() / max((label > 0).sum(), 1))


# ------------------------------------------------------------------------------------------------------------- loop


@dataclass(frozen=True)
class Trial:
    """A run to come; below the onset nothing crystallises."""

    seed: int
    target_c: float
    ramp_c_s: float
    frames_s: float
    dose_e_px: float

    @classmethod
    def drawn(cls, seed: int, heated: bool) -> "Trial":
        rng = np.random.default_rng(seed)
        target_c = rng.uniform(480, 600) if heated else rng.choice([25.0, 390.0])
        return cls(seed, float(target_c), rng.uniform(50, 500), rng.uniform(1.5, 4), rng.uniform(2, 7))


@dataclass(frozen=True)
class Outcome:
    """What became of it; shares of the droplets' area, NaN where no rule fired.

    Attributes:
        said: What the rule said had crystallised.
        seen: What had, when the frame arrived at which it said so.
        final: What had, once the heater was off.
        late_s: From the moment when half had until the heater was off, by the twin's clock.
        acted_s: From the arrival of the frame at the camera's computer until then.
        frames, missed: Analysed, and not.
        interval_s: Between frames, median.
    """

    said: float
    seen: float
    final: float
    late_s: float
    acted_s: float
    frames: int
    missed: int
    interval_s: float


def run(trial: Trial, model: Path, still_s: float, pace: float) -> Outcome:
    """Heat, watch, switch off; without heat, watch for a while."""
    clock = Clock(pace)
    twin = droplets(trial.seed, trial.dose_e_px * trial.frames_s, clock)
    truth = Truth(twin)
    with TwinDeapiServer(twin, port=0) as server:
        told = {"Offset X": CORNER_PX, "Offset Y": CORNER_PX, "Size X": EDGE_PX, "Size Y": EDGE_PX}
        for name, value in told.items():
            server.fake[f"Hardware ROI {name}"] = value
        server.fake["Frames Per Second"] = trial.frames_s
        camera = f"de:127.0.0.1:{server.port}"
        off = action(f"{camera}/{HEATER}=25")
        triggers = Triggers([Rule("half", "share", 0.5, ("heater off",), into="crystalline")])
        found: dict[str, float] = {}

        def heater_off(decision: Decision) -> None:
            off(decision)
            found["acted"] = time.time()

        actions = Actions({"heater off": heater_off}, lambda done: print(done["error"], end="", file=sys.stderr))
        source = attach(camera, FrameQueue(2))
        times, budgets, arrived, left = [], [], [], np.inf
        with LiveFront(model, pixel_size_nm=source.pixel_size_nm, looks=Inline(10**9)) as live:
            for frame in source.frames:
                state = live.push(frame.image, frame.time_s, dose_e_nm2=frame.dose_e_nm2, missed=frame.missed)
                arrived.append(frame.time_s + source.zero_s)
                for decision in triggers.see(state):
                    actions(decision)
                    found["said"] = float(re.search(r"holds ([\d.]+)%", decision.because)[1]) / 100
                    found["frame"] = arrived[-1]
                    left = len(arrived) + 4
                times.append(clock.now())
                budgets.append(twin.specimen.thermal_budget_s)
                if len(arrived) == 6:  # it knows how the specimen looked at first
                    twin.holder.ramp(trial.target_c, rate_c_per_s=trial.ramp_c_s)
                over = twin.specimen.thermal_budget_s > AWAY_S or (trial.target_c < ONSET_C and frame.time_s > still_s)
                if len(arrived) >= left or over:
                    break
            source.frames.close()
        actions.close()
        analysed, missed, interval_s = len(arrived), state.missed, float(np.median(np.diff(arrived)))
        if not found:
            return Outcome(np.nan, np.nan, truth.now(), np.nan, np.nan, analysed, missed, interval_s)
        seen_s = clock.now() - pace * (time.time() - found["frame"])  # by the twin's clock
        seen = truth.at(float(np.interp(seen_s, times, budgets)))
        late_s = twin.holder._sp_t0 - float(np.interp(truth.half_budget_s, budgets, times))
        acted_s = found["acted"] - found["frame"]
        return Outcome(found["said"], seen, truth.now(), late_s, acted_s, analysed, missed, interval_s)


class Truth:
    """How much has crystallised, by the thermal budget that the specimen has had."""

    def __init__(self, twin: DigitalTwin) -> None:
        self._twin = twin
        truth = twin.ground_truth(request_for(twin), as_arrays=True)
        where = truth["material_id"] == MaterialId.GOLD
        self._grains, self._pixels = np.unique(truth["grain_id"][where], return_counts=True)
        budgets_s = np.linspace(0, AWAY_S + 20, 2001)
        self.half_budget_s = float(budgets_s[np.argmax([self.at(budget_s) >= 0.5 for budget_s in budgets_s])])

    def at(self, budget_s: float) -> float:
        """Share of the area."""
        twin, options = self._twin, self._twin.specimen.options
        how_far = crystalline_fraction(
            twin.specimen.grains.nucleation_u[self._grains],
            budget_s,
            options.nucleation_start_s,
            options.nucleation_end_s,
            options.crystal_growth_s,
        )
        return float(how_far @ self._pixels / self._pixels.sum())

    def now(self) -> float:
        """Share of the area at this moment."""
        with self._twin.lock:
            now_s = self._twin.clock.now()
            self._twin.specimen.update(now_s, self._twin.holder_state(now_s))
            return self.at(self._twin.specimen.thermal_budget_s)


def main() -> None:
    """Print a row for each heated run, what they come to, and the false alarms of the others."""
    options = _options()
    if options.train is not None:
        train(options.train)
        return
    seeds = range(options.first_seed, options.first_seed + options.runs)
    trials = [Trial.drawn(seed, True) for seed in seeds] + [Trial.drawn(seed + 500, False) for seed in seeds]
    columns = "seed, to °C at °C/s, frames/s, e/px, said, true then, true in the end, late [s], frame to off [s]"
    print(f"| {columns.replace(', ', ' | ')} |\n|" + 9 * "---|")
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        coming = pool.map(run, trials, repeat(options.model), repeat(options.still_s), repeat(options.pace))
        outcomes = [_printed(trial, found) for trial, found in zip(trials, coming, strict=False)]
    _summarise(outcomes[: options.runs])
    still = outcomes[options.runs :]
    frames, alarms = sum(found.frames for found in still), sum(np.isfinite(found.said) for found in still)
    print(f"\n{len(still)} runs below the onset, {frames} frames: {alarms} false alarms")


def _printed(trial: Trial, found: Outcome) -> Outcome:
    if trial.target_c >= ONSET_C:
        print(
            f"| {trial.seed} | {trial.target_c:.0f} at {trial.ramp_c_s:.0f} | {1 / found.interval_s:.1f} "
            f"| {trial.dose_e_px:.1f} | {found.said:.1%} | {found.seen:.1%} | {found.final:.1%} | {found.late_s:+.2f} "
            f"| {found.acted_s:.2f} |",
            flush=True,
        )
    return found


def _summarise(outcomes: list[Outcome]) -> None:
    fired = [found for found in outcomes if np.isfinite(found.said)]
    print(f"\nfired in {len(fired)} of {len(outcomes)}; {sum(found.missed for found in fired)} frames missed")
    print("| | median | worst |\n|---|---|---|")
    for name, off in {
        "said, off what was true at its frame": [found.said - found.seen for found in fired],
        "true at its frame, off a half": [found.seen - 0.5 for found in fired],
        "true in the end, off a half": [found.final - 0.5 for found in fired],
    }.items():
        print(f"| {name} | {np.median(np.abs(off)):.1%} (mean {np.mean(off):+.1%}) | {np.max(np.abs(off)):.1%} |")
    for name, times in {
        "heater off after half had crystallised [s]": [found.late_s for found in fired],
        "frame at the camera's computer to heater off [s]": [found.acted_s for found in fired],
    }.items():
        print(f"| {name} | {np.median(times):.2f} | {max(times, key=abs):.2f} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path(__file__).with_name("droplets.onnx"))
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=2000)
    parser.add_argument("--still-s", type=float, default=15.0, help="how long a run without heat is watched [s]")
    parser.add_argument("--pace", type=float, default=1.0, help="of the twin's clock, in real time")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--train", type=Path, default=None, help="make the model, and write it there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
