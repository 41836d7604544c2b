"""The report says what was found, how sure that is, and what is not known; it needs nothing but itself."""

import re
from base64 import b64decode
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ionfront.analysis.kinetics_json import kinetics_record
from ionfront.analysis.report import ReportMaterial, write_report
from ionfront.analysis.wording import format_probability, format_quantity, format_size, quantity_text, unit_of
from ionfront.core import Calibration, OutputExistsError, PhaseScheme
from ionfront.fronts import FrontResult, FrontTracker

SCHEME = PhaseScheme(("background", "pristine", "intercalated", "converted"), ("pristine", "intercalated", "converted"))
CALIBRATED = Calibration(0.5, 2.0, "file: OME-XML", "user")
MODEL = {"name": "unet", "version": "1.2", "sha256": "0f" * 32, "averaged_frames": 3}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@cache
def bar_result(calibration: Calibration, speeds_px: tuple[float, ...]) -> FrontResult:
    """A bar that flat fronts cross from the left at these speeds, one phase after the other."""
    tracker = FrontTracker(SCHEME, (48, 96), register=False)
    y, x = np.mgrid[:48, :96]
    bar = (abs(y - 24) < 12) & (x > 8) & (x < 88)
    for index in range(40):
        label = bar.astype(int)
        for step, speed in enumerate(speeds_px):
            label[bar & (x - 8 < speed * (index - 3 - 8 * step))] = 2 + step
        tracker.push(index * (calibration.frame_time_s or 1.0), np.eye(4, dtype=np.float32)[label].transpose(2, 0, 1))
    return tracker.result(calibration)


def material(calibration: Calibration = CALIBRATED, speeds_px: tuple[float, ...] = (2.0,), **changes) -> ReportMaterial:
    result = bar_result(calibration, speeds_px)
    kinetics = kinetics_record(result, calibration, source="movies/run <3>.tif", model=MODEL)
    made = ReportMaterial(
        source="movies/run <3>.tif",
        result=result,
        calibration=calibration,
        scheme=SCHEME,
        first_frame=np.random.default_rng(0).poisson(40, (48, 96)).astype(np.uint16),
        model=MODEL,
        kinetics=kinetics,
        warnings=tuple(kinetics["warnings"]),
        software_version="9.9",
        host="Bi2Te3",
        ion="Na",
    )
    return replace(made, **changes)


