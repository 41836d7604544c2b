"""Training by two processes beside one, seed by seed: the same steps, do they come to the same scores?

    python benchmarks/distributed_training.py [--seeds 5] [--epochs 12]

The shipped recipe for labelled frames, `segmenter_labelled`, on crops of 128 px out of synthetic frames of one material
that are packed into one sharded store: 24 scenes to train on, 4 to stop by, 8 held out, six frames each. One process
draws 8 crops a step on two threads; two draw 4 each on one, and average their gradients over gloo. Scores are mean IoU
of the held-out frames.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ionfront.core import DEFAULT_SCHEME
from ionfront.datasets import LabelledSet, pack_labelled, random_scene, write_labelled
from ionfront.datasets.labelled_writer import Frame
from ionfront.training.evaluate import evaluate

SEED, SIZE_PX, FRAMES_EACH = 4_000_000_000, 256, 6
SHARES = {"train": 24, "stop": 4, "held": 8}
WAYS = {
    "1 process": ["--data.batch_size=8"],
    "2 processes": ["--data.batch_size=4", "--trainer.devices=2", "--trainer.strategy=ddp", "--threads=1"],
}


def scenes() -> Iterator[Frame]:
    """Frames, each scene a group that is named after its share."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    for number, (kind, frames) in enumerate(zip(kinds, of_one_material(), strict=False)):
        for index, (image, label) in enumerate(frames):
            yield f"s{number:02}f{index}", image, label, f"{kind}{number:02}"


def of_one_material() -> Iterator[list[tuple[NDArray[np.uint16], NDArray[np.uint8]]]]:
    """Frames and labels of scenes in which the same phase comes, and is darker than what was there, without end."""
    before, after = (DEFAULT_SCHEME.names.index(name) for name in ("pristine", "converted"))
    for seed in count(SEED):
        scene = random_scene(seed, size_px=SIZE_PX, n_frames=FRAMES_EACH, n_fronts=1)
        frames = [scene.frame(index) for index in range(FRAMES_EACH)]
        image, label = frames[FRAMES_EACH // 2]
        grey = [float(image[label == phase].mean()) if (label == phase).any() else np.nan for phase in (before, after)]
        if grey[1] < grey[0]:
            yield frames


def groups(kind: str, labelled: LabelledSet) -> list[str]:
    """Those of a share."""
    return sorted(group for group in labelled.groups if group.startswith(kind))


def trained(packed: Path, labelled: LabelledSet, way: str, seed: int, epochs: int, folder: Path) -> tuple[float, float]:
    """Mean IoU on held-out frames, and seconds of training."""
    out, named = folder / "model.onnx", {kind: str(groups(kind, labelled)).replace("'", '"') for kind in SHARES}
    command = [str(Path(sys.executable).with_name("ionfront")), "train", "segmenter", f"--data={packed}"]
    command += [f"--data.validation_groups={named['stop']}", f"--data.held_out_groups={named['held']}"]
    command += ["--data.crop_size=128", "--data.samples_per_epoch=192", f"--trainer.max_epochs={epochs}"]
    command += ["--data.num_workers=0", "--trainer.accelerator=cpu", f"--seed_everything={seed}", "--tracking.uri=none"]
    command += [f"--output.path={out}", f"--checkpoint.dirpath={folder / 'checkpoints'}", *WAYS[way]]
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.monotonic() - begun
    return evaluate(out, labelled, groups("held", labelled)).overall.mean_iou.value, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with TemporaryDirectory() as name:
        folder = Path(name)
        labelled = write_labelled(folder / "frames", scenes(), DEFAULT_SCHEME, file_ending=".tif")
        pack_labelled(labelled, folder / "frames.zarr")
        print("| seed | by | mean IoU | training, s |\n|---|---|---|---|")
        for seed in range(options.seeds):
            for way in WAYS:
                with TemporaryDirectory(dir=folder) as place:
                    score, seconds = trained(folder / "frames.zarr", labelled, way, seed, options.epochs, Path(place))
                found[way].append(score)
                print(f"| {seed} | {way} | {score:.3f} | {seconds:.0f} |", flush=True)
    one, two = (np.array(scores) for scores in found.values())
    for way, scores in found.items():
        print(f"{way}: {np.mean(scores):.3f}, standard deviation over seeds {np.std(scores, ddof=1):.3f}")
    error = np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / len(one))
    print(f"two less one: {two.mean() - one.mean():+.3f}, standard error {error:.3f}")


if __name__ == "__main__":
    main()
