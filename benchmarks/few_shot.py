"""What a few labelled frames bring: `ionfront finetune` beside what a laboratory would use instead, on the same splits.

    python benchmarks/few_shot.py --data DIR [DIR …] --others-python OTHERS/bin/python --results FILE.jsonl
        [--methods ionfront atomai random-forest nnunet] [--frames 1 3 5 10] [--repeats 5]

Each repeat holds out whole groups and draws its training frames from the rest, the same for every method, fewer of them
being the first of more. IoU is pooled over a repeat's held-out frames and averaged over repeats; the 95 % intervals
come from drawing repeats, and groups within them, again. Seconds are wall time: of `ionfront finetune` as a user waits
for it, start and cross-validation included, and of the others without imports.

A result is appended to FILE as it comes, and what is there already is not measured again: a run that was cut short
goes on where it stopped. `python benchmarks/few_shot_table.py FILE.jsonl` prints the tables of what FILE holds so far.
How to make OTHERS: docs/benchmarks.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imageio.v3 as iio
import numpy as np

from ionfront.datasets import LabelledFrame, LabelledSet, read_labelled, write_labelled
from ionfront.models import load_segmenter

HELPERS = {"atomai": "atomai_segmentor.py", "random-forest": "random_forest.py", "nnunet": "nnunet.py"}
MOST_FRAMES = 10


@dataclass(frozen=True)
class Case:
    """One training: a method, on so many frames of a repeat's split."""

    data: str
    method: str
    frames: int
    repeat: int


class MethodError(Exception):
    """A method gave no labels; the message says why."""


def main() -> None:
    """Measure what the results file lacks, then print its tables."""
    options = _options()
    done = _done(options.results)
    sets = [read_labelled(path) for path in options.data]
    for case, labelled, name in _cases(sets, options):
        if case not in done:
            _measure(case, labelled, name, options)
    if options.results.is_file():
        subprocess.run([sys.executable, Path(__file__).with_name("few_shot_table.py"), options.results], check=True)


def split(labelled: LabelledSet, repeat: int) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """Frames to train on, in the order in which they are taken, and frames held out.

    Groups are held out in random order, each if it leaves `MOST_FRAMES` frames to train on.
    """
    rng = np.random.default_rng(repeat)
    held_out: set[str] = set()
    for group in rng.permutation(labelled.groups).tolist():
        if sum(frame.group not in held_out | {group} for frame in labelled.frames) >= MOST_FRAMES:
            held_out.add(group)
    rest = [frame for frame in labelled.frames if frame.group not in held_out]
    order = rng.permutation(len(rest))
    return [rest[index] for index in order], [frame for frame in labelled.frames if frame.group in held_out]


def _cases(sets: Sequence[LabelledSet], options: argparse.Namespace) -> Iterator[tuple[Case, LabelledSet, str]]:
    """Every training, its data and its method, whole repeats first."""
    for repeat in range(options.repeats):
        for frames in options.frames:
            for labelled in sets:
                for name in options.methods:
                    yield Case(labelled.root.name, _label(name, options), frames, repeat), labelled, name


def _measure(case: Case, labelled: LabelledSet, name: str, options: argparse.Namespace) -> None:
    print(f"{case.data}, {case.method}, {case.frames} frames, repeat {case.repeat} …", file=sys.stderr, flush=True)
    train, test = split(labelled, case.repeat)
    train = train[: case.frames]
    with TemporaryDirectory() as folder:
        work = Path(folder)
        _write_training_set(work / "train", labelled, train)
        try:
            seconds = _run(name, work, test, case.repeat, options)
            scores = [_score(frame, labelled, work / "out") for frame in test]
        except (MethodError, FileNotFoundError) as error:
            print(f"  left out: {error}", file=sys.stderr)
            return
    row = vars(case) | seconds | {"phases": labelled.scheme.names, "trained_on": [frame.name for frame in train]}
    with options.results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | {"test": scores}) + "\n")


def _write_training_set(root: Path, labelled: LabelledSet, frames: Sequence[LabelledFrame]) -> None:
    write_labelled(
        root,
        ((frame.name, *frame.load(), frame.group) for frame in frames),
        labelled.scheme,
        ignore_label=labelled.ignore_label,
        pixel_size_nm=labelled.pixel_size_nm,
        file_ending=".tif" if frames[0].image.suffix.startswith(".tif") else ".png",
    )


