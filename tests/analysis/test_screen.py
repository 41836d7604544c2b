"""Many hosts at once: ranked as each would be predicted alone, and refused where a row makes no sense."""

import numpy as np
import pytest

from ionfront.analysis.predict import predict_path
from ionfront.analysis.screen import read_candidates, screen, screened_table
from ionfront.core import UsageError
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment

OWN = "host,ion,mechanism,ions,volume_nm3,expansion,bulk_modulus_gpa,potential_v,hop_barrier_ev,product\n"
ROW = "VS2,Na,intercalation,0.7,0.057,1.15,45,1.6,0.3,Na0.7VS2\n"


@pytest.fixture(scope="module")
def head():
    return load_kinetics_head()


@pytest.fixture
def table(tmp_path):
    def write(text, **experiment):
        path = tmp_path / "hosts.csv"
        path.write_text(text)
        return read_candidates(path, Experiment(**experiment))

    return write


def test_each_row_is_what_it_would_be_alone(head, table):
    found = screen(table("host,ion\nNiO,Li\nNiO,Na\nBi2Te3,Na\nSi,Li\n"), head)
    speeds = [one.velocity_nm_s.value for one in found]
    assert speeds == sorted(speeds, reverse=True)
    for one in found:
        alone = predict_path(one.candidate.host, [one.candidate.ion], Experiment(), head, as_seen=False)
        slowest = min(alone, key=lambda p: p.velocity_nm_s.value)
        assert one.step == slowest.step.number
        assert one.velocity_nm_s.value == pytest.approx(slowest.velocity_nm_s.value, rel=1e-4)
        assert one.through == pytest.approx(min(p.through for p in alone), abs=1e-5)


def test_time_is_size_over_speed_and_c_rate_one_over_it(head, table):
    (one,) = screen(table("host,ion,size_nm\nNiO,Li,500\n"), head)
    assert one.time_s.value == pytest.approx(500 / one.velocity_nm_s.value)
    assert one.time_s.low == pytest.approx(500 / one.velocity_nm_s.high)
    assert one.c_rate.high == pytest.approx(3600 / one.time_s.low)
    assert one.time_s.low < one.time_s.value < one.time_s.high


def test_a_small_slow_particle_may_be_done_before_a_large_fast_one(head, table):
    rows = "host,ion,size_nm\nNiO,Li,1000\nNiO,Na,50\n"
    fast, soon = (screen(table(rows), head, order)[0].candidate.ion for order in ("speed", "time"))
    assert (fast, soon) == ("Li", "Na")


def test_hosts_of_one_s_own_need_their_numbers(head, table):
    (one,) = screen(table(OWN + ROW), head)
    assert one.flags == ()
    (bare,) = screen(table(OWN + ROW.replace("1.6,0.3", ",")), head)
    assert bare.flags == ("potential assumed", "barrier assumed")
    (far,) = screen(table(OWN + ROW.replace("1.15", "30")), head)
    assert "expansion beyond what was learned" in far.flags
    assert np.isfinite(screened_table([one])["velocity_nm_s"]).all()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("host,ion\nNiO,Mg\n", "line 2: ion 'Mg' is unknown"),
        ("host,ion\nNiO,Li\nunobtainium,Li\n", "line 3: unobtainium is not in the table"),
        ("host,ion\nAl,K\n", "not known to react"),
        ("host,ion\nNiO,\n", "ion is empty"),
        ("host,colour\nNiO,red\n", "host and ion are needed"),
        ("host,ion\n", "no rows"),
        ("", "cannot be read"),
        ("host,ion,size_nm\nNiO,Li,large\n", "size_nm is 'large'"),
        ("host,ion,size_nm\nNiO,Li,-5\n", "size_nm is -5"),
        ("host,ion,geometry\nNiO,Li,cube\n", "geometry is 'cube'"),
        (OWN + ROW.replace("45", ""), "lacks bulk_modulus_gpa"),
        (OWN + ROW.replace("45", "-45"), "bulk_modulus_gpa is -45"),
        (OWN + ROW.replace("intercalation", "magic"), "mechanism 'magic'"),
        (OWN + ROW.replace("Na0.7VS2", "Na?"), "not a formula"),
    ],
)
def test_rows_that_make_no_sense_are_named(table, text, match):
    with pytest.raises(UsageError, match=match):
        table(text)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_candidates(tmp_path / "none.csv", Experiment())
