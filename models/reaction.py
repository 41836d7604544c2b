"""One step of a host's reaction in one experiment, as numbers that the physics can be run on.

What the tables do not know is named here, with what it is taken for and how far it may be off: prefactor, share of the
hop's barrier that the front feels, reorganisation energy, resistances, yield stress, and what stress does. A prediction
takes the middle of each range; the regression head learns from draws of all of them what is left to say.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ionfront.core import UsageError
from ionfront.datasets import IONIC_RADIUS_NM, MECHANISMS, YIELD_PER_MODULUS, MaterialStep, composition
from ionfront.physics import GEOMETRIES, FrontCases, GeometryName
from ionfront.physics.units import BOLTZMANN_EV_K, ROOM_TEMPERATURE_K

__all__ = [
    "ASSUMED_BARRIER_EV",
    "ASSUMED_POTENTIAL_V",
    "BARRIERS_EV",
    "CONTACT_SPREAD",
    "CROWDINGS",
    "POTENTIALS_V",
    "Experiment",
    "Reactions",
    "Unknowns",
    "drawn",
    "reactions",
    "varied",
]

Floats = NDArray[np.float64]

ASSUMED_BARRIER_EV = 0.4
ASSUMED_POTENTIAL_V = 0.8
CONTACT_SPREAD = 0.7
"""Standard deviation between cells of log10 of the contact's resistance."""

POTENTIALS_V = 0.05, 4.0
BARRIERS_EV = 0.02, 1.0
CROWDINGS = 0.0, 2.6
_VARIED = 0.75
_SENSIBLE = {
    "size_nm": (0.1, 1e9),
    "bias_v": (-100.0, 100.0),
    "temperature_k": (1.0, 3000.0),
    "contact_ohm_m2": (1e-12, 1e12),
}
_LN10 = float(np.log(10))
_ANION_NM = {"F": 0.133, "O": 0.140, "S": 0.184, "Se": 0.198, "Te": 0.221}  # Shannon 1976
_ALLOY_NM = 0.21


@dataclass(frozen=True)
class Experiment:
    """What a microscopist sets or sees.

    Attributes:
        geometry: How the front lies in the particle.
        size_nm: Way from the contact to the end of the particle, or radius of a core that closes.
        bias_v: Bias that drives ions into the sample, against the alkali metal.
        temperature_k: Of the sample.
        contact_ohm_m2: Resistance of contact and solid electrolyte, where it is known; it differs from cell to cell.

    Raises:
        UsageError: An unknown geometry, or a number that no experiment has.
    """

    geometry: GeometryName = "flake"
    size_nm: float = 200.0
    bias_v: float = 1.0
    temperature_k: float = ROOM_TEMPERATURE_K
    contact_ohm_m2: float | None = None

    def __post_init__(self) -> None:
        if self.geometry not in GEOMETRIES:
            raise UsageError(f"geometry is {self.geometry!r}; it needs to be one of {', '.join(GEOMETRIES)}.")
        for name, (least, most) in _SENSIBLE.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name} is {value}; it needs to be a number from {least:g} to {most:g}.")


@dataclass(frozen=True)
class Reactions:
    """Steps in experiments, shape (n,) each.

    Attributes:
        mechanism, ions, volume_nm3, expansion, potential_v, bulk_modulus_gpa, barrier_ev: As in `MaterialStep`.
        crowding: How much wider than lithium the ion is; 1 is sodium in an oxide, and large anions leave more room.
        geometry, size_nm, bias_v, temperature_k: As `Experiment` has them.
        contact: Resistance of contact and solid electrolyte [log10 ohm m^2]; NaN where it is not known.
    """

    mechanism: NDArray[np.str_]
    ions: Floats
    volume_nm3: Floats
    expansion: Floats
    potential_v: Floats
    bulk_modulus_gpa: Floats
    barrier_ev: Floats
    crowding: Floats
    geometry: NDArray[np.str_]
    size_nm: Floats
    bias_v: Floats
    temperature_k: Floats
    contact: Floats

    def __len__(self) -> int:
        return len(self.ions)


def reactions(steps: list[MaterialStep], experiments: list[Experiment]) -> Reactions:
    """Steps and experiments side by side; what a table does not know takes a value that is assumed."""
    barrier = [s.hop_barrier_ev.value if s.hop_barrier_ev else ASSUMED_BARRIER_EV for s in steps]
    potential = [s.potential_v.value if s.potential_v else ASSUMED_POTENTIAL_V for s in steps]
    return Reactions(
        mechanism=np.array([s.mechanism for s in steps]),
        ions=np.array([s.ions for s in steps]),
        volume_nm3=np.array([s.volume_nm3.value for s in steps]),
        expansion=np.array([s.expansion.value for s in steps]),
        potential_v=np.array(potential),
        bulk_modulus_gpa=np.array([s.bulk_modulus_gpa.value for s in steps]),
        barrier_ev=np.array(barrier),
        crowding=np.array([_crowding(step) for step in steps]),
        geometry=np.array([e.geometry for e in experiments]),
        size_nm=np.array([e.size_nm for e in experiments]),
        bias_v=np.array([e.bias_v for e in experiments]),
        temperature_k=np.array([e.temperature_k for e in experiments]),
        contact=np.array([np.log10(e.contact_ohm_m2) if e.contact_ohm_m2 else np.nan for e in experiments]),
    )


