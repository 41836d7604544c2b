"""Laws of the interface against their limits, and against an integral that is worked out another way."""

import numpy as np
import pytest
from scipy import special

from ionfront.physics import butler_volmer, marcus_hush_chidsey

KT = 8.617333262e-5 * 298.15


@pytest.mark.parametrize("law", [butler_volmer, lambda drive: marcus_hush_chidsey(drive, 0.5)])
def test_small_drives_are_answered_in_proportion(law):
    drive = KT * np.array([1e-4, 1e-3])
    np.testing.assert_allclose(law(drive), drive / KT, rtol=1e-3)


@pytest.mark.parametrize("law", [butler_volmer, lambda drive: marcus_hush_chidsey(drive, 0.5)])
def test_a_used_up_drive_moves_nothing_and_more_of_it_never_less(law):
    drive = np.linspace(-1, 3, 400)
    speed = law(drive)
    assert not speed[drive <= 0].any()
    assert (np.diff(speed) >= -1e-9 * speed[1:]).all()
    assert np.isfinite(law(np.array([30.0]))).all()


def test_large_drives_follow_tafel():
    drive = np.array([0.5, 0.6])
    ratio = np.diff(np.log(butler_volmer(drive, transfer=0.3)))
    np.testing.assert_allclose(ratio, 0.3 * 0.1 / KT, rtol=1e-4)


def test_marcus_levels_off_where_butler_and_volmer_do_not():
    drive = np.array([1.5, 2.5])
    marcus, butler = marcus_hush_chidsey(drive, 0.4), butler_volmer(drive)
    assert marcus[1] / marcus[0] < 1.05
    assert butler[1] / butler[0] > 1e6


@pytest.mark.parametrize("reorganisation", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("drive", [0.05, 0.2, 0.5, 1.0, 3.0])
def test_forth_and_back_differ_by_the_drive(reorganisation, drive):
    x = np.linspace(-600, 600, 400_001)
    width = reorganisation / KT

    def rate(n):
        return np.trapezoid(np.exp(-((x - width + n) ** 2) / (4 * width)) * special.expit(-x), x)

    exact = (rate(drive / KT) - rate(-drive / KT)) / rate(0.0)
    assert marcus_hush_chidsey(drive, reorganisation) == pytest.approx(exact, rel=1e-6)


def test_drives_and_energies_may_be_arrays():
    drives, energies = np.array([[0.1], [0.4]]), np.array([0.3, 0.5, 0.9])
    table = marcus_hush_chidsey(drives, energies)
    assert table.shape == (2, 3)
    assert table[1, 2] == pytest.approx(float(marcus_hush_chidsey(0.4, 0.9)))
