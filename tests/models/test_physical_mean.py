"""The physical mean: parts add up exactly, units hold, and the seed cases come out of the physics where they do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import UsageError
from ionfront.datasets import IONS, hosts, material_steps
from ionfront.models.physical_mean import PARTS, contributions, mean_log_speed
from ionfront.models.reaction import Experiment, Unknowns, drawn, front_cases, reactions
from ionfront.physics import GEOMETRIES, front_course

ALL = [step for host in hosts() for ion in IONS for step in material_steps(host, ion)]


def log_speed(host: str, ion: str, geometry: str, number: int = 1, unknowns: Unknowns = Unknowns(), **more) -> float:
    step = material_steps(host, ion)[number - 1]
    return float(contributions(reactions([step], [Experiment(geometry, **more)]), unknowns).sum())


@settings(deadline=None)  # the first makes a table
@given(
    st.sampled_from(ALL), st.sampled_from(list(GEOMETRIES)), st.floats(5, 5000), st.floats(0, 3), st.integers(0, 1000)
)
def test_parts_add_up_to_the_speed_exactly(step, geometry, size_nm, bias_v, seed):
    case = reactions([step], [Experiment(geometry, size_nm, bias_v)])
    unknowns = drawn(1, np.random.default_rng(seed))
    parts = contributions(case, unknowns)
    assert parts.shape == (1, len(PARTS))
    assert np.isfinite(parts).all()
    assert parts.sum() == pytest.approx(float(mean_log_speed(front_course(front_cases(case, unknowns)))[0]), abs=1e-9)


def test_what_a_part_may_do():
    """Barriers and resistances cost speed, drives add to it."""
    parts = contributions(reactions(ALL, [Experiment("wire_axial")] * len(ALL)))
    by_name = dict(zip(PARTS, parts.T, strict=True))
    assert (by_name["barrier"] <= 0).all()
    assert (by_name["driving force"] > 0).all()
    assert (by_name["resistance"] < 0).all()
    assert (by_name["interface strain"] <= 0).all()


def test_more_bias_and_less_way_are_faster():
    slow, fast = (log_speed("NiO", "Na", "flake", bias_v=bias) for bias in (0.2, 2.0))
    assert fast > slow
    long, short = (log_speed("NiO", "Na", "flake", size_nm=size) for size in (3000.0, 30.0))
    assert short > long


def test_lithium_is_the_faster_in_oxide_and_sulphide():
    """NiO: a sodium atom brings half the potential. MoS2: a tenth of lithium's pace, as it was seen."""
    assert log_speed("NiO", "Li", "flake") > log_speed("NiO", "Na", "flake")
    assert log_speed("SnO2", "Li", "wire_axial", size_nm=2000.0) > log_speed("SnO2", "Na", "wire_axial", size_nm=2000.0)
    assert 0.5 < log_speed("MoS2", "Li", "flake") - log_speed("MoS2", "Na", "flake") < 1.5


def test_silicon_limits_itself_in_a_sphere_and_not_in_a_film():
    sphere, film = (log_speed("Si", "Li", geometry, size_nm=50.0) for geometry in ("sphere", "film"))
    assert sphere < film - 0.5


def test_tension_ahead_helps_the_ion_that_swells_more():
    """In Bi2Te3 the shape of the front moves sodium more than lithium; without assistance it costs nothing but more."""

    def gained(ion: str, assistance: float) -> float:
        case = replace(Unknowns(), assistance=assistance, strain_share=1.0)
        return log_speed("Bi2Te3", ion, "open_concave", unknowns=case) - log_speed(
            "Bi2Te3", ion, "flake", unknowns=case
        )

    assert gained("Na", 1.2) > gained("Li", 1.2) > 0
    assert gained("Na", 0.0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "wrong", [{"geometry": "cube"}, {"size_nm": 0.0}, {"size_nm": np.nan}, {"temperature_k": -1.0}, {"bias_v": np.inf}]
)
def test_an_impossible_experiment_is_refused(wrong):
    with pytest.raises(UsageError):
        Experiment(**wrong)
