"""Fronts of finished runs, as the kinetics head learns from them."""

from dataclasses import replace

import numpy as np
import pandas as pd
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


def table_of(rows, folder):
    columns = ("geometry", "size_nm", "bias_v", "temperature_k", "contact_ohm_m2", "shape", "exponent")
    usual = dict.fromkeys(columns) | {"host": "NiO", "ion": "Li", "direction": "insertion", "half_cycle": 1}
    usual |= {"before": "pristine", "after": "converted", "velocity_nm_s_low": 15.0, "velocity_nm_s_high": 26.0}
    pd.DataFrame([usual | row for row in rows]).to_parquet(folder / "kinetics.parquet")


def test_an_archive_gives_the_fronts_of_all_its_runs(tmp_path):
    rows = [
        {"key": "a", "particle": 1, "velocity_nm_s": 20.0, "geometry": "flake", "size_nm": 400.0},
        {"key": "a", "particle": 1, "velocity_nm_s": 20.0},  # the same content under another name
        {"key": "a", "particle": 2, "velocity_nm_s": 90.0},
        {"key": "b", "particle": 1, "velocity_nm_s": 5.0, "velocity_nm_s_low": None},
        {"key": "c", "particle": 1, "velocity_nm_s": 30.0, "host": "Unobtainium"},
        {"key": "d", "particle": 1, "velocity_nm_s": 40.0, "direction": "extraction"},
        {"key": "e", "particle": 1, "velocity_nm_s": 50.0, "shape": "concave", "exponent": 0.7},
    ]
    table_of(rows, tmp_path)
    first, second = measured_fronts(tmp_path)
    assert (first.step.host, first.experiment) == ("NiO", replace(Experiment(), size_nm=400.0))
    assert first.log_speed == pytest.approx(np.log10(20))
    assert (second.experiment.geometry, second.exponent) == ("open_concave", 0.7)
    assert second.run.endswith("/e")
    assert len(measured_fronts(tmp_path / "kinetics.parquet")) == 2
    table_of(rows[4:5], tmp_path)
    with pytest.raises(MaterialError, match="tables know"):
        measured_fronts(tmp_path)
