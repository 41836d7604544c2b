"""Fronts of finished runs, as the kinetics head learns from them."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.core import MaterialError
from ionfront.models.measured_runs import measured_fronts
from ionfront.models.reaction import Experiment


def test_measured_fronts_are_read_with_their_steps(tmp_path):
    velocity = '{"value": 20.0, "low": 15.0, "high": 26.0}'
    seen = f'"velocity_nm_s": {velocity}, "exponent": null, "shape": "concave"'
    cycles = f'[{{"direction": "insertion", "transitions": [{{"from": "pristine", "to": "converted", {seen}}}]}}]'
    material = '{"host": "Bi2Te3", "ion": "Na"}'
    (tmp_path / "kinetics.json").write_text(f'{{"material": {material}, "cycles": {cycles}}}')
    (front,) = measured_fronts(tmp_path)
    assert (front.step.host, front.step.number, front.experiment.geometry) == ("Bi2Te3", 1, "open_concave")
    assert front.log_speed == pytest.approx(np.log10(20))
    assert front.error == pytest.approx(np.log10(26 / 15) / 3.92)
    (tmp_path / "experiment.json").write_text('{"geometry": "flake", "size_nm": 400, "bias_v": 2.0}')
    assert measured_fronts(tmp_path)[0].experiment == replace(Experiment(), size_nm=400, bias_v=2.0)
    (tmp_path / "experiment.json").write_text('{"colour": "red"}')
    with pytest.raises(MaterialError, match="colour"):
        measured_fronts(tmp_path)
    (tmp_path / "kinetics.json").write_text("{}")
    with pytest.raises(MaterialError, match="--host and --ion"):
        measured_fronts(tmp_path)
