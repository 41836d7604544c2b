"""The reaction of a synthetic particle: which phases follow each other, and when each point is reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME, Transition
from ionfront.physics import LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting, travel_cost

from .noise import smooth_noise
from .shapes import Shape

__all__ = ["Course", "Front", "random_course", "random_fronts"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """In which order a front reaches the points of the particles.

    Attributes:
        place_px: Distance that the mean front has come when it reaches each point, shape (y, x); NaN outside.
        delay: How much later than in the measured particle the reaction sets in there, as a share of the movie's
            length, shape (y, x) or one number; infinite where it never does.
    """

    place_px: Floats
    delay: Floats | float = 0.0


@dataclass(frozen=True)
class Front:
    """A reaction front that sweeps a particle.

    Attributes:
        transition: Phase before and after it.
        law: How it advances from its onset.
        onset_s: When it leaves the entry.
        arrival_s: When it reaches each point of the unreacted particle, shape (y, x); infinite where never.
    """

    transition: Transition
    law: RateLaw
    onset_s: float
    arrival_s: Floats

    def position_nm(self, time_s: Floats, depth_nm: float) -> Floats:
        """Where the front is at each time, no farther than the particle reaches."""
        return np.minimum(self.law.position_nm(time_s - self.onset_s), depth_nm)


def random_fronts(
    law: LawName,
    n_fronts: int,
    particle: Shape,
    pixel_size_nm: float,
    time_s: Floats,
    rng: np.random.Generator,
    course: Course | None = None,
) -> tuple[Front, ...]:
    """Draw the phases that follow each other, and how they sweep the particle.

    Args:
        law: Rate law of the first front; the second follows the same law, slower.
        n_fronts: 0, 1 or 2.
        particle: What they sweep.
        pixel_size_nm: Its scale.
        time_s: Frame times, shape (n_frames,).
        rng: Source of randomness.
        course: In which order points are reached; None draws pinning, and in a wire a front that bows.
    """
    if n_fronts == 0:
        return ()
    products = sorted(rng.choice(3, n_fronts, replace=False))
    names = ("pristine", *(DEFAULT_SCHEME.reaction_order[1 + int(p)] for p in products))
    depth_nm, length_s = particle.depth_px * pixel_size_nm, float(time_s[-1]) if time_s[-1] > 0 else 1.0
    onset_s = length_s * rng.uniform(0.04, 0.15)
    course = course or Course(np.maximum(particle.distance_px + _roughness_px(particle, rng), 0.0))
    place_nm, start_s = course.place_px * pixel_size_nm, onset_s + course.delay * length_s
    first_law = _random_law(law, depth_nm, length_s - onset_s, rng)
    first = Front(Transition(*names[:2]), first_law, onset_s, start_s + first_law.time_s(place_nm))
    if n_fronts == 1:
        return (first,)
    lag_s = length_s * rng.uniform(0.12, 0.25)
    second_law = _slower(first_law, rng.uniform(0.45, 0.75))
    arrival_s = np.maximum(start_s + lag_s + second_law.time_s(place_nm), first.arrival_s)
    return (first, Front(Transition(*names[1:]), second_law, onset_s + lag_s, arrival_s))


def random_course(particle: Shape, rng: np.random.Generator) -> Course:
    """Draw a course by fast marching: pinning, a surface that leads or lags, growth faster along one direction.

    Surface diffusion lets the product lead along the edges, so that the front is concave (PHYSICS.md, section 8); where
    the surface is passivated it lags. Costs become distances such that the mean distance of the points that the front
    reaches together is the distance it has come: the rate law then holds for the mean front.
    """
    inside = particle.inside
    size = inside.shape[0]
    below_surface = np.asarray(ndimage.distance_transform_edt(inside))
    skin = np.exp(-below_surface / (rng.uniform(0.1, 0.4) * below_surface.max()))
    lead = rng.choice([0.0, rng.uniform(0.2, 1.5), rng.uniform(-0.5, 0.0)], p=[0.4, 0.4, 0.2])
    speed = np.exp(rng.uniform(0.05, 0.35) * smooth_noise(size, rng.uniform(3, 12), rng)) * (1 + lead * skin)
    stretch = float(np.exp(rng.uniform(-0.4, 0.4))) if particle.kind == "flake" else 1.0
    source = inside & (particle.distance_px <= np.nanmin(particle.distance_px) + 1)
    if not (inside & ~source).any():  # a sliver, all of which is the entry
        return Course(particle.distance_px)
    return Course(_as_distance_px(travel_cost(inside, source, speed, (stretch, 1 / stretch)), particle))


def _as_distance_px(cost: Floats, particle: Shape) -> Floats:
    reached = np.isfinite(cost)
    order = np.argsort(cost[reached], kind="stable")
    parts = np.array_split(order, max(2, min(64, order.size // 8)))
    costs, distances = cost[reached], particle.distance_px[reached]
    at_cost = [costs.min(), *(costs[part].mean() for part in parts), costs.max()]
    distance = [distances.min(), *(distances[part].mean() for part in parts), distances.max()]
    return np.where(reached, np.interp(cost, at_cost, np.maximum.accumulate(distance)), particle.distance_px)


def _roughness_px(particle: Shape, rng: np.random.Generator) -> Floats:
    """How far each point lies behind the mean front: pinning, and in a wire a front that bows as it goes."""
    size = particle.distance_px.shape[0]
    rough = rng.uniform(0.3, 2.0) * smooth_noise(size, rng.uniform(4, 10), rng)
    rough = np.asarray(rough - rough[particle.inside].mean())
    return rough + _bow_px(particle, rng) if particle.kind == "wire" else rough


def _bow_px(wire: Shape, rng: np.random.Generator) -> Floats:
    """A front that sets out flat and comes to lead or lag at the sides; mean zero over each cross-section."""
    size = wire.distance_px.shape[0]
    y, x = np.mgrid[:size, :size].astype(float)
    across = (y - wire.centre_px[0]) * wire.axis[1] - (x - wire.centre_px[1]) * wire.axis[0]
    half_width = float(np.abs(across[wire.inside]).max())
    grown = -np.expm1(-np.nan_to_num(wire.distance_px) / half_width)
    return np.asarray(rng.uniform(-0.3, 0.3) * half_width * grown * (np.square(across / half_width) - 1 / 3))


def _random_law(law: LawName, depth_nm: float, length_s: float, rng: np.random.Generator) -> RateLaw:
    """A law whose front sweeps 60 to 110 % of the particle in the movie (a stalling one, 45 to 85 %)."""
    goal_nm = depth_nm * rng.uniform(0.6, 1.1)
    match law:
        case "linear":
            return Linear(goal_nm / length_s)
        case "parabolic":
            return Parabolic(goal_nm**2 / length_s)
        case "mixed":
            share = rng.uniform(0.35, 0.65)  # of the time at the goal that diffusion takes
            return Mixed(goal_nm / ((1 - share) * length_s), goal_nm**2 / (share * length_s))
        case "self_limiting":
            return SelfLimiting(depth_nm * rng.uniform(0.45, 0.85), length_s / rng.uniform(2.5, 5))


def _slower(law: RateLaw, factor: float) -> RateLaw:
    """The same law at a fraction of its speed at every place."""
    match law:
        case Linear(rate_nm_s=k):
            return Linear(factor * k)
        case Parabolic(B_nm2_s=B):
            return Parabolic(factor * B)
        case Mixed(rate_nm_s=k, B_nm2_s=B):
            return Mixed(factor * k, factor * B)
        case SelfLimiting(length_nm=length, tau_s=tau):
            return SelfLimiting(length, tau / factor)
    raise TypeError(law)
