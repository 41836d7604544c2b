import math

import pytest

from ionfront.core import Calibration, CalibrationError


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["pixel_size_nm", "frame_time_s"])
def test_impossible_scales_are_refused(name, value):
    with pytest.raises(CalibrationError, match=name):
        Calibration(**{name: value})
    with pytest.raises(CalibrationError, match=name):
        Calibration(1.0, 1.0).overridden(**{name: value})


def test_a_user_value_replaces_the_files_and_says_so():
    of_file = Calibration(0.5, 2.0, "file: OME-XML", "file: OME-XML")
    mine = of_file.overridden(pixel_size_nm=0.25)
    assert mine.pixel_size_nm == 0.25
    assert mine.pixel_size_source == "user"
    assert (mine.frame_time_s, mine.frame_time_source) == (2.0, "file: OME-XML")
    assert of_file.overridden(frame_time_s=1.0).frame_time_source == "user"
    assert of_file.pixel_size_nm == 0.5
    assert of_file.overridden() == of_file


@pytest.mark.parametrize("pixel_size_nm", [None, 0.5])
@pytest.mark.parametrize("frame_time_s", [None, 2.0])
def test_units_follow_from_what_is_known(pixel_size_nm, frame_time_s):
    calibration = Calibration(pixel_size_nm, frame_time_s)
    assert calibration.length_unit == ("px" if pixel_size_nm is None else "nm")
    assert calibration.time_unit == ("frame" if frame_time_s is None else "s")


def test_what_is_missing_is_warned_of_with_the_option_that_mends_it():
    assert Calibration(1.0, 1.0).warnings == ()
    (pixel,) = Calibration(None, 1.0).warnings
    (frame,) = Calibration(1.0, None).warnings
    assert "PIXELS" in pixel
    assert "--pixel-size-nm" in pixel
    assert "FRAMES" in frame
    assert "--frame-time-s" in frame
    assert Calibration().warnings == (pixel, frame)
