"""Stage drift, from what the reaction does not change: the particle's silhouette.

Phase contrast inside the particle changes as the front passes; its outline hardly does. The outline of
each frame is matched with the mean of the first aligned ones by upsampled cross-correlation
(Guizar-Sicairos 2008, doi:10.1364/OL.33.000156), as scikit-image does it. Silhouettes are band-passed
first: a swollen silhouette contains the first one wherever it is put, so plain ones match equally well
over the whole swelling, while band-passed outlines match best when they are concentric.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.registration import phase_cross_correlation

__all__ = ["DriftCorrector"]

Floats = NDArray[np.float32]

_LARGEST_SIDE_PX = 512  # of the silhouettes that are matched; sub-pixel matching makes up for the binning
_REFERENCE_FRAMES = 10
_BAND_PX = (2.0, 6.0)  # standard deviations of the two Gaussians whose difference keeps the outline


class DriftCorrector:
    """Finds the drift of each frame against the first ones and takes it out.

    Args:
        background: Index of the phase outside the particle; None leaves frames as they are.
    """

    def __init__(self, background: int | None) -> None:
        self._background = background
        self._reference: Floats | None = None
        self._seen = 0
        self.drift_px: list[tuple[float, float]] = []

    def align(self, probabilities: Floats) -> Floats:
        """Phase probabilities, shape (phase, y, x), shifted to where the first frame saw them."""
        if self._background is None:
            self.drift_px.append((0.0, 0.0))
            return probabilities
        factor = max(1, -(-max(probabilities.shape[1:]) // _LARGEST_SIDE_PX))
        outline = _outline(block_reduce(1 - probabilities[self._background], factor, np.mean))
        drift = self._drift(outline) * factor
        self._update_reference(outline, drift / factor)
        self.drift_px.append((float(drift[0]), float(drift[1])))
        return _shifted(probabilities, -drift)

    def skip(self) -> None:
        """Note a frame that shows nothing: it is taken to lie where the one before it lay."""
        self.drift_px.append(self.drift_px[-1] if self.drift_px else (0.0, 0.0))

    def _drift(self, outline: Floats) -> NDArray[np.float64]:
        if self._reference is None or not (self._reference.any() and outline.any()):
            return np.zeros(2)
        shift, _, _ = phase_cross_correlation(self._reference, outline, upsample_factor=20, normalization=None)
        return -np.asarray(shift, float)

    def _update_reference(self, outline: Floats, drift: NDArray[np.float64]) -> None:
        if self._seen >= _REFERENCE_FRAMES:
            return
        aligned = ndimage.shift(outline, -drift, order=1, mode="nearest")
        previous = np.zeros_like(aligned) if self._reference is None else self._reference
        self._reference = (previous * self._seen + aligned) / (self._seen + 1)
        self._seen += 1


def _outline(silhouette: Floats) -> Floats:
    narrow, wide = (ndimage.gaussian_filter(silhouette, sigma, mode="nearest") for sigma in _BAND_PX)
    return np.asarray(narrow - wide)


def _shifted(probabilities: Floats, shift: NDArray[np.float64]) -> Floats:
    if np.abs(shift).max() < 0.02:
        return probabilities
    return np.stack([ndimage.shift(plane, shift, order=1, mode="nearest") for plane in probabilities])