def _score(frame: LabelledFrame, labelled: LabelledSet, out: Path) -> dict[str, Any]:
    """Pixels of the frame by label id and predicted id; those that nobody judged are left out."""
    label, predicted = frame.load_label(), iio.imread(out / f"{frame.name}.png")
    n_phases = labelled.scheme.count
    judged = label < n_phases  # an ignore label lies above the phases
    pairs = label[judged].astype(int) * n_phases + predicted[judged]
    confusion = np.bincount(pairs, minlength=n_phases**2).reshape(n_phases, n_phases)
    return {"name": frame.name, "group": frame.group, "confusion": confusion.tolist()}


def _run(
    name: str, work: Path, test: Sequence[LabelledFrame], seed: int, options: argparse.Namespace
) -> dict[str, float]:
    """Train on `work/train`, write labels of the test frames to `work/out`; seconds of training, and of one frame."""
    if name == "ionfront":
        return _run_ionfront(work, test, seed, options)
    if options.others_python is None:
        raise MethodError(f"{name} runs in an environment of its own: name its interpreter with --others-python.")
    (work / "images").mkdir()
    for frame in test:
        shutil.copy(frame.image, work / "images")
    helper = Path(__file__).parent / "others" / HELPERS[name]
    settings = _settings(name, options)
    command = [options.others_python, "-E", helper]  # -E: paths set for IonFront are not for it
    output = _call([*command, work / "train", work / "images", work / "out", "--seed", seed, *settings])
    seconds: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return seconds


def _run_ionfront(
    work: Path, test: Sequence[LabelledFrame], seed: int, options: argparse.Namespace
) -> dict[str, float]:
    command = [Path(sys.executable).with_name("ionfront"), "finetune", work / "train", "--out", work / "tuned.onnx"]
    start = time.perf_counter()
    _call([*command, "--seed", seed, *_settings("ionfront", options)], work)
    trained_s = time.perf_counter() - start
    segmenter = load_segmenter(work / "tuned.onnx", device="cpu")
    (work / "out").mkdir()
    predicted_s = []
    for frame in test:
        image, _ = frame.load()
        start = time.perf_counter()
        labels = segmenter.labels(image)
        predicted_s.append(time.perf_counter() - start)
        iio.imwrite(work / "out" / f"{frame.name}.png", labels)
    return {"train_s": trained_s, "predict_s": float(np.mean(predicted_s))}


def _call(command: Sequence[Any], folder: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MethodError("\n".join(done.stderr.strip().splitlines()[-3:]))
    return done.stdout


def _settings(name: str, options: argparse.Namespace) -> list[Any]:
    """Options of the method's own command."""
    match name:
        case "ionfront":
            return ["--minutes", options.minutes, *(["--model", options.model.resolve()] if options.model else [])]
        case "atomai":
            return ["--cycles", options.atomai_cycles]
        case "nnunet":
            return ["--epochs", options.nnunet_epochs, "--steps", options.nnunet_steps]
        case _:
            return []


def _label(name: str, options: argparse.Namespace) -> str:
    """The method with what it was given, so that results of unlike settings are never taken for each other."""
    match name:
        case "ionfront":
            model = f" from {options.model.stem}" if options.model else ""
            return f"IonFront{model}, {options.minutes:g} min"
        case "atomai":
            return f"AtomAI, {options.atomai_cycles} cycles"
        case "nnunet":
            return f"nnU-Net, {options.nnunet_epochs} x {options.nnunet_steps} steps"
        case _:
            return "random forest"


def _done(results: Path) -> set[Case]:
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    rows = [json.loads(line) for line in lines]
    return {Case(row["data"], row["method"], row["frames"], row["repeat"]) for row in rows}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="labelled data sets, nnU-Net raw layout")
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one a training; appended to")
    parser.add_argument("--others-python", type=Path, help="interpreter that has atomai, nnunetv2 and scikit-learn")
    parser.add_argument("--methods", nargs="+", choices=["ionfront", *HELPERS], default=["ionfront", *HELPERS])
    parser.add_argument("--frames", type=int, nargs="+", default=[1, 3, 5, 10], help=f"at most {MOST_FRAMES}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", type=Path, help="what IonFront starts from; it must not have seen the data")
    parser.add_argument("--minutes", type=float, default=4, help="time for `ionfront finetune`")
    parser.add_argument("--atomai-cycles", type=int, default=300, help="as in AtomAI's README; 30 at least")
    parser.add_argument("--nnunet-epochs", type=int, default=20)
    parser.add_argument("--nnunet-steps", type=int, default=25, help="steps of an epoch")
    options = parser.parse_args()
    if max(options.frames) > MOST_FRAMES:
        parser.error(f"--frames {max(options.frames)}: the splits leave {MOST_FRAMES} frames to train on.")
    return options


if __name__ == "__main__":
    main()
