"""Predictions of the bundled head: the cases that the field knows, from descriptors alone, and what they rest on."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.analysis.plots_predict import waterfall
from ionfront.analysis.predict import predict_path, predict_steps, prediction_record, steps_of_path
from ionfront.core import MaterialError, UsageError
from ionfront.datasets import IONS, hosts, material_steps
from ionfront.models.cell_contact import CellContact
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment, reactions
from ionfront.physics import LAW_NAMES


@pytest.fixture(scope="module")
def head():
    return load_kinetics_head()


def main_speeds(head, host, mechanism, experiment=Experiment(), **more):
    """log10 of the speed of the step of that kind, by ion."""
    said = predict_path(host, IONS, experiment, head, **more)
    steps = [p for p in said if p.step.mechanism == mechanism]
    return {p.step.ion: np.log10(p.velocity_nm_s.value) for p in reversed(steps)}


def test_bismuth_telluride_takes_sodium_fastest_because_of_its_front(head):
    """The order that was seen, and without the concave front the other way round, as the paper argues."""
    seen = main_speeds(head, "Bi2Te3", "conversion")
    assert seen["Na"] > seen["Li"]
    assert seen["Na"] > seen["K"]
    flat = main_speeds(head, "Bi2Te3", "conversion", as_seen=False)
    assert flat["Na"] < flat["Li"]
    assert [len(material_steps("Bi2Te3", ion)) for ion in IONS] == [2, 2, 3]


def test_oxides_and_sulphides_take_lithium_faster(head):
    assert (nickel := main_speeds(head, "NiO", "conversion"))["Li"] > nickel["Na"]
    wire, flake = Experiment("wire_axial", 2000.0), Experiment()
    for host, mechanism, ratio, where in (("SnO2", "conversion", 30, wire), ("MoS2", "intercalation", 10, flake)):
        said = {p.step.ion: p for p in predict_path(host, IONS, where, head) if p.step.mechanism == mechanism}
        lead = np.log10(said["Li"].velocity_nm_s.value / said["Na"].velocity_nm_s.value)
        widths = [np.log10(said[ion].velocity_nm_s.high / said[ion].velocity_nm_s.low) / 2 for ion in ("Li", "Na")]
        assert lead > 0
        assert abs(lead - np.log10(ratio)) < np.hypot(*widths)


def test_silicon_limits_itself_in_a_sphere_and_not_in_a_film(head):
    (sphere,), (film,) = (predict_path("Si", ["Li"], Experiment(name, 75.0), head) for name in ("sphere", "film"))
    assert sphere.velocity_nm_s.value < film.velocity_nm_s.value
    assert sphere.exponent.value < film.exponent.value
    assert sphere.through < film.through


def test_black_phosphorus_takes_sodium_along_zigzag_alone(head):
    lithium, sodium = (predict_path("P", [ion], Experiment(), head)[0].along_over_across for ion in ("Li", "Na"))
    assert sodium > 3 * lithium > 3


def test_names_do_not_matter(head):
    steps = [step for host in hosts() for step in material_steps(host, "Na")]
    renamed = [replace(step, host=f"host {k}") for k, step in enumerate(reversed(steps))][::-1]
    where = [Experiment()] * len(steps)
    first, again = (head.predict(reactions(of, where)).log_speed for of in (steps, renamed))
    assert np.array_equal(first, again)


def test_parts_add_up_and_say_what_they_rest_on(head):
    for prediction in predict_path("NiO", IONS, Experiment("sphere", 40.0), head):
        total = sum(part.log10 for part in prediction.contributions)
        assert total == pytest.approx(np.log10(prediction.velocity_nm_s.value), abs=1e-9)
        assert all(part.rests_on for part in prediction.contributions)
        assert prediction.velocity_nm_s.low < prediction.velocity_nm_s.value < prediction.velocity_nm_s.high
        assert sum(prediction.law_probabilities.values()) == pytest.approx(1, abs=1e-5)
    potential = prediction.contributions[2].rests_on
    assert "measured" in potential
    assert "bias 1 V" in potential


def test_the_record_and_the_picture_have_every_step(head):
    said = predict_path("Bi2Te3", IONS, Experiment(), head)
    record = prediction_record(said)
    assert [(row["ion"], row["step"]) for row in record][-1] == ("K", 3)
    assert record[2]["geometry"] == "open_concave"
    assert "Cui" in record[2]["geometry_from"]
    assert set(record[0]["law_probabilities"]) == set(LAW_NAMES)
    assert len(waterfall(said).axes) == 7


def test_what_does_not_react_is_refused(head):
    with pytest.raises(UsageError, match="not known to react"):
        predict_path("Al", ["Na"], Experiment(), head)
    with pytest.raises(MaterialError, match="unobtainium"):
        predict_path("unobtainium", ["Na"], Experiment(), head)


def test_many_paths_at_once_are_as_one_by_one(head):
    paths = [steps_of_path("P", ["Li", "Na"], Experiment()), steps_of_path("NiO", ["K"], Experiment("sphere", 40.0))]
    together = predict_steps([step for path in paths for step in path], head)
    alone = [prediction for path in paths for prediction in predict_steps(path, head)]
    assert len(together) == len(alone)
    for one, other in zip(together, alone, strict=True):
        assert one.step == other.step
        assert one.velocity_nm_s.value == pytest.approx(other.velocity_nm_s.value, rel=1e-5)
        assert (one.along_over_across or 0.0) == pytest.approx(other.along_over_across or 0.0, rel=1e-5)


def test_both_directions_are_compared_in_the_same_cell(head):
    bad = CellContact(np.array([1.0]), np.array([1.0]))  # a contact so bad that it alone sets the speed
    (step, *_) = predict_path("P", ["Li"], Experiment(), head, cell=bad)
    assert step.along_over_across == pytest.approx(1.0, abs=0.15)
