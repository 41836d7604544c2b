r"""Area of dislocation loops against temperature, from a model fine-tuned on five frames of the movie itself.

    python examples/annealing_loops.py prepare TI_ANNEALING_MOVIE WORK
    ionfront train segmenter --config examples/few_frames.yaml --trainer.max_epochs 12 --data WORK/labelled \
        --data.held_out_groups '["unseen"]' --output.path WORK/loops.onnx
    ionfront evaluate WORK/loops.onnx WORK/labelled --group unseen
    ionfront segment TI_ANNEALING_MOVIE/frames --out WORK/labels --model WORK/loops.onnx
    python examples/annealing_loops.py plot TI_ANNEALING_MOVIE WORK

The polygons mark clearly visible loops only, so that precision is underrated: dark contrast that nobody outlined may be
a loop too.
"""

import csv
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from matplotlib.figure import Figure

from ionfront.datasets import import_yolo, read_labelled

TRAINED_ON = ("frame_0124", "frame_0511", "frame_0896", "frame_1283", "frame_1667")  # every fifth frame, from the third


def prepare(source: Path, work: Path) -> None:
    """The movie's polygons as a labelled data set of two groups: the five frames to train on, and the unseen rest."""
    import_yolo(
        source / "frames",
        source / "polygons",
        ["loop"],
        work / "labelled",
        group_of=lambda stem: "labelled" if stem in TRAINED_ON else "unseen",
    )


def plot(source: Path, work: Path) -> None:
    """Write loop_area.csv and loop_area.png: area share of loops in each frame, by model and by hand."""
    by_hand = {frame.name: float((frame.load_label() == 1).mean()) for frame in read_labelled(work / "labelled").frames}
    with (source / "frames.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [f"frame_{int(row['frame']):04d}" for row in rows]
    temperature_c = [float(row["temperature_C"]) for row in rows]
    by_model = [float((iio.imread(work / "labels" / f"{name}.png") == 1).mean()) for name in names]
    with (work / "loop_area.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "temperature_C", "area_share_model", "area_share_by_hand"])
        writer.writerows(zip(names, temperature_c, by_model, [by_hand[name] for name in names], strict=True))
    _draw(temperature_c, by_model, [by_hand[name] for name in names], names).savefig(work / "loop_area.png", dpi=150)


def _draw(temperature_c: list[float], by_model: list[float], by_hand: list[float], names: list[str]) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    trained = np.isin(names, TRAINED_ON)
    t, m, h = np.array(temperature_c), 100 * np.array(by_model), 100 * np.array(by_hand)
    axes.plot(t, m, "o-", color="#0072B2", label="model")
    axes.plot(t[trained], m[trained], "o", color="#D55E00", label="model, frames trained on")
    axes.plot(t, h, "s--", color="#666666", markersize=4, label="outlined by hand (clearly visible loops only)")
    axes.set(xlabel="temperature (°C)", ylabel="area of dislocation loops (% of frame)", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    {"prepare": prepare, "plot": plot}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
