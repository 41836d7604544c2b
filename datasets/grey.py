"""Pixels that IonFront can work with: one real number each.

Colour becomes luminance, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601-7, section 2.5.1), rounded back to the recorded
type. The weights add up to one, so three equal channels, which is how most programs save a grey micrograph as RGB,
come back as that one channel unchanged.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

__all__ = ["check_dtype", "describe_conversion", "grey_dtype", "is_blanked", "to_grey", "without_gaps"]

_WEIGHTS = np.array([0.299, 0.587, 0.114])


def to_grey(image: NDArray[Any]) -> NDArray[Any]:
    """A frame (y, x) from a frame (y, x) or (y, x, channels): RGB as luminance, alpha dropped, bool as 0 and 1."""
    image = image.astype(grey_dtype(image.dtype), copy=False)
    if image.ndim == 2:
        return image
    if image.shape[-1] < 3:  # grey, or grey with alpha
        return image[..., 0]
    luminance: NDArray[Any] = image[..., :3] @ _WEIGHTS
    grey: NDArray[Any] = luminance if image.dtype.kind == "f" else np.rint(luminance)
    return grey.astype(image.dtype)


def describe_conversion(dtype: np.dtype[Any], channels: int) -> str | None:
    """What `to_grey` does to frames of this type and number of channels; None if nothing."""
    if dtype.kind == "b":
        return "boolean pixels to 0 and 1"
    if channels < 3:
        return "alpha channel dropped" if channels == 2 else None
    dropped = ", alpha dropped" if channels == 4 else ""
    return f"RGB to luminance (ITU-R BT.601; three equal channels stay as they are){dropped}"


def grey_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Type of what `to_grey` gives."""
    return np.dtype("u1") if dtype.kind == "b" else dtype


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse pixels that are no real numbers.

    Raises:
        MovieError: Complex, structured, text or object pixels.
    """
    if dtype.kind == "c":
        raise MovieError(
            f"its pixels are complex ({dtype}), as in a Fourier transform or a reconstructed wave; "
            "save the amplitude or the phase as an image of its own."
        )
    if dtype.kind not in "biuf":
        raise MovieError(f"its pixels are of type {dtype}; integers or floating point numbers are needed.")


def without_gaps(frame: NDArray[Any]) -> NDArray[np.float64]:
    """A frame whose pixels without data (NaN, infinite) hold the median of the others; 0 where there are no others."""
    values = frame.astype(np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, np.median(values[finite]) if finite.any() else 0.0)


def is_blanked(frame: NDArray[Any]) -> bool:
    """Whether a frame holds no measurement at all: every pixel is NaN, or all are alike, as in a dropped frame.

    Movies keep NaN as recorded. A NaN pixel is a pixel without data.
    """
    known = frame[np.isfinite(frame)] if frame.dtype.kind == "f" else frame
    return known.size == 0 or bool((known == known.flat[0]).all())
