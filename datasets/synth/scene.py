"""One synthetic experiment: a particle, its reaction, the camera; frames and exact labels on demand."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME, Transition
from ionfront.physics import LAW_NAMES, LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting

from .camera import Camera, random_camera
from .shapes import SHAPE_NAMES, Shape, ShapeName, random_shape
from .textures import phase_texture, smooth_noise, support_texture

__all__ = ["Front", "Scene", "random_scene"]

Floats = NDArray[np.float64]


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


@dataclass(frozen=True)
class Scene:
    """A movie that is rendered frame by frame, each frame from its own random stream, in any order."""

    seed: int
    shape: Shape
    fronts: tuple[Front, ...]
    pixel_size_nm: float
    time_s: Floats
    camera: Camera
    means: dict[str, float]
    swelling: float

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def depth_nm(self) -> float:
        """The farthest that a front can go."""
        return self.shape.depth_px * self.pixel_size_nm

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of this reaction, unreacted first."""
        return ("pristine", *(front.transition.after for front in self.fronts))

    def frame(self, index: int, averaged: int = 1) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Image and label ids of one frame, each of shape (y, x); the image may be the mean of several exposures."""
        state = np.zeros(self.shape.inside.shape, np.uint8)
        state[self.shape.inside] = DEFAULT_SCHEME.names.index("pristine")
        signal = np.where(self.shape.inside, self._looks["pristine"], self._looks["background"])
        for front in self.fronts:
            reacted = self.shape.inside & (front.arrival_s <= self.time_s[index])
            state[reacted] = DEFAULT_SCHEME.names.index(front.transition.after)
            signal = np.where(reacted, self._looks[front.transition.after], signal)
        where = self._material_coordinates(index)
        label = ndimage.map_coordinates(state, where, order=0, mode="nearest")
        moved = ndimage.map_coordinates(signal, where, order=1, mode="nearest")
        return self.camera.expose(moved, np.random.default_rng([self.seed, index, 1]), averaged), label

    def truth(self) -> dict[str, Any]:
        """What a perfect measurement of this movie would say, ready for JSON."""
        return {
            "seed": self.seed,
            "shape": self.shape.kind,
            "depth_nm": self.depth_nm,
            "pixel_size_nm": self.pixel_size_nm,
            "frame_time_s": float(self.time_s[1] - self.time_s[0]) if len(self) > 1 else None,
            "n_frames": len(self),
            "dose_e_px": self.camera.dose_e_px,
            "swelling_linear": self.swelling,
            "fronts": [self._front_truth(front) for front in self.fronts],
        }

    def _front_truth(self, front: Front) -> dict[str, Any]:
        position = front.position_nm(self.time_s, self.depth_nm)
        parameters = {key: value for key, value in vars(front.law).items() if key != "name"}
        return {
            "from": front.transition.before,
            "to": front.transition.after,
            "law": front.law.name,
            "parameters": parameters,
            "onset_s": front.onset_s,
            "swept_nm": float(position[-1]),
            "velocity_nm_s": self._velocity_nm_s(front, float(position[-1])),
        }

    def _velocity_nm_s(self, front: Front, swept_nm: float) -> float:
        """Mean speed between 10 % and 90 % of the distance swept."""
        t10, t90 = front.law.time_s(np.array([0.1, 0.9]) * swept_nm)
        return float(0.8 * swept_nm / (t90 - t10))

    @cached_property
    def _looks(self) -> dict[str, Floats]:
        size = self.shape.inside.shape[0]
        rng = np.random.default_rng([self.seed, 2])
        thickness = 1 + 0.05 * smooth_noise(size, size / 8, rng)
        looks = {"background": self.means["background"] * (1 + support_texture(size, rng))}
        for phase in self.phases:
            looks[phase] = self.means[phase] * thickness * (1 + phase_texture(phase, size, rng))
        return looks

    def _material_coordinates(self, index: int) -> Floats:
        """Where each pixel of a frame lies in the unreacted particle's frame, shape (2, y, x)."""
        size_y, size_x = self.shape.inside.shape
        y, x = np.mgrid[:size_y, :size_x].astype(float)
        dy = y - self.camera.drift_px[index, 0] - self.shape.centre_px[0]
        dx = x - self.camera.drift_px[index, 1] - self.shape.centre_px[1]
        if self.shape.axis == (0.0, 0.0):
            scale = 1 + self.swelling * self._reacted_fraction(index)
            dy, dx = dy / scale, dx / scale
        else:
            dy, dx = self._unswell_wire(index, dy, dx)
        return np.stack([dy + self.shape.centre_px[0], dx + self.shape.centre_px[1]])

    def _unswell_wire(self, index: int, dy: Floats, dx: Floats) -> tuple[Floats, Floats]:
        """A wire thickens where the front has passed, over about its own half width."""
        ay, ax = self.shape.axis
        along, across = dy * ay + dx * ax, dy * ax - dx * ay
        front_px = self._lead_position_px(index) - self.shape.depth_px / 2
        passed = 1 / (1 + np.exp(np.clip((along - front_px) / 4.0, -50, 50)))
        across = across / (1 + self.swelling * passed)
        return along * ay + across * ax, along * ax - across * ay

    def _lead_position_px(self, index: int) -> float:
        if not self.fronts:
            return -self.shape.depth_px
        now = self.time_s[index : index + 1]
        position = float(self.fronts[0].position_nm(now, self.depth_nm)[0]) / self.pixel_size_nm
        return position if position > 0 else -self.shape.depth_px

    def _reacted_fraction(self, index: int) -> float:
        if not self.fronts:
            return 0.0
        return float(np.mean(self.fronts[0].arrival_s[self.shape.inside] <= self.time_s[index]))


