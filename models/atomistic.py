"""Volume, energy, bulk modulus and hop barrier of crystals, with whatever calculator of forces is given.

Atoms are handled by ASE (the extra `atomistic`). Nothing is computed twice: results lie in a folder, by what went in.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.calculators.calculator import Calculator
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import FIRE
from ase.spacegroup import crystal
from numpy.typing import NDArray

from ionfront.core import MaterialError, atomic_output
from ionfront.datasets import (
    IonHop,
    IonName,
    PhaseStructure,
    Value,
    composition,
    ion_hop,
    material_steps,
    phase_structure,
)

__all__ = ["Atomistic", "ComputedDescriptors", "ComputedHop", "ComputedPhase", "computed_descriptors"]

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

_FORCE_EV_A = 0.03
_PATH_FORCE_EV_A = 0.08
_MOST_STEPS = 400
_IMAGES = 5
_STRAINS = np.linspace(0.94, 1.06, 7)  # of the volume
_GPA_PER_EV_A3 = 160.2177
_NM3_PER_A3 = 1e-3
_A_PER_NM = 10.0
_FORMAT = 1


@dataclass(frozen=True)
class ComputedPhase:
    """A relaxed crystal, per formula unit.

    Attributes:
        phase: Formula.
        volume_nm3: Of a formula unit.
        energy_ev: Of a formula unit.
        bulk_modulus_gpa: From the energies of seven volumes, with shape and atoms relaxed at each.
        atoms: In the cell that was computed.
        seconds: What it took.
    """

    phase: str
    volume_nm3: float
    energy_ev: float
    bulk_modulus_gpa: float
    atoms: int
    seconds: float


@dataclass(frozen=True)
class ComputedHop:
    """An ion in a host whose cell is kept.

    Attributes:
        barrier_ev: From the better site to the saddle, by a climbing-image nudged elastic band.
        insertion_ev: Energy of the ion on the better site, less that of host and metal.
        atoms: In the cell.
        seconds: What it took.
    """

    barrier_ev: float
    insertion_ev: float
    atoms: int
    seconds: float


class Atomistic:
    """Computations with one calculator.

    Args:
        name: Of the calculator, with its version; results of another are not taken for its.
        calculator: Makes one, with dispersion or without.
        folder: Where results are kept.
        progress: Called with what is being computed, how many steps were taken, and how many there may be.
    """

    def __init__(
        self, name: str, calculator: Callable[[bool], Calculator], folder: Path, progress: Progress | None = None
    ) -> None:
        self.name, self._calculator, self._folder = name, calculator, folder
        self._progress = progress or (lambda *_: None)

    def phase(self, structure: PhaseStructure) -> ComputedPhase:
        """Relax a crystal, atoms and cell; with dispersion if it is layered.

        Raises:
            MaterialError: It did not come to rest.
        """
        kept = self._kept("phase", structure)
        if kept.is_file():
            return ComputedPhase(**_read(kept))
        start = time.perf_counter()
        atoms = self._relaxed(structure.phase, _atoms(structure), structure.layered)
        units = len(atoms) / sum(composition(structure.phase).values())
        found = ComputedPhase(
            phase=structure.phase,
            volume_nm3=atoms.get_volume() / units * _NM3_PER_A3,
            energy_ev=self._energy_alike(atoms, structure) / units,
            bulk_modulus_gpa=self._bulk_modulus_gpa(structure.phase, atoms),
            atoms=len(atoms),
            seconds=time.perf_counter() - start,
        )
        _keep(kept, asdict(found))
        return found

    def hop(self, hop: IonHop, host: PhaseStructure, ion: str, metal: ComputedPhase) -> ComputedHop:
        """Hop of an ion in its host, cell and all far atoms as they are in the published structure.

        Raises:
            MaterialError: The ion, or its way, did not come to rest.
        """
        kept = self._kept("hop", host, ion, hop)
        if kept.is_file():
            return ComputedHop(**_read(kept))
        start = time.perf_counter()
        cell = _supercell(host, hop.cell)
        cell.calc = self._calculator(host.layered)
        self._settled(f"{host.phase}", cell, cell, _FORCE_EV_A)
        conventional = _conventional(host)
        ends = [self._inserted(cell, ion, conventional.T @ place, host.layered) for place in (hop.start, hop.end)]
        images = [ends[0], *(ends[0].copy() for _ in range(_IMAGES - 2)), ends[1]]
        for image in images[1:-1]:
            image.calc = self._calculator(host.layered)
        band = NEB(images, climb=True, method="improvedtangent")
        band.interpolate("idpp", mic=True)
        self._settled(f"{ion} in {host.phase}: its way", band, None, _PATH_FORCE_EV_A)
        energies = np.array([image.get_potential_energy() for image in images])
        found = ComputedHop(
            barrier_ev=float(energies.max() - energies[[0, -1]].min()),
            insertion_ev=float(energies[[0, -1]].min() - cell.get_potential_energy() - metal.energy_ev),
            atoms=len(ends[0]),
            seconds=time.perf_counter() - start,
        )
        _keep(kept, asdict(found))
        return found

    def _inserted(self, host: Atoms, ion: str, place: Floats, layered: bool) -> Atoms:
        atoms = host.copy()
        atoms.append(ion)
        atoms.positions[-1] = place
        atoms.wrap()
        atoms.calc = self._calculator(layered)
        self._settled(f"{ion} in {host.get_chemical_formula()}", atoms, atoms, _FORCE_EV_A)
        return atoms

    def _relaxed(self, what: str, atoms: Atoms, layered: bool) -> Atoms:
        atoms.calc = self._calculator(layered)
        self._settled(what, FrechetCellFilter(atoms), atoms, _FORCE_EV_A)
        return atoms

    def _bulk_modulus_gpa(self, what: str, atoms: Atoms) -> float:
        """V d2E/dV2 at the relaxed volume, all but the volume relaxed: that of a crystal under even pressure."""
        volume, energies = atoms.get_volume(), []
        for number, strain in enumerate(_STRAINS, start=1):
            strained = atoms.copy()
            strained.set_cell(atoms.cell * strain ** (1 / 3), scale_atoms=True)
            strained.calc = atoms.calc
            title = f"{what}, volume {number} of {len(_STRAINS)}"
            self._settled(title, FrechetCellFilter(strained, constant_volume=True), strained, _FORCE_EV_A)
            energies.append(strained.get_potential_energy())
        curve = np.polyder(np.polyfit(_STRAINS * volume, energies, 3), 2)
        return float(volume * np.polyval(curve, volume) * _GPA_PER_EV_A3)

    def _energy_alike(self, atoms: Atoms, structure: PhaseStructure) -> float:
        """Energy without dispersion, so that energies of all phases can be set against each other."""
        if not structure.layered:
            return float(atoms.get_potential_energy())
        alike = atoms.copy()
        alike.calc = self._calculator(False)
        return float(alike.get_potential_energy())

    def _settled(self, what: str, moving: Any, atoms: Atoms | None, force: float) -> None:
        optimizer = FIRE(moving, logfile=None)
        for taken, done in enumerate(optimizer.irun(fmax=force, steps=_MOST_STEPS)):
            self._progress(what, taken, _MOST_STEPS)
            if done:
                break
        if not done:
            raise MaterialError(f"{what} did not come to rest in {_MOST_STEPS} steps: start from a better structure.")
        if atoms is not None and not np.isfinite(atoms.get_potential_energy()):
            raise MaterialError(f"{what} has no finite energy: start from a better structure.")

    def _kept(self, what: str, *inputs: Any) -> Path:
        told = [self.name, _FORMAT, what, *(repr(one) for one in inputs)]
        return self._folder / f"{what}-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]}.json"


def _conventional(structure: PhaseStructure) -> Floats:
    return np.asarray(crystal("H", [(0, 0, 0)], spacegroup=1, cellpar=_parameters(structure)).cell.array)


def _parameters(structure: PhaseStructure) -> list[float]:
    return [*(_A_PER_NM * structure.cell[:3]), *structure.cell[3:]]


def _atoms(structure: PhaseStructure) -> Atoms:
    return crystal(
        list(structure.elements),
        structure.places,
        spacegroup=structure.space_group,
        setting=structure.setting,
        cellpar=_parameters(structure),
        primitive_cell=True,
    )


def _supercell(structure: PhaseStructure, edges: Floats) -> Atoms:
    primitive = _atoms(structure)
    wanted = edges @ _conventional(structure) @ np.linalg.inv(primitive.cell.array)
    return make_supercell(primitive, np.rint(wanted).astype(int))


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise MaterialError(f"{path} cannot be read ({error}): delete it, and it is computed anew.") from error
    return content


def _keep(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, overwrite=True) as draft:
        draft.write_text(json.dumps(content, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class ComputedDescriptors:
    """What was computed for a host with an ion.

    Attributes:
        phases: Values by phase and quantity, as `steps_of_phases` takes them.
        hop_barrier, insertion_potential: Of the first ions; None where the table does not say how they hop.
        cost: What was computed, atoms, and seconds that it took when it was.
        left_out: Phases without an ordered structure to start from.
    """

    phases: dict[tuple[str, str], Value]
    hop_barrier: Value | None
    insertion_potential: Value | None
    cost: tuple[tuple[str, int, float], ...]
    left_out: tuple[str, ...]


def computed_descriptors(host: str, ion: IonName, atomistic: Atomistic) -> ComputedDescriptors:
    """Compute all phases of a host's path with an ion, the alkali metal, and the ion's hop where the table has one."""
    steps = material_steps(host, ion)
    names = dict.fromkeys([*(phase for step in steps for phase in (*step.before, *step.after)), ion])
    found, left_out, cost = {}, [], []

    def value(number: float, unit: str) -> Value:
        return Value(number, unit, "computed", "verified", atomistic.name)

    for name in names:
        structure = phase_structure(name)
        if structure is None:
            left_out.append(name)
            continue
        phase = atomistic.phase(structure)
        cost.append((name, phase.atoms, phase.seconds))
        found[name, "volume"] = value(phase.volume_nm3, "nm^3")
        found[name, "energy"] = value(phase.energy_ev, "eV")
        found[name, "bulk_modulus"] = value(phase.bulk_modulus_gpa, "GPa")
    where, way, metal = phase_structure(host), ion_hop(host), phase_structure(ion)
    if where is None or way is None or metal is None:
        return ComputedDescriptors(found, None, None, tuple(cost), tuple(left_out))
    hop = atomistic.hop(way, where, ion, atomistic.phase(metal))
    cost.append((f"hop of {ion} in {host}", hop.atoms, hop.seconds))
    barrier, insertion = value(hop.barrier_ev, "eV"), value(-hop.insertion_ev, "V")
    return ComputedDescriptors(found, barrier, insertion, tuple(cost), tuple(left_out))
