"""Forward simulator: reaction fronts in the plane of a particle, each step of the reaction with a front of its own.

A front moves along its normal at F = v0 a(n) m(x) f(psi) exp(-s w/kT): exchange speed, direction (`growth_shapes.py`),
place, drive (`interface_kinetics.py`), and the share s of the work against stress that is due before the transition
state. The drive is what the cell's potential n leaves at the front:

    psi = n - R_A I/l - (z e/V_h)(L/sigma) v - w,    I = sum over fronts of the integral of (z e/V_h) v dl

One current I goes through the contact (resistance R_A, length l in the plane), so that the fronts of two steps share
it; the product's resistance counts along the path L by which ions come. The work w is by geometry (`stress.py`): a core
that is closed on all sides by its product is pressed by the shell that grows around it; a front that ends on free
edges is not, and may be helped where its middle lags. Lengths are those of the unreacted particle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from .driving_force import front_current_a_m2
from .marching import travel_cost
from .moving_front import Body, MovingFront, Step
from .units import ROOM_TEMPERATURE_K

__all__ = ["Simulation", "simulate"]

Floats = NDArray[np.float64]

_COURANT = 0.5
_AT_REST = 1e-5  # of the largest speed so far
_M_PER_NM = 1e-9


@dataclass(frozen=True)
class Simulation:
    """What a run gave; n times, k steps of the reaction.

    Attributes:
        arrival_s: When each step's front reached each pixel, shape (k, y, x); NaN where it did not.
        time_s: Shape (n,).
        reacted_nm2: Area that each step has reacted, shape (n, k).
        speed_nm_s: Mean speed along each front, shape (n, k); NaN where there is none.
        stress_gpa: Mean compression at each front, shape (n, k); NaN where there is none.
        drive_ev: Mean drive left at each front, shape (n, k); NaN where there is none.
        current_a_m: Current per length normal to the plane, shape (n,).
    """

    arrival_s: Floats
    time_s: Floats
    reacted_nm2: Floats
    speed_nm_s: Floats
    stress_gpa: Floats
    drive_ev: Floats
    current_a_m: Floats


def simulate(
    body: Body,
    steps: list[Step],
    *,
    contact_ohm_m2: float = 0.0,
    temperature_k: float = ROOM_TEMPERATURE_K,
    until_s: float = np.inf,
) -> Simulation:
    """Run the fronts through a body until all has reacted, all fronts rest, or time is up.

    Args:
        body: The particle.
        steps: Of the reaction, in order; each goes only where the one before has been.
        contact_ohm_m2: R_A, of contact and solid electrolyte, on the outline of the contact that faces the body.
        temperature_k: T.
        until_s: When to stop at the latest.

    Raises:
        ValueError: No body, no step, or no contact in the body or beside it.
    """
    if not body.inside.any() or not steps or not (ndimage.binary_dilation(body.contact) & body.inside).any():
        raise ValueError("a run needs a body, a step, and a contact that touches the body.")
    return _Run(body, steps, contact_ohm_m2, temperature_k).through(until_s)


@dataclass(frozen=True)
class _Moment:
    time_s: float
    current_a_m: float
    reacted_nm2: Floats
    means: Floats  # speed, stress and drive of each front


class _Run:
    def __init__(self, body: Body, steps: list[Step], contact_ohm_m2: float, temperature_k: float) -> None:
        self._pixel, self._contact_ohm_m2 = body.pixel_size_nm, contact_ohm_m2
        path_nm = travel_cost(body.inside, body.contact) * self._pixel
        depth_nm = float(ndimage.distance_transform_edt(np.pad(body.inside, 1)).max()) * self._pixel
        self._fronts = [MovingFront(body, step, temperature_k, path_nm, depth_nm) for step in steps]
        for front in self._fronts:
            front.turn()
        self._contact_px = float(self._fronts[0].length_px.sum())
        self._shape = body.inside.shape
        self._arrival = np.full((len(steps), body.inside.size), np.nan)
        self._arrival[:, (body.contact & body.inside).ravel()] = np.array([[step.delay_s] for step in steps])
        self._time, self._fastest = 0.0, 0.0
        self._moments: list[_Moment] = []

    def through(self, until_s: float) -> Simulation:
        while self._advance(until_s):
            pass
        arrival = np.where(self._arrival <= until_s, self._arrival, np.nan).reshape(len(self._fronts), *self._shape)
        speed, stress, drive = np.stack([moment.means for moment in self._moments], axis=1)
        return Simulation(
            arrival_s=arrival,
            time_s=np.array([moment.time_s for moment in self._moments]),
            reacted_nm2=np.array([moment.reacted_nm2 for moment in self._moments]),
            speed_nm_s=speed,
            stress_gpa=stress,
            drive_ev=drive,
            current_a_m=np.array([moment.current_a_m for moment in self._moments]),
        )

    def _advance(self, until_s: float) -> bool:
        """One step in time; False where nothing is left to happen."""
        slopes = [front.turn() for front in self._fronts]
        started = [front.step.delay_s <= self._time for front in self._fronts]
        going = [k for k, front in enumerate(self._fronts) if started[k] and front.level.near.size]
        lost = self._lost_v(going)
        speeds = {k: self._fronts[k].speed_nm_s(lost) for k in going}
        self._record(speeds, lost)
        at_front = [speed[self._fronts[k].length_px > 0] for k, speed in speeds.items()]
        largest = max((float(speed.max(initial=0.0)) for speed in at_front), default=0.0)
        self._fastest = max(self._fastest, largest)
        later = [front.step.delay_s for k, front in enumerate(self._fronts) if not started[k]]
        end = min([until_s, *later])
        resting = largest <= _AT_REST * self._fastest
        if self._time >= until_s or (resting and not later):
            return False
        step = end - self._time if resting else min(end - self._time, _COURANT * self._pixel / largest)
        for k, speed in speeds.items():
            ahead = self._fronts[k - 1].level.phi if k else None
            within = np.minimum(speed, largest) / self._pixel  # what lies farther off may not go beyond the front
            pixels, after = self._fronts[k].level.advance(slopes[k], within, step, ahead)
            self._arrival[k, pixels] = self._time + after
        self._time = end if resting else self._time + step
        for front in self._fronts:
            if front.level.leaving:
                front.look()
        return True

    def _lost_v(self, going: list[int]) -> float:
        """Potential that the contact takes: what the current that it leaves to the fronts costs it."""
        if not self._contact_ohm_m2 or not going:
            return 0.0
        counted = {k: np.flatnonzero(self._fronts[k].length_px) for k in going}

        def excess(lost_v: float) -> float:
            current = sum(
                self._current_a_m(k, self._fronts[k].speed_nm_s(lost_v, counted[k]), counted[k]) for k in going
            )
            return lost_v - self._contact_ohm_m2 * current / (_M_PER_NM * self._pixel * self._contact_px)

        most = max(self._fronts[k].highest_ev for k in going)
        return float(optimize.brentq(excess, 0.0, most, rtol=1e-6)) if excess(0.0) < 0 else 0.0

    def _current_a_m(self, k: int, speed: Floats, only: NDArray[np.intp] | slice = slice(None)) -> float:
        front = self._fronts[k]
        density = front_current_a_m2(speed, front.step.host_volume_nm3, front.step.ions)
        return float(density @ front.length_px[only]) * self._pixel * _M_PER_NM

    def _record(self, speeds: dict[int, Floats], lost_v: float) -> None:
        area = self._pixel**2
        means = np.full((3, len(self._fronts)), np.nan)
        for k, speed in speeds.items():
            front = self._fronts[k]
            if front.length_px.sum() > 0:
                values = (speed, front.stress_gpa, front.drive_ev(lost_v))
                means[:, k] = [np.average(value, weights=front.length_px) for value in values]
        current = sum(self._current_a_m(k, speed) for k, speed in speeds.items())
        reacted = np.array([front.level.behind().sum() * area for front in self._fronts])
        self._moments.append(_Moment(self._time, current, reacted, means))