def random_scene(
    seed: int,
    size_px: int = 256,
    n_frames: int = 60,
    *,
    shape: ShapeName | None = None,
    law: LawName | None = None,
    n_fronts: int | None = None,
) -> Scene:
    """Draw an experiment; what is not given is drawn too. The same seed gives the same movie to the last bit.

    Args:
        seed: The only source of randomness.
        size_px: Edge of the square frame.
        n_frames: Length of the movie.
        shape: Family of the particle.
        law: Rate law of the first front.
        n_fronts: 0 (no reaction), 1 or 2.
    """
    rng = np.random.default_rng([seed, 0])
    shape = shape or SHAPE_NAMES[rng.integers(len(SHAPE_NAMES))]
    law = law or LAW_NAMES[rng.integers(len(LAW_NAMES))]
    n_fronts = int(rng.integers(1, 3)) if n_fronts is None else n_fronts
    particle = random_shape(shape, size_px, rng)
    pixel_size_nm = float(np.exp(rng.uniform(np.log(0.2), np.log(3))))
    frame_time_s = float(np.exp(rng.uniform(np.log(0.05), np.log(5))))
    time_s = np.asarray(frame_time_s * np.arange(n_frames), float)
    fronts = _random_fronts(law, n_fronts, particle, pixel_size_nm, time_s, rng)
    return Scene(
        seed=seed,
        shape=particle,
        fronts=fronts,
        pixel_size_nm=pixel_size_nm,
        time_s=time_s,
        camera=random_camera(n_frames, rng),
        means=_random_means(rng),
        swelling=float(rng.uniform(0, 0.15) if shape == "wire" else rng.uniform(0, 0.03)),
    )


def _random_means(rng: np.random.Generator) -> dict[str, float]:
    """Mean signals of a movie's phases and support, relative to vacuum in bright field.

    A host that takes up ions expands, so that less mass lies under each pixel: intercalated a little less than
    pristine, converted and alloyed much less. Bright field transmits exp(-mass thickness); dark field and HAADF
    signals grow with it.
    """
    lightness = (1.0, rng.uniform(0.82, 1.0), rng.uniform(0.6, 0.85), rng.uniform(0.4, 0.7))
    thickness = rng.uniform(0.6, 1.3) * np.array(lightness)
    if rng.random() < 0.7:
        return {"background": 1.0, **_by_phase(np.exp(-thickness))}
    return {"background": float(rng.uniform(0.04, 0.12)), **_by_phase(0.12 + 0.45 * thickness)}


def _by_phase(signals: Floats) -> dict[str, float]:
    return dict(zip(DEFAULT_SCHEME.reaction_order, map(float, signals), strict=True))


def _random_fronts(
    law: LawName,
    n_fronts: int,
    particle: Shape,
    pixel_size_nm: float,
    time_s: Floats,
    rng: np.random.Generator,
) -> tuple[Front, ...]:
    if n_fronts == 0:
        return ()
    products = sorted(rng.choice(3, n_fronts, replace=False))
    names = ("pristine", *(DEFAULT_SCHEME.reaction_order[1 + int(p)] for p in products))
    depth_nm, length_s = particle.depth_px * pixel_size_nm, float(time_s[-1]) if time_s[-1] > 0 else 1.0
    onset_s = length_s * rng.uniform(0.04, 0.15)
    roughness_nm = pixel_size_nm * _roughness_px(particle, rng)
    place_nm = np.maximum(particle.distance_px * pixel_size_nm + roughness_nm, 0.0)
    first_law = _random_law(law, depth_nm, length_s - onset_s, rng)
    first = Front(Transition(*names[:2]), first_law, onset_s, onset_s + first_law.time_s(place_nm))
    if n_fronts == 1:
        return (first,)
    lag_s = length_s * rng.uniform(0.12, 0.25)
    second_law = _slower(first_law, rng.uniform(0.45, 0.75))
    arrival_s = np.maximum(onset_s + lag_s + second_law.time_s(place_nm), first.arrival_s)
    return (first, Front(Transition(*names[1:]), second_law, onset_s + lag_s, arrival_s))


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
