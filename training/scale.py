"""How far a network must see: a reduction chosen from the thickness of what is labelled."""

import math
from collections.abc import Iterator

import numpy as np
from scipy.ndimage import distance_transform_edt

from ionfront.datasets import LabelledSet

from .crops import shrunk_label
from .frames import IGNORE, Label

__all__ = ["reduction_for", "thickness_px"]

_CHOICES = (1, 2, 4)
_SEEN_WHOLE_PX = 32.0  # an eighth of what a U-Net of depth 4 sees: both edges of a phase, and what lies beyond
_SIDE_PX = 512


def reduction_for(labelled: LabelledSet) -> int:
    """1, 2 or 4: the smallest at which the thickest phase is seen whole."""
    needed = thickness_px(labelled) / _SEEN_WHOLE_PX
    return next((choice for choice in _CHOICES if choice >= needed), _CHOICES[-1])


def thickness_px(labelled: LabelledSet) -> float:
    """Thickness of the thickest phase but the background [px], the median over frames; 0 where none is bounded.

    Of a phase in a frame, it is twice the distance to pixels of other phases that one in ten of its own exceeds. What
    is not labelled bounds nothing, so that a thin scribble in a thick layer counts as thick.
    """
    found = [list(_in_frame(frame.load_label(), labelled)) for frame in labelled.frames]
    thickest = [max(values) for values in found if values]
    return float(np.median(thickest)) if thickest else 0.0


def _in_frame(label: Label, labelled: LabelledSet) -> Iterator[float]:
    step = math.ceil(max(label.shape) / _SIDE_PX)
    if labelled.ignore_label is not None:
        label = np.where(label == labelled.ignore_label, np.uint8(IGNORE), label)
    small = shrunk_label(label, step)
    for phase in range(1, labelled.scheme.count):
        own, others = small == phase, (small != phase) & (small != IGNORE)
        if own.any() and others.any():
            yield 2 * step * float(np.percentile(distance_transform_edt(~others)[own], 90))