class Page(HTMLParser):
    """Text, attributes and balance of tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(folder: Path, made: ReportMaterial) -> Page:
    path = folder / "report.html"
    write_report(path, made)
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.open
    return page


def images(page: Page) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in page.tags if tag == "img"]


def test_one_front_in_words_and_pictures(tmp_path):
    page = page_of(tmp_path, material())
    assert re.search(r"pristine → intercalated moved at 0\.(?:49|50)\d* nm/s \(95 %: [\d.]+ to [\d.]+\)", page.text)
    assert "linear law (P" in page.text
    assert "Na in Bi2Te3 · Source: movies/run <3>.tif" in page.text
    assert "0.5 nm file: OME-XML" in page.text
    assert "unet" in page.text
    assert "NOT CALIBRATED" not in page.text
    assert len(images(page)) == 8
    assert "Methods, for a paper" in page.text
    assert "IonFront 9.9" in page.text
    assert all(len(str(image["alt"])) > 20 for image in images(page))


def test_two_fronts_have_a_column_and_maps_each(tmp_path):
    page = page_of(tmp_path, material(speeds_px=(2.4, 1.6)))
    assert "intercalated → converted moved at" in page.text
    assert len(images(page)) == 12
    assert "Lag behind the step before" in page.text


def test_no_reaction_says_so(tmp_path):
    page = page_of(tmp_path, material(speeds_px=()))
    assert "No reaction was observed" in page.text
    assert "Transitions" not in page.text
    assert len(images(page)) == 3


def test_a_movie_without_a_particle_still_has_a_page(tmp_path):
    tracker = FrontTracker(SCHEME, (48, 96), register=False)
    for time in range(3):
        empty = np.zeros((4, 48, 96), np.float32)
        empty[0] = 1
        tracker.push(float(time), None if time == 1 else empty)
    page = page_of(tmp_path, replace(material(speeds_px=()), result=tracker.empty_result()))
    assert "No reaction was observed" in page.text
    assert "outline of the particle" not in page.text


def test_a_missing_calibration_is_impossible_to_overlook(tmp_path):
    page = page_of(tmp_path, material(Calibration(), model=None))
    assert "NOT CALIBRATED" in page.text
    assert "lengths are in PIXELS" in page.text
    assert "times are in FRAMES" in page.text
    assert "px/frame" in page.text
    assert "nm/s" not in page.text
    assert page.text.count("NOT KNOWN") == 2
    assert "labels.zarr" not in page.text


def test_every_warning_is_shown_once(tmp_path):
    made = material()
    result = replace(made.result, warnings=("Only the largest particle was measured.",))
    page = page_of(tmp_path, replace(made, result=result, warnings=("A <b> frame.", *result.warnings)))
    assert "2 warnings" in page.text
    assert page.text.count("Only the largest particle was measured.") == 1
    assert "A <b> frame." in page.text


def test_a_front_too_short_for_a_rate_says_so(tmp_path):
    page = page_of(tmp_path, material(speeds_px=(40.0,)))
    assert "too few frames show it on its way for a rate law" in page.text
    assert "a rate law needs" in page.text  # the reason, as a warning
    assert "nan" not in page.text.lower()


def test_two_cycles_are_told_apart(tmp_path):
    made = material()
    cycle = made.kinetics["cycles"][0]
    back = cycle | {"direction": "extraction"}
    page = page_of(tmp_path, replace(made, kinetics=made.kinetics | {"cycles": [cycle, back]}))
    assert "Cycle 1: insertion, 0 to 78 s" in page.text
    assert "Cycle 2: extraction" in page.text


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    page = page_of(tmp_path, material())
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(str(image["src"]).startswith("data:image/") for image in images(page))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(", text)


def test_every_figure_can_be_saved_and_every_curve_has_its_data(tmp_path):
    page = page_of(tmp_path, material())
    saved = {str(a["download"]): str(a["href"]) for tag, a in page.tags if tag == "a" and "download" in a}
    assert sum(name.endswith(".svg") for name in saved) == len(images(page))
    assert {name for name in saved if name.endswith(".csv")} == {"position.csv", "areas.csv", "drift.csv"}
    content = b64decode(saved["position.csv"].removeprefix("data:text/csv;base64,")).decode()
    header, *rows = content.splitlines()
    assert header.startswith("frame,time_s,particle,half_cycle,transition,position_nm")
    assert len(rows) == 40


def test_a_finished_report_is_not_overwritten_unasked(tmp_path):
    made, path = material(speeds_px=()), tmp_path / "report.html"
    write_report(path, made)
    with pytest.raises(OutputExistsError, match="never overwritten"):
        write_report(path, made)
    write_report(path, made, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (12.345, 11.9, 12.8, "12.3 (11.9–12.8)"),
        (12.345, 12.2, 12.5, "12.35 (12.20–12.50)"),
        (12345.0, 11900.0, 12800.0, "12300 (11900–12800)"),
        (-0.0057, -0.0086, -0.0029, "−0.0057 (−0.0086 to −0.0029)"),
        (1.23e-6, 1.2e-6, 1.26e-6, "1.230 (1.200–1.260) × 10⁻⁶"),
        (5.28, 0.0547, 493.0, "5.3 (0.055 to 490)"),
        (12.3, 0.31, 60.0, "12 (0.31 to 60)"),
        (5.0, 5.0, 5.0, "5.00 (5.00–5.00)"),
        (0.0, 0.0, 0.0, "0 (0–0)"),
        (3.14159, None, None, "3.14 (no interval)"),
        (3.14159, float("nan"), 4.0, "3.14 (no interval)"),
        (float("nan"), 1.0, 2.0, "not known"),
        (None, None, None, "not known"),
    ],
)
def test_numbers_have_the_digits_that_their_interval_supports(value, low, high, text):
    assert format_quantity(value, low, high) == text


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("velocity_nm_s", "nm/s"),
        ("velocity_px_frame", "px/frame"),
        ("B_nm2_s", "nm²/s"),
        ("onset_frame", "frames"),
        ("length_px", "px"),
        ("curvature_per_nm", "1/nm"),
        ("exponent", ""),
    ],
)
def test_the_unit_is_read_from_the_name(name, unit):
    assert unit_of(name) == unit


def test_probabilities_are_never_falsely_certain():
    assert [format_probability(p) for p in (0.0, 0.984, 1.0)] == ["< 0.01", "0.98", "> 0.99"]


def test_sizes_and_quantities_of_json():
    assert [format_size(x) for x in (0.0, 100.0, 6.25e7, -0.25)] == ["0", "100", "6.25 × 10⁷", "−0.25"]
    assert quantity_text({"value": 0.5, "low": 0.48, "high": None}, "nm") == "0.5 (no interval) nm"
    assert quantity_text(None, "nm") == "not known"
