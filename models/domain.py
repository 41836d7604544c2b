"""Whether a frame looks like anything that a model was trained on.

A network answers for a photograph, too, and with confidence. So a frame is described by numbers that do not depend on
what the network makes of it, and two judges look at them: how far off the nearest of the frames trained on are (Sun
et al. 2022, arXiv:2204.06507), and a small network that was shown foreign images, too (outlier exposure: Hendrycks et
al. 2019, arXiv:1812.04606). The first knows nothing of what else there is, the second only of what it was shown; the
worse verdict counts.
"""

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.filters import threshold_otsu

from ionfront.core import UsageError
from ionfront.datasets import block_means, without_gaps

from .median import median_of_nine

__all__ = ["Domain", "description", "scaled_description"]

Floats = NDArray[np.float64]

_LEAST_PX = 32
_EDGE_PX = 256  # a frame is looked at when its shorter edge has been reduced to this or up to twice as much
_LEVELS = 6
_CLIP = 5.0  # standard deviations
_NEIGHBOUR = 6
_FLOOR = 1e-4


class Domain(BaseModel):
    """Where the frames end that a model was trained on.

    Attributes:
        mean: Of each number of a description, over frames trained on.
        scale: Their standard deviations.
        known: Scaled descriptions of frames trained on, one a row.
        hidden: Weights of a small network from a scaled description to hidden units, one unit a row, the offset last.
        output: Its weights from the hidden units to how foreign an image is.
        usual: Of the two judges' scores, the medians over frames that neither was fitted to.
        limits: The scores that a stated share of those frames exceeds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    known: tuple[tuple[float, ...], ...]
    hidden: tuple[tuple[float, ...], ...]
    output: tuple[float, ...]
    usual: tuple[float, float]
    limits: tuple[float, float]

    def strangeness(self, frame: ArrayLike) -> float:
        """How unlike the frames trained on a frame (y, x) is: 0 is usual, over 1 is foreign.

        Raises:
            UsageError: An edge is under 32 px.
        """
        scores = self.scores(description(frame)[None])[0]
        usual, limits = np.asarray(self.usual), np.asarray(self.limits)
        return float(np.max((scores - usual) / (limits - usual)))

    def scores(self, described: Floats) -> Floats:
        """What the two judges say of descriptions (m, n), shape (m, 2); more is stranger."""
        mean, scale, hidden, output = self._arrays
        scaled = scaled_description(described, mean, scale)
        nearest = self._tree.query(scaled, k=[min(_NEIGHBOUR, len(self.known))])[0][:, 0]
        units = np.tanh(scaled @ hidden[:, :-1].T + hidden[:, -1])
        return np.stack([nearest, units @ output], axis=-1)

    @cached_property
    def _arrays(self) -> tuple[Floats, ...]:
        return tuple(np.asarray(part) for part in (self.mean, self.scale, self.hidden, self.output))

    @cached_property
    def _tree(self) -> Any:
        return cKDTree(np.asarray(self.known))


def scaled_description(described: Floats, mean: Floats, scale: Floats) -> Floats:
    """Descriptions in standard deviations from the mean; a number out of all proportion is not to decide alone."""
    return np.asarray(np.clip((described - mean) / scale, -_CLIP, _CLIP))


def description(frame: ArrayLike) -> Floats:
    """Numbers that tell kinds of images apart, whatever their grey scale and exposure, shape (n,).

    Args:
        frame: Grey values of any real type, shape (y, x), no edge under 32 px; pixels without data (NaN, infinite) hold
            the median of the others.

    Raises:
        UsageError: An edge is under 32 px.
    """
    pixels = np.asarray(frame)
    if min(pixels.shape) < _LEAST_PX:
        raise UsageError(f"a frame of {pixels.shape} px is too small to tell its kind; {_LEAST_PX} px are needed.")
    view = _view(without_gaps(pixels))
    levels, bands = _pyramid(view)
    numbers = (
        *_grey_values(view),
        *_scales(bands),
        *_noise_by_brightness(view, bands[0]),
        *(number for level in levels[1:4] for number in _directions(level)),
        *_symmetry(levels[2]),
        *_periods(view),
        *_lines(view, float(bands[0].std())),
        *_bodies(levels[2]),
    )
    return np.nan_to_num(np.asarray(numbers, np.float64))


def _view(frame: NDArray[np.generic]) -> Floats:
    """The frame reduced by means of blocks, its first to 99th percentile between 0 and 1."""
    factor = max(1, min(frame.shape) // _EDGE_PX)
    rows, columns = (length // factor * factor for length in frame.shape)
    view = np.asarray(block_means(frame[:rows, :columns], factor), np.float64)
    low, high = np.percentile(view, (1, 99))
    return _without_hot_pixels(np.clip((view - low) / max(high - low, 1e-12), -0.5, 1.5))


def _without_hot_pixels(view: Floats) -> Floats:
    around = median_of_nine(view)
    apart = view - around
    limit = 6 * float(np.median(np.abs(apart)))
    return np.asarray(around + np.clip(apart, -limit, limit))


def _pyramid(view: Floats) -> tuple[list[Floats], list[Floats]]:
    """Views of half, a quarter, … of the size, and what each has lost to the next (Burt & Adelson 1983)."""
    levels, bands = [view], []
    for _ in range(_LEVELS):
        low = np.asarray(ndimage.gaussian_filter(levels[-1], 1.0))
        bands.append(levels[-1] - low)
        levels.append(low[::2, ::2] if min(low.shape) >= 16 else low)
    return levels, bands


def _grey_values(view: Floats) -> list[float]:
    scaled = (view - view.mean()) / (view.std() + 1e-6)
    quantiles = np.percentile(view, (5, 25, 50, 75, 95))
    return [*quantiles, view.std(), np.mean(np.tanh(scaled)), np.mean(np.exp(-np.square(scaled)))]


def _scales(bands: list[Floats]) -> list[float]:
    """Strength of each band, how rare its strong values are, and how strength goes with scale."""
    strengths = [float(band.std()) + _FLOOR for band in bands]
    numbers: list[float] = []
    for band, strength in zip(bands, strengths, strict=True):
        half, most, nearly_all = np.percentile(np.abs(band), (50, 90, 99)) + _FLOOR
        numbers += [np.log(strength), np.log(most / half), np.log(nearly_all / most)]
    return [*numbers, *np.diff(np.log(strengths))]


def _noise_by_brightness(view: Floats, finest: Floats) -> list[float]:
    """Counted electrons are noisier where there are more of them."""
    smooth = ndimage.gaussian_filter(view, 2.0)
    edges = np.percentile(smooth, (0, 33, 67, 100))
    thirds = [(smooth >= low) & (smooth <= high) for low, high in pairwise(edges)]
    dark, grey, bright = (np.log(np.median(np.abs(finest[third])) + _FLOOR) for third in thirds)
    return [grey - dark, bright - grey]


def _directions(level: Floats) -> list[float]:
    """How much edges keep to one direction, and to two at right angles."""
    gradient_y, gradient_x = np.gradient(level)
    edge = gradient_x + 1j * gradient_y
    power = np.square(np.abs(edge)) + 1e-9
    return [float(np.abs((edge**2).sum()) / power.sum()), float(np.abs((edge**4 / power).sum()) / power.sum())]


def _symmetry(level: Floats) -> list[float]:
    """Likeness to itself turned by 180 degrees, and to rings: diffraction patterns have both."""
    centred = level - level.mean()
    power = float(np.square(centred).mean()) + 1e-6
    y, x = np.mgrid[: level.shape[0], : level.shape[1]]
    ring = np.hypot(y - level.shape[0] / 2, x - level.shape[1] / 2).astype(int)
    around = ndimage.mean(centred, ring, np.arange(ring.max() + 1))[ring]
    return [float((centred * centred[::-1, ::-1]).mean()) / power, float(np.square(around).mean()) / power]


def _periods(view: Floats) -> list[float]:
    """How much of the spectrum, but for its lowest part, lies in its highest peaks."""
    window = np.outer(np.hanning(view.shape[0]), np.hanning(view.shape[1]))
    spectrum = np.square(np.abs(np.fft.rfft2((view - view.mean()) * window)))
    frequency = np.hypot(np.fft.fftfreq(view.shape[0])[:, None], np.fft.rfftfreq(view.shape[1])[None, :])
    fine = spectrum[frequency > 0.03] + 1e-12
    peaks = np.partition(fine, -10)[-10:]
    return [np.log(fine.max() / fine.mean()), np.log(peaks.sum() / fine.sum())]


def _lines(view: Floats, finest: float) -> list[float]:
    """Means over rows and over columns that jump: text, screens."""
    means = (view.mean(axis=0), view.mean(axis=1))
    jumps = [np.std(mean - ndimage.gaussian_filter1d(mean, 3.0)) for mean in means]
    return [np.log(jump / (finest + _FLOOR) + 1e-3) for jump in jumps]


def _bodies(level: Floats) -> list[float]:
    """How well two shades describe the image (Otsu 1979), and how compact what has them is."""
    bright = level > threshold_otsu(level, nbins=64)
    share = float(bright.mean())
    apart = level[bright].mean() - level[~bright].mean() if 0 < share < 1 else 0.0
    outline = np.log((bright ^ ndimage.binary_erosion(bright)).sum() + 1.0)
    between = share * (1 - share) * apart**2
    return [between / (level.var() + 1e-6), outline, *_pieces(bright), *_pieces(~bright)]


def _pieces(mask: NDArray[np.bool_]) -> list[float]:
    labels, count = ndimage.label(mask)
    largest = np.bincount(labels.ravel())[1:].max() if count else 0
    return [float(mask.mean()), np.log1p(count), largest / max(int(mask.sum()), 1)]
