"""How the phases of one movie look: from phase ids to a signal relative to vacuum."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME

from .crystals import Pattern, random_pattern
from .noise import smooth_noise
from .surroundings import random_shell, random_surroundings
from .textures import phase_texture, support_texture

__all__ = ["CONTRAST_NAMES", "ContrastName", "Looks", "random_plain_looks", "random_wide_looks"]

ContrastName = Literal["bright_field", "dark_field", "haadf"]
CONTRAST_NAMES: tuple[ContrastName, ...] = ("bright_field", "dark_field", "haadf")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.uint8]


class Looks(Protocol):
    """What turns phases into an image."""

    def signal(self, phases: Ids, progress: float, ahead_px: Callable[[], Floats]) -> Floats:
        """The image before the microscope, relative to vacuum in bright field, shape (y, x).

        Args:
            phases: Phase of each point, ids of the default scheme.
            progress: Share of the movie that has passed.
            ahead_px: Gives how far each point lies ahead of the nearest front, negative behind; infinite far away.
        """
        ...


@dataclass(frozen=True)
class PlainLooks:
    """Phases that stay as they are: one picture a phase, shape (y, x), by phase id."""

    pictures: dict[int, Floats]

    def signal(self, phases: Ids, progress: float, ahead_px: Callable[[], Floats]) -> Floats:
        """See `Looks`."""
        signal = self.pictures[0]
        for phase_id, picture in self.pictures.items():
            signal = np.where(phases == phase_id, picture, signal)
        return signal


@dataclass(frozen=True)
class WideLooks:
    """Phases that live: contours move, grains flicker, a strain band runs with the front, film and shell grow.

    Attributes:
        contrast: Imaging mode.
        thickness: Of the particles, relative, shape (y, x).
        mass: Mass thickness of each phase at thickness one, by phase id.
        patterns: Inside of each phase, by phase id.
        lit: Brightness of each phase in dark field, by phase id.
        surroundings: Mass thickness of what lies around and over the particles, shape (y, x).
        shell: The same of the shell when it is grown, shape (y, x); it grows in `shell_growth` of the movie.
        shell_growth: Share of the movie; zero for a shell that was there before.
        pores: Share of the mass that is missing in the products, shape (y, x).
        band: (position ahead of the front [px], width [px], amplitude) of the strain contrast.
        contamination: Mass thickness that the beam has deposited at the end.
        damage: Share of the patterns that the beam has washed out at the end.
    """

    contrast: ContrastName
    thickness: Floats
    mass: dict[int, float]
    patterns: dict[int, Pattern]
    lit: dict[int, float]
    surroundings: Floats
    shell: Floats
    shell_growth: float
    pores: Floats
    band: tuple[float, float, float]
    contamination: float
    damage: float

    def signal(self, phases: Ids, progress: float, ahead_px: Callable[[], Floats]) -> Floats:
        """See `Looks`."""
        mass, pattern, lit = (np.zeros(phases.shape) for _ in range(3))
        for phase_id, crystal in self.patterns.items():
            here = phases == phase_id
            mass = np.where(here, self.mass[phase_id] * self.thickness, mass)
            pattern = np.where(here, crystal.at(progress), pattern)
            lit = np.where(here, self.lit[phase_id] * self.thickness, lit)
        mass = np.where(phases > DEFAULT_SCHEME.names.index("pristine"), mass * (1 - self.pores), mass)
        grown = min(1.0, progress / self.shell_growth) if self.shell_growth else 1.0
        around = self.surroundings + grown * self.shell + self.contamination * progress
        around = np.maximum(around, 0)
        pattern = pattern * (1 - self.damage * progress) + np.where(phases > 0, self._band(ahead_px), 0.0)
        return self._image(mass, around, pattern, lit)

    def _band(self, ahead_px: Callable[[], Floats]) -> Floats | float:
        position, width, amplitude = self.band
        if amplitude == 0:
            return 0.0
        return np.asarray(amplitude * np.exp(-np.square((ahead_px() - position) / width) / 2))

    def _image(self, mass: Floats, around: Floats, pattern: Floats, lit: Floats) -> Floats:
        match self.contrast:
            case "bright_field":
                return np.asarray(np.exp(-mass - around) * (1 + pattern))
            case "haadf":  # incoherent: mass shows, diffraction hardly
                return np.asarray(0.03 + 0.45 * mass * (1 + 0.5 * pattern) + 0.3 * around)
            case "dark_field":  # the grains that diffract into the aperture light up
                return np.asarray(0.03 + 0.1 * mass + 0.1 * around + lit * np.maximum(0.0, 1 + 2 * pattern))


def random_plain_looks(
    phases: tuple[str, ...], means: dict[str, float], size_px: int, rng: np.random.Generator
) -> Looks:
    """Draw looks in which only mean and texture tell the phases apart.

    Args:
        phases: Of this reaction, unreacted first.
        means: Signal of each phase and of the background.
        size_px: Edge of the frame.
        rng: Source of randomness.
    """
    thickness = 1 + 0.05 * smooth_noise(size_px, size_px / 8, rng)
    pictures = {0: means["background"] * (1 + support_texture(size_px, rng))}
    for phase in phases:
        picture = means[phase] * thickness * (1 + phase_texture(phase, size_px, rng))
        pictures[DEFAULT_SCHEME.names.index(phase)] = picture
    return PlainLooks(pictures)


def random_wide_looks(
    contrast: ContrastName,
    phases: tuple[str, ...],
    inside: Mask,
    round_ends: bool,
    pixel_size_nm: float,
    rng: np.random.Generator,
) -> Looks:
    """Draw looks as wide as in situ movies are.

    Args:
        contrast: Imaging mode.
        phases: Of this reaction, unreacted first.
        inside: Where the particles are, shape (y, x).
        round_ends: Whether thickness falls off to the outline, as in wires and spheres; flakes have terraces instead.
        pixel_size_nm: Scale.
        rng: Source of randomness.
    """
    size = inside.shape[0]
    lightness = dict(zip(DEFAULT_SCHEME.reaction_order, _lightness(rng), strict=True))
    whole = rng.uniform(0.5, 1.6)
    ids = {phase: DEFAULT_SCHEME.names.index(phase) for phase in phases}
    brightness = {"pristine": 0.45, "intercalated": 0.40, "converted": 0.25, "alloyed": 0.15}
    shelled = rng.random() < 0.3
    return WideLooks(
        contrast=contrast,
        thickness=_thickness(inside, round_ends, rng),
        mass={ids[phase]: whole * lightness[phase] for phase in phases},
        patterns={ids[phase]: random_pattern(phase, size, pixel_size_nm, rng) for phase in phases},
        lit={ids[phase]: brightness[phase] * rng.uniform(0.7, 1.3) for phase in phases},
        surroundings=random_surroundings(inside, rng),
        shell=random_shell(inside, rng) if shelled else np.zeros(inside.shape),
        shell_growth=float(rng.choice([0.0, rng.uniform(0.2, 1.0)])),
        pores=_pores(size, rng),
        band=(rng.uniform(-3, 3), rng.uniform(1, 4), float(rng.choice([0.0, rng.uniform(-0.35, 0.35)]))),
        contamination=float(rng.choice([0.0, rng.uniform(0.02, 0.2)], p=[0.7, 0.3])),
        damage=float(rng.choice([0.0, rng.uniform(0.1, 0.5)], p=[0.7, 0.3])),
    )


def _lightness(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Mass of each phase under a pixel, relative to the pristine host: what takes up ions expands."""
    return 1.0, rng.uniform(0.78, 0.97), rng.uniform(0.55, 0.85), rng.uniform(0.35, 0.7)


