"""Stage drift, from what the reaction does not change: the particle's silhouette.

Phase contrast inside the particle changes as the front passes; its outline hardly does. The outline of
each frame is matched with the mean of the first aligned ones by upsampled cross-correlation
(Guizar-Sicairos 2008, doi:10.1364/OL.33.000156), as scikit-image does it. Silhouettes are band-passed
first: a swollen silhouette contains the first one wherever it is put, so plain ones match equally well
over the whole swelling, while band-passed outlines match best when they are concentric.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.registration import phase_cross_correlation

from ionfront.core import side_by_side
from ionfront.datasets.shift import shifted

from .series import Series

__all__ = ["DriftCorrector", "Match", "Outline", "shift_error_px"]

Floats = NDArray[np.float32]

_LARGEST_SIDE_PX = 512  # of the silhouettes that are matched; sub-pixel matching makes up for the binning
_REFERENCE_FRAMES = 10
_BAND_PX = (2.0, 6.0)  # standard deviations of the two Gaussians whose difference keeps the outline
_CUT_OFF = 4.0  # of the Gaussians, in standard deviations
_STEPS_PER_PX = 20  # of the search
_BLOCKS_PX = (32, 16)  # what an outline has wrong in one such square says little of the next: widths of the band
_FEWEST_BLOCKS = 5  # that hold an outline, in effect; a small one is cut into smaller squares


@dataclass(frozen=True)
class Match:
    """A frame laid where the first ones saw it.

    Attributes:
        probabilities: Of the phases, shape (phase, y, x), shifted.
        drift_px: (y, x); None where the frame shows nothing to match, and is left as it is.
        error_px: Its standard errors, (y, x); NaN where too little tells.
        outline: The aligned outline, which the first frames add to the reference.
    """

    probabilities: Floats
    drift_px: NDArray[np.float64] | None
    error_px: NDArray[np.float64] = field(default_factory=lambda: np.full(2, np.nan))
    outline: Floats | None = None


@dataclass(frozen=True)
class Outline:
    """What frames are matched with.

    Attributes:
        background: Index of the phase outside the particle; None leaves frames as they are.
        reference: Mean outline of the first frames; None before there is one.
    """

    background: int | None
    reference: Floats | None = None

    def match(self, probabilities: Floats) -> Match:
        """Shift phase probabilities, shape (phase, y, x), to where the first frames saw them."""
        if self.background is None:
            return Match(probabilities, np.zeros(2))
        factor = max(1, -(-max(probabilities.shape[1:]) // _LARGEST_SIDE_PX))
        outline = _outline(block_reduce(1 - probabilities[self.background], factor, np.mean))
        if not outline.any():
            return Match(probabilities, None)
        drift = self._drift(outline)
        aligned = shifted(outline, -drift)
        error = np.zeros(2) if self.reference is None else shift_error_px(self.reference, aligned)
        return Match(_shifted(probabilities, -drift * factor), drift * factor, error * factor, aligned)

    def _drift(self, outline: Floats) -> NDArray[np.float64]:
        if self.reference is None or not (self.reference.any() and outline.any()):
            return np.zeros(2)
        shift, _, _ = phase_cross_correlation(
            self.reference, outline, upsample_factor=_STEPS_PER_PX, normalization=None
        )
        return -np.asarray(shift, float)


class DriftCorrector:
    """Finds the drift of each frame against the first ones and takes it out.

    Args:
        background: Index of the phase outside the particle; None leaves frames as they are.

    Attributes:
        drift_px: (y, x) of each frame so far, shape (n, 2).
        error_px: Their standard errors; NaN where a frame shows nothing to match, or too little to tell.
    """

    def __init__(self, background: int | None) -> None:
        self._background = background
        self._reference: Floats | None = None
        self._seen = 0
        self._drifts, self._errors = Series(2), Series(2)

    @property
    def drift_px(self) -> NDArray[np.float64]:
        return self._drifts.rows

    @property
    def error_px(self) -> NDArray[np.float64]:
        return self._errors.rows

    @property
    def outline(self) -> Outline:
        """What the next frame is to be matched with."""
        return Outline(self._background, self._reference)

    @property
    def settled(self) -> bool:
        """Whether that stays as it is, whatever comes."""
        return self._background is None or self._seen >= _REFERENCE_FRAMES

    def note(self, match: Match | None) -> None:
        """Keep what was found of the next frame; one that shows nothing is taken to lie where the one before it lay."""
        if match is None or match.drift_px is None:
            self._drifts.append(self._drifts.last if len(self._drifts) else np.zeros(2))
            self._errors.append(np.full(2, np.nan))
            return
        self._drifts.append(match.drift_px)
        self._errors.append(match.error_px)
        if match.outline is not None and self._seen < _REFERENCE_FRAMES:
            previous = np.zeros_like(match.outline) if self._reference is None else self._reference
            self._reference = np.asarray((previous * self._seen + match.outline) / (self._seen + 1), np.float32)
            self._seen += 1

    def thinned(self, every: int) -> "DriftCorrector":
        """What was found so far, in pixels that are so many times larger."""
        thin = DriftCorrector(None)
        thin._drifts, thin._errors = self._drifts.divided(every), self._errors.divided(every)
        return thin


def shift_error_px(reference: Floats, aligned: Floats) -> NDArray[np.float64]:
    """Standard errors (y, x) of the shift that laid one picture, shape (y, x), over another; NaN with few edges.

    Least squares with residuals that are alike within a block, and a correction for few blocks: the jackknife-like
    CR3 of Bell and McCaffrey (2002). What swelling or a changed contrast leaves counts as residual too.
    """
    y, x = np.gradient(reference)
    left = aligned - reference
    products = np.stack([y * y, x * y, y * x, x * x, y * left, x * left])
    for block_px in _BLOCKS_PX:
        blocks = block_reduce(products, (1, block_px, block_px), np.sum).reshape(6, -1).astype(float).T
        held = blocks[:, 0] + blocks[:, 3]
        if held.any() and held.sum() ** 2 >= _FEWEST_BLOCKS * np.square(held).sum():
            return _jackknifed(blocks)
    return np.full(2, np.nan)


def _jackknifed(blocks: Floats) -> NDArray[np.float64]:
    """From the sums of each block, shape (block, 6): its part of the curvature, row by row, and of the score."""
    curvature, score = blocks[:, :4].reshape(-1, 2, 2), blocks[:, 4:, None]
    total = curvature.sum(axis=0)
    shifts = np.linalg.solve(total, np.linalg.pinv(np.eye(2) - curvature @ np.linalg.inv(total)) @ score)[..., 0]
    return np.asarray(np.sqrt((shifts**2).sum(axis=0) + 1 / (12 * _STEPS_PER_PX**2)))


def _outline(silhouette: Floats) -> Floats:
    """The band of a silhouette (y, x); its upper and its lower half are worked out side by side."""
    around, height = math.ceil(_CUT_OFF * max(_BAND_PX)), len(silhouette)

    def band(rows: tuple[int, int]) -> Floats:
        first, end = rows
        above = min(first, around)
        part = silhouette[first - above : end + around]
        narrow, wide = (ndimage.gaussian_filter(part, width, mode="nearest", truncate=_CUT_OFF) for width in _BAND_PX)
        return np.asarray((narrow - wide)[above : above + end - first])

    return np.concatenate(side_by_side(band, [(0, height // 2), (height // 2, height)]))


def _shifted(probabilities: Floats, shift: NDArray[np.float64]) -> Floats:
    if np.abs(shift).max() < 0.02:
        return probabilities
    return shifted(probabilities, shift)
