"""Crystals and hops computed with a simple potential whose answers are known; what was computed is kept."""

import numpy as np
import pytest

from ionfront.core import MaterialError
from ionfront.datasets import IonHop, all_steps, ion_hop, phase_structure
from ionfront.datasets.shipped_table import shipped_table

ase = pytest.importorskip("ase", reason="the extra `atomistic` is not installed")

from ase.calculators.emt import EMT  # noqa: E402

from ionfront.models import atomistic as room  # noqa: E402
from ionfront.models.atomistic import Atomistic  # noqa: E402


def refuses(_dispersion):
    raise AssertionError("computed twice")


@pytest.fixture
def simple(tmp_path):
    return Atomistic("EMT", lambda _: EMT(), tmp_path)


def test_aluminium_has_its_volume_and_modulus_and_is_computed_once(simple, tmp_path):
    said = []
    watched = Atomistic("EMT", lambda _: EMT(), tmp_path, lambda *told: said.append(told))
    phase = watched.phase(phase_structure("Al"))
    assert phase.volume_nm3 == pytest.approx(0.0159, rel=0.02)  # EMT's lattice constant is 3.99
    assert phase.bulk_modulus_gpa == pytest.approx(39.7, rel=0.1)  # EMT's
    assert phase.atoms == 1
    assert said[0][0] == "Al"
    assert all(0 <= taken <= of for _, taken, of in said)
    assert Atomistic("EMT", refuses, tmp_path).phase(phase_structure("Al")) == phase
    with pytest.raises(AssertionError, match="computed twice"):
        Atomistic("another", refuses, tmp_path).phase(phase_structure("Al"))


def test_a_hop_has_a_barrier_and_its_metal_a_share(simple):
    octahedral, tetrahedral = np.array([0.5, 0.5, 0.5]), np.array([0.75, 0.75, 0.75])
    hop = IonHop("Al", 2 * np.eye(3), octahedral, tetrahedral, "sites of a cubic crystal")
    metal = simple.phase(phase_structure("Ni"))
    found = simple.hop(hop, phase_structure("Al"), "H", metal)
    assert found.atoms == 33
    assert 0.0 < found.barrier_ev < 2.0
    assert simple.hop(hop, phase_structure("Al"), "H", metal) == found


def test_what_does_not_come_to_rest_is_said(simple, monkeypatch, tmp_path):
    monkeypatch.setattr(room, "_MOST_STEPS", 1)
    with pytest.raises(MaterialError, match="Ni did not come to rest in 1 steps"):
        simple.phase(phase_structure("Ni"))
    assert not list(tmp_path.iterdir())


def test_every_structure_is_its_phase_at_its_volume():
    phases = {phase for step in all_steps() for phase in (*step.before, *step.after)}
    found = [structure for phase in sorted(phases) if (structure := phase_structure(phase))]
    assert len(found) > 40
    table = shipped_table("phases").query("quantity == 'volume'")
    volumes = dict(zip(table["phase"], table["value"].astype(float), strict=True))
    for structure in found:
        atoms = room._atoms(structure)
        units = len(atoms) / sum(room.composition(structure.phase).values())
        assert units == pytest.approx(round(units))
        for element, count in room.composition(structure.phase).items():
            assert sum(symbol == element for symbol in atoms.symbols) == pytest.approx(units * count)
        assert atoms.get_volume() / units / 1000 == pytest.approx(volumes[structure.phase], rel=0.02)


def test_the_gap_s_sites_lie_where_the_ion_has_six_neighbours_and_four():
    hop, host = ion_hop("Bi2Te3"), phase_structure("Bi2Te3")
    cell = room._supercell(host, hop.cell)
    assert len(cell) == 45
    for place, neighbours in ((hop.start, 6), (hop.end, 4)):
        with_ion = cell.copy()
        with_ion.append("Na")
        with_ion.positions[-1] = room._conventional(host).T @ place
        tellurium = [k for k, symbol in enumerate(cell.symbols) if symbol == "Te"]
        assert (with_ion.get_distances(-1, tellurium, mic=True) < 3.1).sum() == neighbours