def _crowding(step: MaterialStep) -> float:
    anions = {element for phase in step.after for element in composition(phase)} & _ANION_NM.keys()
    anion = min((_ANION_NM[element] for element in anions), default=_ALLOY_NM)
    wider = (IONIC_RADIUS_NM[step.ion] - IONIC_RADIUS_NM["Li"]) / (IONIC_RADIUS_NM["Na"] - IONIC_RADIUS_NM["Li"])
    return wider * _ANION_NM["O"] / anion


@dataclass(frozen=True)
class Unknowns:
    """What no table knows, with the middle of what is thought possible; numbers or arrays of shape (n,).

    Attributes:
        intercalation, conversion, alloying: Exchange speed [log10 nm/s] of a hop without barrier.
        barrier_share: Share of the hop's barrier that a front feels; small, for interfaces limit fronts more than hops.
        reorganisation_ev: Marcus's energy.
        contact: Resistance of contact and solid electrolyte [log10 ohm m^2]; it differs from cell to cell.
        conductivity: Of the product for lithium [log10 S/m].
        wider: How much worse the product conducts [log10] for each unit of crowding.
        yield_factor: Yield stress over what the table takes it for [log10].
        strain_share: Share of the work against stress that is due before the transition state.
        assistance: What tension ahead takes from c at a concave front.
    """

    intercalation: float | Floats = 1.3
    conversion: float | Floats = 0.8
    alloying: float | Floats = 0.8
    barrier_share: float | Floats = 0.3
    reorganisation_ev: float | Floats = 0.6
    contact: float | Floats = -2.0
    conductivity: float | Floats = -4.5
    wider: float | Floats = 0.5
    yield_factor: float | Floats = 0.0
    strain_share: float | Floats = 0.5
    assistance: float | Floats = 0.75


_SPREADS = {
    "intercalation": 0.7,
    "conversion": 0.7,
    "alloying": 0.7,
    "contact": CONTACT_SPREAD,
    "conductivity": 0.8,
    "yield_factor": 0.2,
}
"""Standard deviations of normal distributions around the middle."""

_HALF_WIDTHS = {"barrier_share": 0.2, "reorganisation_ev": 0.4, "wider": 0.5, "strain_share": 0.5, "assistance": 0.75}
"""Half widths of uniform distributions around the middle."""


def drawn(n: int, rng: np.random.Generator) -> Unknowns:
    """Unknowns of n movies, each of its own."""
    middle = Unknowns()
    normal = {name: getattr(middle, name) + spread * rng.standard_normal(n) for name, spread in _SPREADS.items()}
    uniform = {name: getattr(middle, name) + half * rng.uniform(-1, 1, n) for name, half in _HALF_WIDTHS.items()}
    return Unknowns(**normal, **uniform)


def varied(r: Reactions, rng: np.random.Generator) -> Reactions:
    """Three of four with descriptors off the table's: hosts that nobody has filmed, and values that are wrong."""
    one_of_those = rng.random(len(r)) < _VARIED

    def off(spread: float) -> Floats:
        return np.where(one_of_those, spread * rng.standard_normal(len(r)), 0.0)

    return replace(
        r,
        volume_nm3=r.volume_nm3 * np.exp(off(0.3)),
        bulk_modulus_gpa=r.bulk_modulus_gpa * np.exp(off(0.4)),
        expansion=1 + (r.expansion - 1) * np.exp(off(0.4)),
        potential_v=np.clip(r.potential_v + off(0.5), *POTENTIALS_V),
        barrier_ev=np.clip(r.barrier_ev + off(0.15), *BARRIERS_EV),
        crowding=np.clip(r.crowding + off(0.4), *CROWDINGS),
    )


def front_cases(r: Reactions, unknowns: Unknowns) -> FrontCases:
    """The physics' own numbers for steps in experiments, with unknowns that are given."""
    by_mechanism = {name: getattr(unknowns, name) for name in MECHANISMS}
    prefactor = np.select([r.mechanism == name for name in by_mechanism], list(by_mechanism.values()))
    felt = unknowns.barrier_share * r.barrier_ev / (BOLTZMANN_EV_K * r.temperature_k * _LN10)
    shapes = [GEOMETRIES[name] for name in r.geometry.tolist()]
    assisted = np.array([shape.assisted for shape in shapes])
    conductivity = unknowns.conductivity - unknowns.wider * r.crowding
    return FrontCases(
        exchange_nm_s=10 ** (prefactor - felt),
        overpotential_v=r.potential_v + r.bias_v,
        host_volume_nm3=r.volume_nm3,
        ions=r.ions,
        expansion=r.expansion,
        yield_gpa=r.bulk_modulus_gpa * YIELD_PER_MODULUS * 10**unknowns.yield_factor,
        layer=np.array([shape.layer for shape in shapes]) - assisted * unknowns.assistance,
        hoop=np.array([shape.hoop for shape in shapes]),
        dimension=np.array([max(shape.dimension, 1) for shape in shapes]),
        depth_nm=r.size_nm,
        strain_share=unknowns.strain_share,
        reorganisation_ev=unknowns.reorganisation_ev,
        contact_ohm_m2=10 ** np.where(np.isnan(r.contact), unknowns.contact, r.contact),
        conductivity_s_m=10 ** np.asarray(conductivity),
        temperature_k=r.temperature_k,
    )
