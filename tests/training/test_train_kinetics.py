"""The kinetics head in training: small, but the whole way from simulation to a file that answers."""

import json

import numpy as np
import pytest
import torch

from ionfront.core import ModelFileError, OutputExistsError, UsageError
from ionfront.datasets import material_steps
from ionfront.models.kinetics_features import DESCRIPTORS, FEATURES
from ionfront.models.kinetics_head import SPEED_LEVELS, load_kinetics_head
from ionfront.models.reaction import Experiment, reactions
from ionfront.training.kinetics_data import KineticsData
from ionfront.training.kinetics_module import KineticsNetwork
from ionfront.training.train_kinetics import train_kinetics, widening

SMALL = [
    "--data.simulated",
    "4",
    "--data.courses",
    "1500",
    "--data.strangers",
    "1500",
    "--data.workers",
    "1",
    "--trainer.max_epochs",
    "3",
]
SMALL += ["--model.members", "2", "--folds", "2", "--tracking.uri", "none"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "head.onnx"
    return train_kinetics([*SMALL, "--output.path", str(path)])


def case(**more):
    steps = [material_steps("NiO", ion)[0] for ion in ("Li", "Na", "K")]
    return reactions(steps, [Experiment("flake", **more)] * 3)


def test_a_small_training_answers_for_hosts_that_it_left_out(trained):
    assert 0.3 < trained.median_error < 1.5
    said = load_kinetics_head(trained.model_path).predict(case())
    assert (said.log_speed[:, 1] < said.log_speed[:, 0]).all()
    assert (said.log_speed[:, 0] < said.log_speed[:, 2]).all()
    assert (np.diff(said.quantiles, axis=1) > 0).all()
    assert said.contributions.sum(axis=1) == pytest.approx(said.log_speed[:, 0])
    assert said.laws.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert ((said.through > 0) & (said.through < 1)).all()
    assert said.outside == ((), (), ())


def test_what_lies_beyond_the_training_is_said(trained):
    head = load_kinetics_head(trained.model_path)
    (outside,) = head.predict(reactions([material_steps("NiO", "Li")[0]], [Experiment(size_nm=1e6)])).outside
    assert outside == ("size [log nm]",)


def test_a_batch_is_as_one_by_one(trained):
    head, together = load_kinetics_head(trained.model_path), case()
    alone = reactions([material_steps("NiO", "Na")[0]], [Experiment("flake")])
    assert head.predict(together).log_speed[1] == pytest.approx(head.predict(alone).log_speed[0], abs=1e-5)


def test_a_known_contact_tells_a_slow_cell_from_a_fast_one(trained):
    head = load_kinetics_head(trained.model_path)
    bad, good = (head.predict(case(contact_ohm_m2=r)).log_speed[:, 0] for r in (0.1, 1e-3))
    assert (good > bad).all()


def test_every_parameter_has_a_gradient_and_quantiles_never_cross():
    network = KineticsNetwork(8)
    torch.nn.init.normal_(network.layers[-1].weight)
    out = network(torch.randn(16, len(FEATURES)))
    assert out[0].shape == (16, len(SPEED_LEVELS))
    assert (out[0].diff(dim=1) > 0).all()
    sum(part.square().sum() for part in out).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_widened_intervals_hold_what_was_asked_for(level):
    truth = np.random.default_rng(0).normal(size=2000)
    moved = widening(np.full(2000, -1.0), np.full(2000, 1.0), truth, level)
    assert (np.abs(truth) <= 1 + moved).mean() == pytest.approx(level, abs=0.005)
    assert widening(np.full(5, -9.0), np.full(5, 9.0), truth[:5], level) == 0
    assert widening(np.empty(0), np.empty(0), np.empty(0), level) == 0


def test_bad_knobs_and_files_are_refused(trained, tmp_path):
    with pytest.raises(UsageError, match="no_such_knob"):
        train_kinetics([*SMALL, "--data.no_such_knob", "1"])
    with pytest.raises(OutputExistsError):
        train_kinetics([*SMALL, "--output.path", str(trained.model_path)])
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_kinetics_head(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelFileError, match="not an ONNX file"):
        load_kinetics_head(tmp_path / "text.onnx")


def test_measured_fronts_join_and_those_of_one_movie_share_a_weight(tmp_path):
    velocity = {"value": 20.0, "low": 15.0, "high": 26.0}
    seen = {"from": "pristine", "velocity_nm_s": velocity, "exponent": None, "shape": "planar"}
    for name, products in (("one", ["converted"]), ("two", ["converted", "alloyed"])):
        (tmp_path / name).mkdir()
        cycles = [{"direction": "insertion", "transitions": [{**seen, "to": product} for product in products]}]
        record = {"material": {"host": "Bi2Te3", "ion": "Na"}, "cycles": cycles}
        (tmp_path / name / "kinetics.json").write_text(json.dumps(record))
    runs = [str(tmp_path / name) for name in ("one", "two")]
    data = KineticsData(simulated=2, courses=20, strangers=20, runs=runs, workers=1, measured_weight=100.0)
    data.draw()
    measured = data.train.of(data.train.weight > 1)
    assert measured.log_speed == pytest.approx([np.log10(20)] * 3)
    assert measured.weight == pytest.approx([100.0, 50.0, 50.0])
    assert np.isnan(measured.exponent).all()


def test_descriptors_come_first_among_the_features():
    assert FEATURES[: len(DESCRIPTORS)] == DESCRIPTORS