def _thickness(inside: Mask, round_ends: bool, rng: np.random.Generator) -> Floats:
    size = inside.shape[0]
    below_px = np.asarray(ndimage.distance_transform_edt(inside))
    uneven = 1 + rng.uniform(0.02, 0.12) * smooth_noise(size, size / rng.uniform(4, 10), rng)
    if round_ends:
        bulge = np.sqrt(np.clip(1 - np.square(1 - below_px / max(below_px.max(), 1)), 0.04, 1))
        return np.asarray(bulge ** rng.uniform(0.2, 1.0) * uneven)
    y, x = np.mgrid[:size, :size] / size
    for _ in range(int(rng.integers(0, 4))):  # terraces
        angle = rng.uniform(0, 2 * np.pi)
        beyond = (y - 0.5) * np.sin(angle) + (x - 0.5) * np.cos(angle) > rng.uniform(-0.25, 0.25)
        uneven = uneven * np.where(beyond, 1 - rng.uniform(0.05, 0.3), 1.0)
    return np.asarray(uneven)


def _pores(size: int, rng: np.random.Generator) -> Floats:
    """Nothing, round pores, or cracks."""
    kind, depth = rng.choice(3, p=[0.6, 0.25, 0.15]), rng.uniform(0.3, 0.9)
    if kind == 0:
        return np.zeros((size, size))
    field = smooth_noise(size, rng.uniform(2, 6) if kind == 1 else rng.uniform(15, 40), rng)
    hole = np.clip(4 * (field - rng.uniform(1.4, 2.2)), 0, 1) if kind == 1 else np.abs(field - 0.3) < 0.05
    return np.asarray(depth * hole)
