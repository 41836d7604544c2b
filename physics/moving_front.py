"""One reaction step's front on a pixel grid: how fast it goes at each of its pixels, and what stands in its way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .driving_force import expansion_work_ev
from .growth_shapes import TwoAxes, two_axes_speed
from .interface_kinetics import marcus_hush_chidsey
from .level_set import LevelSet
from .resistance import cost_v_s_nm, drive_in_series_ev
from .stress import GEOMETRIES, GeometryName, front_stress_gpa, log_swelling
from .units import BOLTZMANN_EV_K

__all__ = ["Body", "Growth", "MovingFront", "Step"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEVELS = 512
_HEADROOM_EV = 1e-3


@dataclass(frozen=True)
class Growth:
    """Speeds by direction; their geometric mean along both axes is 1.

    Attributes:
        form: Shape that a front grows into from a point.
        ratio: Speed along the first axis over that along the second.
        angle_deg: First axis, from x towards y.
    """

    form: TwoAxes
    ratio: float
    angle_deg: float = 0.0

    def speed(self, normal_y: Floats, normal_x: Floats) -> Floats:
        """Relative speed of a front with that normal."""
        angle = np.arctan2(normal_y, normal_x) - np.radians(self.angle_deg)
        return two_axes_speed(self.form, angle, self.ratio**0.5, self.ratio**-0.5)


@dataclass(frozen=True)
class Step:
    """One step of the reaction.

    Attributes:
        exchange_nm_s: v0, exchange speed of the front.
        overpotential_v: n, equilibrium potential of the step against the alkali metal plus the bias on the sample.
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
        expansion: beta, volume after over volume before.
        yield_gpa: Y, of what this step makes; 0 leaves mechanics out.
        geometry: Of a front that ends on free edges.
        core_geometry: Of a front around a closed core; None takes `geometry` there too.
        assistance: chi, where a geometry is assisted and its front as concave as can be.
        strain_share: s, share of the work against stress that is due before the transition state; 0 to 1.
        reorganisation_ev: lambda, of Marcus, Hush and Chidsey's kinetics.
        conductivity_s_m: sigma, of what this step makes.
        delay_s: Earliest time at which the step may begin.
        growth: Speeds by direction; None where there is no difference.
    """

    exchange_nm_s: float
    overpotential_v: float
    host_volume_nm3: float
    ions: float
    expansion: float = 1.0
    yield_gpa: float = 0.0
    geometry: GeometryName = "flake"
    core_geometry: GeometryName | None = None
    assistance: float = 0.0
    strain_share: float = 0.0
    reorganisation_ev: float = 0.5
    conductivity_s_m: float = np.inf
    delay_s: float = 0.0
    growth: Growth | None = None


@dataclass(frozen=True)
class Body:
    """The particle.

    Attributes:
        inside: Shape (y, x).
        contact: Where ions enter: pixels beside the body or in it, shape (y, x).
        pixel_size_nm: Edge of a pixel.
        pace: Relative speed at each place, above 0, shape (y, x): pinning, or a surface that conducts better than the
            bulk; None is 1.
    """

    inside: Mask
    contact: Mask
    pixel_size_nm: float
    pace: Floats | None = None


class MovingFront:
    """A front with its level set, cores and bends.

    Args:
        body: The particle.
        step: What happens at the front.
        temperature_k: T.
        path_nm: L, by which ions come to each pixel, shape (y, x).
        depth_nm: Largest distance in the body from its outline.

    Attributes:
        highest_ev: A drive that is never reached.
        stress_gpa: Compression at each pixel near the front, shape (n,).
        length_px: Length of front that each pixel near it stands for, shape (n,).
    """

    def __init__(self, body: Body, step: Step, temperature_k: float, path_nm: Floats, depth_nm: float) -> None:
        self.step, self.level = step, LevelSet(body.inside, body.contact)
        self._inside, self._edge = body.inside, body.inside & ~ndimage.binary_erosion(body.inside)
        self._heat = BOLTZMANN_EV_K * temperature_k
        self._pace = None if body.pace is None else body.pace.ravel()
        self._width_px = depth_nm / body.pixel_size_nm
        self._cost = None
        if np.isfinite(step.conductivity_s_m):
            cost = cost_v_s_nm(step.host_volume_nm3, step.ions, path_nm=path_nm, conductivity_s_m=step.conductivity_s_m)
            self._cost = np.nan_to_num(cost).ravel()
        most_tension = (1.0 + step.assistance) * step.yield_gpa
        self.highest_ev = max(step.overpotential_v, 0.0) + abs(float(self._work_ev(most_tension))) + _HEADROOM_EV
        self._drives = np.linspace(0.0, self.highest_ev, _LEVELS)
        self._speeds = marcus_hush_chidsey(self._drives, step.reorganisation_ev, temperature_k)
        self.stress_gpa: Floats
        self.length_px: Floats
        self.look()

    def look(self) -> None:
        """Find distances, cores and bends anew."""
        self.level.renew()
        near, step = self.level.near, self.step
        self._work, self.stress_gpa = np.zeros(near.size), np.zeros(near.size)
        if not near.size or not step.yield_gpa:
            return
        assistance = step.assistance * self._bend()
        self.stress_gpa = self.stress_gpa + front_stress_gpa(GEOMETRIES[step.geometry], step.yield_gpa, 0, assistance)
        if step.core_geometry is not None:
            closed, log_ratio = self._cores(GEOMETRIES[step.core_geometry].dimension)
            pressed = front_stress_gpa(GEOMETRIES[step.core_geometry], step.yield_gpa, log_ratio)
            self.stress_gpa = np.where(closed, pressed, self.stress_gpa)
        self._work = self._work_ev(self.stress_gpa)

    def drive_ev(self, lost_v: float, only: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Drive that is left at pixels near the front when the contact has taken its share.

        Args:
            lost_v: Potential lost at the contact.
            only: Which of the pixels near the front.
        """
        available = np.maximum(self.step.overpotential_v - lost_v - self._work[only], 0.0)
        if self._cost is None:
            return available
        burden = self._cost[self.level.near[only]] * self._exchange[only]
        return drive_in_series_ev(self._kinetics, burden, available)

    def turn(self) -> Floats:
        """Take up slope, directions and lengths of the front as they are now; returns |grad phi|, shape (n,)."""
        slope, slope_y, slope_x = self.level.gradient()
        self.length_px = self.level.lengths(slope_y, slope_x)
        self._exchange = self.step.exchange_nm_s * np.exp(-self.step.strain_share * self._work / self._heat)
        if self._pace is not None:
            self._exchange = self._exchange * self._pace[self.level.near]
        if self.step.growth is not None:
            self._exchange = self._exchange * self.step.growth.speed(slope_y, slope_x)
        return slope

    def speed_nm_s(self, lost_v: float, only: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Speed at pixels near the front, as `drive_ev`."""
        return self._exchange[only] * self._kinetics(self.drive_ev(lost_v, only))

    def _kinetics(self, drive_ev: Floats) -> Floats:
        return np.interp(drive_ev, self._drives, self._speeds)

    def _work_ev(self, stress_gpa: Floats | float) -> Floats:
        return expansion_work_ev(self.step.expansion, self.step.host_volume_nm3, self.step.ions, stress_gpa)

    def _bend(self) -> Floats:
        """tanh(l kappa) at each pixel near the front: towards 1 where it lags behind its neighbours, or else 0."""
        if not GEOMETRIES[self.step.geometry].assisted:
            return np.zeros(self.level.near.size)
        scale = max(self._width_px / 4, 1.0)
        known = self.level.domain.astype(float)
        smooth = ndimage.gaussian_filter(np.where(self.level.domain, self.level.phi, 0.0), scale, truncate=3)
        smooth = smooth / np.maximum(ndimage.gaussian_filter(known, scale, truncate=3), 1e-6)
        bent = -ndimage.laplace(smooth, mode="nearest").ravel()[self.level.near]
        return np.asarray(np.tanh(self._width_px * np.maximum(bent, 0.0)))

    def _cores(self, dimension: int) -> tuple[Mask, Floats]:
        """Whether the host ahead of each pixel is closed in on all sides, and ln(b/a) of its core."""
        host = (self.level.phi >= 0) & self._inside
        cores, count = ndimage.label(host)
        if count == 0:
            return np.zeros(self.level.near.size, bool), np.zeros(self.level.near.size)
        owner = np.ones_like(cores)
        if count > 1:
            owner = cores[tuple(ndimage.distance_transform_edt(~host, return_distances=False, return_indices=True))]
        left_px = np.bincount(cores.ravel(), np.clip(self.level.phi + 0.5, 0, 1).ravel(), count + 1)
        body_px = np.bincount(owner[self._inside], minlength=count + 1)
        closed = np.ones(count + 1, bool)
        closed[np.unique(cores[self._edge & host])] = False
        share = np.clip(left_px / np.maximum(body_px, 1), 1e-12, 1.0) ** (dimension / 2)
        mine = owner.ravel()[self.level.near]
        return closed[mine], log_swelling(self.step.expansion, share, dimension)[mine]
