"""How many foreign images the domain check catches, and how many usual frames it takes for foreign.

    python benchmarks/foreign_frames.py [--model FILE.onnx] [--sem DIR] [--photographs DIR …] [--diffraction DIR …]

Foreign: photographs and other pictures that scikit-image ships, SEM images of a labelled data set, diffraction
patterns computed by kinematic theory or read from a folder, and noise. Usual: frames of synthetic movies on other seeds
than any that a model was trained on or judged by. None of them took part in fitting the check.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import skimage
from numpy.typing import NDArray

from ionfront.datasets import FamilyName, random_scene, read_labelled
from ionfront.models import Domain, bundled_segmenter, read_info

Image = NDArray[np.float64]

FIRST_SEED = 970_000
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff")
NO_PICTURES = ("lfw", "multipage", "no_time", "chessboard_RGB")  # faces of 25 px, stacks, one picture twice


def main() -> None:
    """Print a row for each kind of image."""
    options = _options()
    domain = read_info(options.model or bundled_segmenter()).domain
    if domain is None:
        raise SystemExit("this model carries no domain: `ionfront train domain` fits one.")
    print("| images | number | called foreign |\n|---|---|---|")
    caught = [_row(domain, name, images) for name, images in _foreign(options)]
    total, hits = (sum(column) for column in zip(*caught, strict=True))
    print(f"| **all foreign** | {total} | {hits / total:.1%} |")
    families: tuple[FamilyName, ...] = ("plain", "wide", "held_out")
    for family in families:
        _row(domain, f"family {family}", _frames(family, options.frames))
    for folder in options.usual:
        _row(domain, f"real frames of {folder.name}", _of_data_set(folder))


def _row(domain: Domain, name: str, images: Iterator[Image]) -> tuple[int, int]:
    strange = [domain.strangeness(image) > 1 for image in images]
    print(f"| {name} | {len(strange)} | {np.mean(strange):.1%} |", flush=True)
    return len(strange), sum(strange)


def _foreign(options: argparse.Namespace) -> Iterator[tuple[str, Iterator[Image]]]:
    yield "pictures of scikit-image", _pictures(Path(skimage.__file__).parent / "data")
    for folder in options.photographs:
        yield f"photographs of {folder.name}", _pictures(folder)
    if options.sem:
        yield f"SEM images of {options.sem.name}", _of_data_set(options.sem)
    yield "noise", _noise(60)
    yield "diffraction patterns, kinematic", _kinematic(60)
    for folder in options.diffraction:
        yield f"diffraction patterns of {folder.name}", _pictures(folder)


def _pictures(folder: Path) -> Iterator[Image]:
    """Every picture of a folder in grey."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(NO_PICTURES):
            picture = np.asarray(iio.imread(path), np.float64)
            yield picture[..., :3].mean(axis=-1) if picture.ndim == 3 else picture


def _of_data_set(folder: Path) -> Iterator[Image]:
    for frame in read_labelled(folder).frames:
        yield np.asarray(frame.load()[0], np.float64)


def _noise(count: int) -> Iterator[Image]:
    """What a camera records with the beam off, on an even film, and through a closed shutter that leaks."""
    for seed in range(count):
        rng = np.random.default_rng([seed, 77])
        shape = tuple(rng.integers(256, 1025, 2))
        match seed % 3:
            case 0:
                yield 100 + rng.normal(0, rng.uniform(1, 10), shape)
            case 1:
                yield rng.poisson(np.exp(rng.uniform(-2, 6)), shape).astype(float)
            case _:
                yield rng.exponential(rng.uniform(1, 50), shape)


def _kinematic(count: int) -> Iterator[Image]:
    """Spot patterns of cubic crystals on a zone axis, with a diffuse background, counted."""
    for seed in range(count):
        rng = np.random.default_rng([seed, 78])
        size = int(rng.integers(256, 513))
        y, x = np.mgrid[:size, :size] - size / 2 + rng.uniform(-10, 10, (2, 1, 1))
        radius = np.hypot(y, x)
        zone = ((1, 0, 0), (1, 1, 0), (1, 1, 1))[seed % 3]
        pattern = 0.3 * np.exp(-radius / rng.uniform(20, 80)) + 0.003
        spacing, turn, width = rng.uniform(14, 30), rng.uniform(0, np.pi), rng.uniform(1.0, 2.5)
        for u, v, strength in _reflections(zone, rng.random() < 0.5):
            cy, cx = spacing * (u * np.sin(turn) + v * np.cos(turn)), spacing * (u * np.cos(turn) - v * np.sin(turn))
            if np.hypot(cy, cx) < size:
                pattern += strength * np.exp(-(np.square(y - cy) + np.square(x - cx)) / (2 * width**2))
        counts = rng.poisson(np.minimum(pattern, 1.0) * np.exp(rng.uniform(4, 9))).astype(float)
        yield np.log1p(counts) if rng.random() < 0.5 else counts


def _reflections(zone: tuple[int, int, int], face_centred: bool) -> Iterator[tuple[float, float, float]]:
    """Places across a zone axis in units of the reciprocal lattice, and intensities, of what is not extinct."""
    axis = np.array(zone, float) / np.linalg.norm(zone)
    first = np.cross(axis, (0, 0, 1) if abs(axis[2]) < 0.9 else (0, 1, 0))
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    for index in np.ndindex(13, 13, 13):
        hkl = np.array(index) - 6
        parities = set((hkl % 2).tolist())
        allowed = len(parities) == 1 if face_centred else hkl.sum() % 2 == 0
        if allowed and hkl @ np.array(zone) == 0:
            yield float(hkl @ first), float(hkl @ second), float(np.exp(-0.06 * (hkl @ hkl)))


def _frames(family: FamilyName, count: int) -> Iterator[Image]:
    for seed in range(count):
        rng = np.random.default_rng(seed)
        scene = random_scene(FIRST_SEED + seed, int(rng.integers(256, 641)), 24, family=family)
        index = scene.lit(int(rng.integers(len(scene))))
        yield np.asarray(scene.frame(index, int(rng.choice([1, 3, 5])))[0], np.float64)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    parser.add_argument("--sem", type=Path, default=None, help="labelled data set of SEM images")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], help="folders of photographs")
    parser.add_argument("--diffraction", type=Path, nargs="*", default=[], help="folders of diffraction patterns")
    parser.add_argument("--usual", type=Path, nargs="*", default=[], help="labelled data sets of TEM frames")
    parser.add_argument("--frames", type=int, default=200, help="synthetic frames of each family")
    return parser.parse_args()


if __name__ == "__main__":
    main()
