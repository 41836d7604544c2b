"""Labels without kinetics: one image, a folder, a labelled data set, or a movie."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.core import MovieError, atomic_output
from ionfront.datasets import likeliest, open_movie, read_labelled
from ionfront.datasets.readers import FRAME_SUFFIXES, image_files, is_image_folder
from ionfront.models import Segmenter, load_segmenter

from .measure import Progress, measure_movie, reference_for

__all__ = ["segment"]

Image = NDArray[np.generic]


def segment(
    source: Path,
    out: Path,
    *,
    model: Path | None = None,
    probabilities: bool = False,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> int:
    """Label every pixel of what `source` holds; returns the number of frames.

    A folder or a labelled data set gives a folder with one label image for each input, same stem and size; an
    image gives a label image; a movie gives an OME-Zarr.

    Args:
        source: Image, movie, folder of images, or data set in the nnU-Net raw layout.
        out: Where the labels go.
        model: ONNX model file; None takes the bundled one.
        probabilities: Also write the probability of each phase, float32 (phase, y, x), beside every label image.
        overwrite: Whether existing output may be replaced.
        progress: Told after every frame.

    Raises:
        MovieError: The source cannot be read, or probabilities of a movie file were asked for.
        ModelFileError: The model cannot be used.
        OutputExistsError: `out` exists.
    """
    segmenter = load_segmenter(model)
    if is_image_folder(source):
        return _segment_folder(source, out, segmenter, probabilities, overwrite, progress)
    movie = open_movie(source)
    if movie.sizes["time"] == 1:
        _segment_image(movie[0].values, out, segmenter, probabilities, overwrite)
        progress(1, 1)
        return 1
    if probabilities:
        raise MovieError(
            f"{source} is a movie of {movie.sizes['time']} frames; probabilities are written for images and folders "
            "only. Split it into a folder of images, or leave --probabilities out."
        )
    with atomic_output(out, overwrite=overwrite) as draft:
        reference, scheme = reference_for(segmenter, movie), segmenter.info.scheme
        measure_movie(movie, segmenter.probabilities, scheme, None, draft, progress, reference=reference)
    return int(movie.sizes["time"])


def _segment_folder(
    source: Path, out: Path, segmenter: Segmenter, probabilities: bool, overwrite: bool, progress: Progress
) -> int:
    images = _named_images(source)
    with atomic_output(out, overwrite=overwrite) as draft:
        draft.mkdir()
        for done, (stem, load) in enumerate(images, start=1):
            path = draft / f"{stem}.png"
            _write_labels(path, segmenter.probabilities(load()), _beside(path) if probabilities else None)
            progress(done, len(images))
    return len(images)


def _segment_image(image: Image, out: Path, segmenter: Segmenter, probabilities: bool, overwrite: bool) -> None:
    with ExitStack() as outputs:
        draft = outputs.enter_context(atomic_output(out, overwrite=overwrite))
        beside = outputs.enter_context(atomic_output(_beside(out), overwrite=overwrite)) if probabilities else None
        _write_labels(draft, segmenter.probabilities(image), beside)


def _named_images(folder: Path) -> list[tuple[str, Callable[[], Image]]]:
    """Stem and loader of every image of a folder or a labelled data set."""
    if (folder / "dataset.json").exists():
        return [(frame.name, _loader_of(frame.image)) for frame in read_labelled(folder).frames]
    return [(path.stem, _loader_of(path)) for path in image_files(folder, FRAME_SUFFIXES)]


def _loader_of(path: Path) -> Callable[[], Image]:
    return lambda: np.asarray(open_movie(path)[0].values)


def _write_labels(path: Path, probabilities: NDArray[np.float32], probabilities_path: Path | None) -> None:
    labels = likeliest(probabilities)
    if path.suffix.lower() in (".tif", ".tiff"):
        tifffile.imwrite(path, labels, compression="zlib")
    else:
        iio.imwrite(path, labels, extension=".png")
    if probabilities_path is not None:
        tifffile.imwrite(probabilities_path, probabilities, compression="zlib", photometric="minisblack")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}_probabilities.tif")
