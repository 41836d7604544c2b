"""Logs of potentiostats: whatever program wrote them, the same seconds, volts and amperes come out."""

import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.core import ElectrochemistryError, MissingExtraError
from ionfront.datasets import ElectrochemicalLog, read_electrochemistry

TIME_S = np.array([0.0, 0.5, 1.5, 3.0])
POTENTIAL_V = np.array([0.1, -1.0, -1.0, -2.5])
CURRENT_A = np.array([0.0, -2e-9, -1.5e-9, 4e-9])
POINTS = list(zip(TIME_S, POTENTIAL_V, CURRENT_A, strict=True))


def text(header, rows=None, before="", delimiter=","):
    if rows is None:
        rows = [(t, v, 1e9 * a) for t, v, a in POINTS]
    return before + "\n".join([header, *(delimiter.join(map(str, row)) for row in rows)]) + "\n"


def mpr(n_rows=4, columns=(4, 6, 76)):
    """A file as EC-Lab writes it: two modules, with time, potential and mean current in mA."""
    head = struct.pack("<IB", n_rows, len(columns)) + struct.pack(f"<{len(columns)}H", *columns)
    data = head.ljust(405, b"\0") + b"".join(struct.pack("<dff", t, v, 1e3 * a) for t, v, a in POINTS)
    return b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0" * 4 + module(b"VMP Set", b"\0") + module(b"VMP data", data)


def module(name, content):
    return b"MODULE" + name.ljust(10) + name.ljust(25) + struct.pack("<II", len(content), 2) + b"10/21/11" + content


GAMRY = (
    "EXPLAIN\nTAG\tCHRONOA\nTITLE\tLABEL\tChronoamperometry\tTest &Identifier\nDATE\tLABEL\t3/6/2019\tDate\n"
    "CURVE\tTABLE\t4\n\tPt\tT\tVf\tIm\tVu\tOver\n\t#\ts\tV\tA\tV\tbits\n"
    + "".join(f"\t{i}\t{t}\t{v}\t{a}\t0\t...........\n" for i, (t, v, a) in enumerate(POINTS))
)

EC_LAB = (
    "EC-Lab ASCII FILE\nNb header lines : 4\n\n"
    "mode\ttime/s\tcontrol/V/mA\tEwe/V\t<I>/mA\tCapacity/mA.h\n"
    + "".join(f"1\t{t}\t0\t{v}\t{a * 1e3}\t0\n".replace(".", ",") for t, v, a in POINTS)
)

