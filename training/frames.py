"""What training and evaluation ask of labelled frames, whoever holds them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ionfront.core import PhaseScheme

__all__ = ["IGNORE", "Frame", "Image", "Label", "Labelled"]

IGNORE = 255
"""Label id of pixels that nobody labelled, inside this room; a data set's own `ignore_label` becomes this."""

Image = NDArray[np.generic]
Label = NDArray[np.uint8]


class Frame(Protocol):
    """One image with its label image."""

    @property
    def name(self) -> str:
        """Stem of the file."""

    @property
    def group(self) -> str:
        """The specimen: splits never cut a group."""

    def load(self) -> tuple[Image, Label]:
        """Grey image (y, x) of any real type, or (2, y, x) with its reference behind it, and label ids (y, x)."""


class Labelled(Protocol):
    """A set of labelled frames with one phase scheme."""

    @property
    def scheme(self) -> PhaseScheme:
        """Names of the label ids."""

    @property
    def ignore_label(self) -> int | None:
        """Label id that counts nowhere."""

    @property
    def frames(self) -> Sequence[Frame]:
        """The frames."""
