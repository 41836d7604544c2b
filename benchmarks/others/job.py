"""What the helpers here share: labelled frames in, label images and a line of JSON out.

    python HELPER.py TRAIN IMAGES OUT [--seed S] [its own options]

TRAIN is a data set in the nnU-Net raw layout, IMAGES a folder of NAME_0000.png|tif, OUT the folder for NAME.png. The
helpers run in an environment of their own (docs/benchmarks.md), so nothing of IonFront is imported here.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread, imsave

__all__ = ["Frame", "Predict", "label_images", "parser", "training_frames"]

Frame = tuple[NDArray[Any], NDArray[np.uint8]]
Predict = Callable[[NDArray[Any]], NDArray[np.uint8]]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that every helper takes."""
    options = argparse.ArgumentParser(description=description)
    for name in ("train", "images", "out"):
        options.add_argument(name, type=Path)
    options.add_argument("--seed", type=int, default=0)
    return options


def training_frames(train: Path) -> list[Frame]:
    """Image and labels, both (y, x), of each frame."""
    labels = sorted((train / "labelsTr").iterdir())
    return [(imread(train / "imagesTr" / f"{file.stem}_0000{file.suffix}"), imread(file)) for file in labels]


def label_images(arguments: argparse.Namespace, train: Callable[[list[Frame]], Predict]) -> None:
    """Train, label every image, and print the seconds that each took; files are read outside of both."""
    frames = training_frames(arguments.train)
    start = time.perf_counter()
    predict = train(frames)
    trained_s = time.perf_counter() - start
    arguments.out.mkdir(exist_ok=True)
    predicted_s = [_label(predict, image, arguments.out / f"{name}.png") for name, image in _images(arguments.images)]
    print(json.dumps({"train_s": trained_s, "predict_s": float(np.mean(predicted_s))}))


def _images(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    for file in sorted(folder.iterdir()):
        yield file.stem.removesuffix("_0000"), imread(file)


def _label(predict: Predict, image: NDArray[Any], target: Path) -> float:
    start = time.perf_counter()
    labels = predict(image)
    seconds = time.perf_counter() - start
    imsave(target, labels.astype(np.uint8), check_contrast=False)
    return seconds
