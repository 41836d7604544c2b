"""One synthetic experiment: particles, their reaction, the microscope; frames and exact labels on demand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME
from ionfront.physics import LAW_NAMES, LawName

from .camera import Camera, random_camera, random_wide_camera
from .families import FAMILIES, Family, FamilyName
from .looks import Looks, random_plain_looks, random_wide_looks
from .neighbours import with_neighbours
from .reaction import Front, random_course, random_fronts
from .shapes import Shape, ShapeName, distorted, random_shape

__all__ = ["Scene", "random_scene"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A movie that is rendered frame by frame, each frame from its own random stream, in any order.

    Attributes:
        seed: The only source of randomness.
        shape: The particle that is measured.
        fronts: Of the reaction, in order.
        pixel_size_nm: Edge of a pixel.
        time_s: Frame times, shape (n_frames,).
        camera: Imaging conditions.
        looks: How phases and surroundings look.
        swelling: Linear growth of the whole particle when it has reacted; of a wire, its thickness.
        inside: All the particles before the reaction, shape (y, x).
        shown: Which frame the recorder saved in each place, where it dropped some and saved another again.
    """

    seed: int
    shape: Shape
    fronts: tuple[Front, ...]
    pixel_size_nm: float
    time_s: Floats
    camera: Camera
    looks: Looks
    swelling: float
    inside: Mask
    shown: tuple[int, ...] | None = None

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

    def frame(self, index: int, averaged: int = 1) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Image and label ids of one frame, each of shape (y, x); the image may be the mean of several exposures."""
        index = self._saved(index)
        phases = self._phases(index)
        signal = self.looks.signal(phases, index / max(len(self) - 1, 1), lambda: self._ahead_px(index))
        where = self._material_coordinates(index)
        label = ndimage.map_coordinates(phases, where, order=0, mode="nearest")
        moved = ndimage.map_coordinates(signal, where, order=1, mode="nearest")
        rng = np.random.default_rng([self.seed, index, 1])
        return self.camera.expose(moved, index, rng, averaged), label

    def blanked(self, index: int) -> bool:
        """Whether the beam was off in a frame: it shows nothing of its labels."""
        return self.camera.blanked(self._saved(index))

    def lit(self, index: int) -> int:
        """This frame, or the next at which the beam was on; past the end begins anew. The first is always lit."""
        while self.blanked(index):
            index = (index + 1) % len(self)
        return index

    def _saved(self, index: int) -> int:
        return index if self.shown is None else self.shown[index]

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

    def _phases(self, index: int) -> NDArray[np.uint8]:
        phases = np.zeros(self.inside.shape, np.uint8)
        phases[self.inside] = DEFAULT_SCHEME.names.index("pristine")
        for front in self.fronts:
            reacted = self.inside & (front.arrival_s <= self.time_s[index])
            phases[reacted] = DEFAULT_SCHEME.names.index(front.transition.after)
        return phases

    def _ahead_px(self, index: int) -> Floats:
        """How far each point lies ahead of the nearest front [px], shape (y, x)."""
        ahead = np.full(self.inside.shape, np.inf)
        for front in self.fronts:
            now_nm = float(front.law.position_nm(self.time_s[index : index + 1] - front.onset_s)[0])
            if now_nm > 0:
                reached = np.isfinite(front.arrival_s)
                place_nm = front.law.position_nm(front.arrival_s[reached] - front.onset_s)
                to_front = np.full(ahead.shape, np.inf)
                to_front[reached] = (place_nm - now_nm) / self.pixel_size_nm
                ahead = np.where(np.abs(to_front) < np.abs(ahead), to_front, ahead)
        return ahead

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
    family: FamilyName = "plain",
    shape: ShapeName | None = None,
    law: LawName | None = None,
    n_fronts: int | None = None,
) -> Scene:
    """Draw an experiment; what is not given is drawn too. The same seed gives the same movie to the last bit.

    Args:
        seed: The only source of randomness.
        size_px: Edge of the square frame.
        n_frames: Length of the movie.
        family: What is drawn from: "plain" scenes have one particle under good conditions; "wide" ones have neighbours,
            supports, diffraction contrast and the faults of detectors and beams; "held_out" ones the same in
            geometries, an imaging mode and a detector that no bundled model is trained on.
        shape: Geometry of the particle.
        law: Rate law of the first front.
        n_fronts: 0 (no reaction), 1 or 2.
    """
    rng = np.random.default_rng([seed, 0])
    drawn_from = FAMILIES[family]
    shape = shape or drawn_from.shapes[rng.integers(len(drawn_from.shapes))]
    law = law or LAW_NAMES[rng.integers(len(LAW_NAMES))]
    n_fronts = int(rng.integers(1, 3)) if n_fronts is None else n_fronts
    plan = _Plan(seed, size_px, n_frames, drawn_from, shape, law, n_fronts)
    return _plain_scene(plan, rng) if family == "plain" else _wide_scene(plan, rng)


@dataclass(frozen=True)
class _Plan:
    """What is settled before a scene is drawn."""

    seed: int
    size_px: int
    n_frames: int
    family: Family
    shape: ShapeName
    law: LawName
    n_fronts: int


def _plain_scene(plan: _Plan, rng: np.random.Generator) -> Scene:
    particle = random_shape(plan.shape, plan.size_px, rng)
    pixel_size_nm = float(np.exp(rng.uniform(np.log(0.2), np.log(3))))
    time_s = _times_s(plan.n_frames, rng)
    fronts = random_fronts(plan.law, plan.n_fronts, particle, pixel_size_nm, time_s, rng)
    camera, means = random_camera(plan.n_frames, rng), _random_means(rng)
    phases = ("pristine", *(front.transition.after for front in fronts))
    return Scene(
        seed=plan.seed,
        shape=particle,
        fronts=fronts,
        pixel_size_nm=pixel_size_nm,
        time_s=time_s,
        camera=camera,
        looks=random_plain_looks(phases, means, plan.size_px, np.random.default_rng([plan.seed, 2])),
        swelling=float(rng.uniform(0, 0.15) if plan.shape == "wire" else rng.uniform(0, 0.03)),
        inside=particle.inside,
    )


def _wide_scene(plan: _Plan, rng: np.random.Generator) -> Scene:
    family = plan.family
    particle = distorted(
        random_shape(plan.shape, plan.size_px, rng, float(rng.choice([1.0, rng.uniform(1.2, 2.0)]))), rng
    )
    pixel_size_nm, time_s = float(np.exp(rng.uniform(np.log(0.05), np.log(5)))), _times_s(plan.n_frames, rng)
    inside, course = with_neighbours(particle, random_course(particle, rng), family.shapes, rng)
    fronts = random_fronts(plan.law, plan.n_fronts, particle, pixel_size_nm, time_s, rng, course)
    phases = ("pristine", *(front.transition.after for front in fronts))
    contrast = family.contrasts[rng.integers(len(family.contrasts))]
    detector = family.detectors[rng.integers(len(family.detectors))]
    return Scene(
        seed=plan.seed,
        shape=particle,
        fronts=fronts,
        pixel_size_nm=pixel_size_nm,
        time_s=time_s,
        camera=random_wide_camera(plan.n_frames, plan.size_px, detector, rng),
        looks=random_wide_looks(contrast, phases, inside, plan.shape != "flake", pixel_size_nm, rng),
        swelling=float(rng.uniform(0, 0.15) * rng.choice([0.3, 1.0])),
        inside=inside,
        shown=_shown(plan.n_frames, rng),
    )


def _times_s(n_frames: int, rng: np.random.Generator) -> Floats:
    frame_time_s = float(np.exp(rng.uniform(np.log(0.05), np.log(5))))
    return np.asarray(frame_time_s * np.arange(n_frames), float)


def _shown(n_frames: int, rng: np.random.Generator) -> tuple[int, ...] | None:
    """A recorder that drops frames, in one of five movies, saves the one before again."""
    if rng.random() < 0.8:
        return None
    kept = rng.random(n_frames) > rng.uniform(0.02, 0.15)
    kept[0] = True
    return tuple(int(k) for k in np.maximum.accumulate(np.where(kept, np.arange(n_frames), 0)))


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
