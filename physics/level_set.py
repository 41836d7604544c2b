"""A front as the zero of a level that falls with time: phi_t + F |grad phi| = 0, phi < 0 where it has been.

S. Osher and J. A. Sethian, J. Comput. Phys. 79 (1988) 12, doi:10.1016/0021-9991(88)90002-2, with Godunov's upwind
differences, on the pixels near the front only; phi is made a distance again before the front leaves them.
"""

import numpy as np
import skfmm
from numpy.typing import NDArray

__all__ = ["LevelSet"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

_BAND_PX = 5.0
_LEAVES_AFTER_PX = 1.0


class LevelSet:
    """One front on a pixel grid; lengths in pixels.

    Beyond the body the front goes on as it meets the edge, so that it slides along free edges.

    Args:
        inside: The body, shape (y, x).
        source: Where the front sets out, shape (y, x), inside or beside the body; half a pixel beyond its pixels phi
            is zero.

    Attributes:
        domain: Body and source, shape (y, x).
        phi: Level, shape (y, x): about the distance from the front, negative behind it.
        near: Flat indices of the pixels near the front, shape (n,).
    """

    def __init__(self, inside: Mask, source: Mask) -> None:
        self.domain = inside | source
        self._body, self._source = np.flatnonzero(inside), source.ravel()
        self._neighbours = _neighbours(self.domain)
        self.phi = np.where(source, -0.5, 0.5)
        self._moved = 0.0
        self.near: Indices
        self.renew()

    def renew(self) -> None:
        """Make phi the distance from the front again, and find the pixels near it."""
        if (self.phi[self.domain] < 0).all():
            self.near = np.empty(0, np.intp)
            return
        level = np.ma.MaskedArray(self.phi, ~self.domain)
        try:
            distance = skfmm.distance(level, narrow=_BAND_PX)
        except ValueError:  # no zero left that a distance could be counted from
            self.near = np.empty(0, np.intp)
            return
        beyond = np.where(self.phi < 0, -_BAND_PX, _BAND_PX)
        self.phi = np.where(np.ma.getmaskarray(distance), beyond, np.ma.filled(distance, 0.0))
        self.near = np.flatnonzero((np.abs(self.phi) < _BAND_PX) & self.domain)
        self._moved = 0.0

    def gradient(self) -> tuple[Floats, Floats, Floats]:
        """|grad phi| by upwind differences, and grad phi (y, x), which points into the host; shape (n,) each.

        A source has nothing behind it to take differences to; phi is a distance there.
        """
        flat = self.phi.ravel()
        here = flat[self.near]
        up, down, left, right = (flat[side[self.near]] for side in self._neighbours)
        upwind_y = np.maximum(np.maximum(here - up, here - down), 0.0)
        upwind_x = np.maximum(np.maximum(here - left, here - right), 0.0)
        source = self._source[self.near]
        slope_y, slope_x = (down - up) / 2, (right - left) / 2
        short = np.where(source, np.maximum(np.hypot(slope_y, slope_x), 1e-9), 1.0)
        upwind = np.where(source, 1.0, np.hypot(upwind_y, upwind_x))
        return upwind, slope_y / short, slope_x / short

    def lengths(self, slope_y: Floats, slope_x: Floats) -> Floats:
        """Length of front [px] that each of the pixels near it stands for, shape (n,).

        B. Engquist, A.-K. Tornberg and R. Tsai, J. Comput. Phys. 207 (2005) 28, doi:10.1016/j.jcp.2004.09.018: a hat
        as wide as the pixel is along the normal adds up to the length whichever way the front lies.

        Args:
            slope_y, slope_x: Of `gradient`.
        """
        slope = np.hypot(slope_y, slope_x)
        wide = np.maximum(np.abs(slope_y) + np.abs(slope_x), 1.0)
        return np.asarray(slope * np.maximum(1 - np.abs(self.phi.ravel()[self.near]) / wide, 0.0) / wide)

    def behind(self) -> Floats:
        """Share of each pixel of the body that the front has passed, shape (body's pixels,)."""
        return np.asarray(np.clip(0.5 - self.phi.ravel()[self._body], 0.0, 1.0))

    def advance(self, slope: Floats, speed: Floats, step: float, ahead: Floats | None = None) -> tuple[Indices, Floats]:
        """Move the front.

        Args:
            slope: |grad phi|, of `gradient`.
            speed: F [px per unit of time], 0 or more, shape (n,).
            step: Time; the front must not go further than half a pixel.
            ahead: Level of a front that this one must stay behind, shape (y, x).

        Returns:
            Flat indices of the pixels that it reached, and when within the step.
        """
        flat = self.phi.reshape(-1)
        before = flat[self.near]
        fall = step * speed * slope
        after = before - fall
        if ahead is not None:
            after = np.maximum(after, ahead.ravel()[self.near])
        flat[self.near] = after
        reached = (before >= 0) & (after < 0)
        self._moved += float(step * speed.max(initial=0.0))
        return self.near[reached], step * before[reached] / np.maximum(fall[reached], 1e-12)

    @property
    def leaving(self) -> bool:
        """Whether the front may soon leave the pixels near it: call `renew`."""
        return self._moved > _LEAVES_AFTER_PX


def _neighbours(domain: Mask) -> tuple[Indices, Indices, Indices, Indices]:
    """Flat index of the pixel above, below, left and right of each; of itself where that is not in the domain."""
    here = np.arange(domain.size, dtype=np.intp).reshape(domain.shape)
    sides = []
    for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
        there = np.roll(here, shift, axis)
        inside = np.roll(domain, shift, axis)
        edge = [slice(None), slice(None)]
        edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
        inside[tuple(edge)] = False
        sides.append(np.where(inside, there, here).ravel())
    return sides[0], sides[1], sides[2], sides[3]