FILES = {
    "plain.csv": text("time (s),potential (V),current (nA)"),
    "names.csv": text("time_s,bias_V,current_nA"),
    "excel.csv": text("Time [s];Voltage [V];Current [nA]", delimiter=";").replace(".", ","),
    "comments.txt": text("Time/s\tEwe/V vs. Li/Li+\tI/nA", before="# cell 7\n# dry, Li2O\n\n", delimiter="\t"),
    "others.csv": text(
        "index,Test time (min),U (mV),I (µA),T (°C)",
        [(i, t / 60, 1e3 * v, 1e6 * a, 25) for i, (t, v, a) in enumerate(POINTS)],
    ),
    "bom.csv": "\ufeff" + text("time (s),potential (V),current (nA)"),
    "ec_lab.mpt": EC_LAB,
    "gamry.DTA": GAMRY,
    "ec_lab.mpr": mpr(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_program_tells_the_same(tmp_path, name):
    content = FILES[name]
    if name.endswith((".mpr", ".DTA")):
        pytest.importorskip("galvani" if name.endswith(".mpr") else "gamry_parser", reason="the extra `formats`")
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    log = read_electrochemistry(tmp_path / name)
    np.testing.assert_allclose(log.time_s, TIME_S)
    np.testing.assert_allclose(log.potential_v, POTENTIAL_V, rtol=1e-6)
    np.testing.assert_allclose(log.current_a, CURRENT_A, rtol=1e-6)
    assert log.source.endswith(name)


def test_a_log_without_current_or_with_gaps_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time (s),bias (V)\n0,1\n,7\n2,\n")
    log = read_electrochemistry(path)
    np.testing.assert_array_equal(log.time_s, [0, 2])
    np.testing.assert_array_equal(log.potential_v, [1, np.nan])
    assert np.isnan(log.current_a).all()
    np.testing.assert_array_equal(log.charge_c, [0, 0])


def test_latin_1_micro_is_read(tmp_path):
    path = tmp_path / "a.mpt"
    path.write_bytes(text("time/s\tEwe/V\tI/µA", delimiter="\t").encode("latin-1"))
    np.testing.assert_allclose(read_electrochemistry(path).current_a, 1e-6 * 1e9 * CURRENT_A)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "", "add one"),
        ("a.csv", "hello\nworld\n", "add one"),
        ("a.csv", "time (s),temperature (K)\n0,1\n", "add one"),
        ("a.csv", "time,potential (V)\n0,1\n1,2\n", "unit ''"),
        ("a.csv", "time (s),current (N)\n0,1\n1,2\n", "unit 'N'"),
        ("a.csv", "time (s),potential (V)\n0,1\n1,two\n", "no number"),
        ("a.csv", "time (s),potential (V)\n0,1\n", "two are needed"),
        ("a.csv", "time (s),potential (V)\n0,1\n5,1\n4,1\n", "backwards"),
        ("a.mpr", b"BIO-LOGIC MODULAR FILE".ljust(52), "mpt"),
        ("a.mpr", mpr()[:-9], "mpt"),
        ("a.mpr", mpr(n_rows=7), "mpt"),
        ("a.dta", "EXPLAIN\nTAG\tCV\n", "Gamry"),
        ("a.dta", "", "Gamry"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(tmp_path, name, content, says):
    if name.endswith((".mpr", ".dta")):
        pytest.importorskip("galvani" if name.endswith(".mpr") else "gamry_parser", reason="the extra `formats`")
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ElectrochemistryError, match=says):
        read_electrochemistry(tmp_path / name)


@pytest.mark.parametrize("name", ["gone.csv", "gone.mpr", "gone.DTA"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(ElectrochemistryError, match="gone"):
        read_electrochemistry(tmp_path / name)


@pytest.mark.parametrize(("name", "module"), [("a.mpr", "galvani.BioLogic"), ("a.dta", "gamry_parser")])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(MissingExtraError, match="formats"):
        read_electrochemistry(tmp_path / name)


@given(st.floats(-1e-3, 1e-3), st.floats(0.1, 1e4))
def test_charge_of_a_constant_current_is_current_times_time(current, length):
    time = np.linspace(0, length, 50)
    log = ElectrochemicalLog(time, np.zeros(50), np.full(50, current), "")
    assert log.charge_c[-1] == pytest.approx(current * length)


def test_a_log_is_laid_on_another_clock():
    log = ElectrochemicalLog(np.arange(5.0), np.array([1.0, 2, np.nan, 4, 5]), np.full(5, 2.0), "log").shifted(10)
    np.testing.assert_allclose(log.charge_at([9.9, 10, 11.5, 14, 14.1]), [np.nan, 0, 3, 8, np.nan])
    assert log.covers(10, 14)
    assert not log.covers(9.9, 12)
    assert log.mean_potential_v(10, 14) == pytest.approx(3.0)  # a gap is bridged
    assert log.mean_potential_v(10.5, 11.5) == 2.0
    assert np.isnan(log.mean_potential_v(11.9, 12.1))
    unknown = ElectrochemicalLog(log.time_s, log.potential_v, np.full(5, np.nan), "log")
    assert np.isnan(unknown.charge_at([12.0])).all()


def test_a_current_turns_where_it_first_flows_the_other_way():
    current = 1e-9 * np.array([0, 3, 3, 0.01, -0.02, 0, -2, -2, np.nan, 1, 1])
    log = ElectrochemicalLog(np.arange(11.0), np.full(11, np.nan), current, "cell.csv")
    np.testing.assert_array_equal(log.reversals_s, [6, 9])
    still = ElectrochemicalLog(np.arange(11.0), np.full(11, np.nan), np.zeros(11), "cell.csv")
    assert still.reversals_s.size == 0


def test_noise_and_spikes_are_no_reversals():
    time = np.arange(0, 400, 0.5)
    noise = 1e-10 * np.random.default_rng(0).standard_normal(time.size)
    square = np.where(time < 200, 3e-9, -3e-9)
    square[100] = -1e-7
    for current, away in ((square, 0), (3e-9 * np.sin(2 * np.pi * time / 400), 5)):
        (turn,) = ElectrochemicalLog(time, current, current + noise, "cell.csv").reversals_s
        assert turn == pytest.approx(200, abs=away)
