"""The page in a real browser: what a person does, on a desk and on a phone, with nothing loaded from elsewhere."""

import shutil

import numpy as np
import pytest
from imagecodecs import png_encode

from ionfront.datasets import random_scene
from ionfront.serving.client import Client

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


WIDEST = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + '#' + e.id).slice(0, 5)"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "phone"])
def page(request, browser, server):
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    asked, said = [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: said.append(str(e)))
    page.goto(server)
    page.wait_for_selector("#predict-form select[name=host] option:nth-child(10)", state="attached")
    yield page
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, page.evaluate(WIDEST)
    assert [url for url in asked if not url.startswith((server, "data:", "blob:"))] == []
    assert said == []
    page.close()


def test_a_prediction_has_a_table_a_waterfall_and_reasons(page):
    page.select_option("#predict-form select[name=host]", "Bi2Te3")
    page.select_option("#geometries", "open_concave")
    page.click("#predict-form button")
    page.wait_for_selector("#predict-result:not([hidden])")
    assert page.locator("#expected tr").count() == 4
    assert page.locator("#waterfalls svg rect").count() == 4 * 8
    assert "measured" in page.inner_text("#reasons") or "computed" in page.inner_text("#reasons")


def test_a_movie_is_sent_analyzed_and_reported(page, movies):
    before = page.locator("#jobs button:has-text('Report')").count()
    page.set_input_files("#movie-form input[type=file]", movies)
    page.fill("#movie-form input[name=pixel_size_nm]", "1.5")
    page.select_option("#movie-form select[name=host]", "NiO")
    page.select_option("#movie-form select[name=ion]", "Li")
    page.click("#movie-form button")
    reports = page.locator("#jobs button:has-text('Report')")
    playwright.expect(reports).to_have_count(before + 1, timeout=60_000)
    with page.expect_popup() as report:
        reports.first.click()
    report.value.wait_for_load_state()
    assert "IonFront" in report.value.content()
    report.value.close()


def test_a_live_measurement_is_watched(page, server):
    scene = random_scene(5, size_px=96, n_frames=12, n_fronts=1)
    rule = {"name": "enough", "when": "dose", "value": 20, "actions": ["blank the beam"], "frames": 1}
    with Client(server) as client:
        session = client.begin_session(name="wire on grid 4", pixel_size_nm=1.5, rules=[rule])
        for number in range(6):
            session.push(scene.frame(number)[0], float(scene.time_s[number]), dose_e_nm2=5.0)
        page.click("#session-list tr:has-text('open') button:has-text('Watch')")
        page.wait_for_selector("#live:not([hidden]) #picture:not([hidden])")
        page.wait_for_function("document.querySelector('#picture').naturalWidth === 96")  # pictures follow one another
        assert "Frame 5" in page.inner_text("#live-now")
        assert "enough at" in page.inner_text("#decisions")
        assert page.locator("#course svg circle, #course svg line").count() > 6
        for number in range(6, 12):
            session.push(scene.frame(number)[0], float(scene.time_s[number]))
        playwright.expect(page.locator("#live-now")).to_contain_text("Frame 11")
        page.click("#session-list tr:has-text('open') button:has-text('Close')")
        playwright.expect(page.locator("#session-list button:has-text('kinetics.json')").first).to_be_visible(
            timeout=30_000
        )
        playwright.expect(page.locator("#session-list tr:has-text('open')")).to_have_count(0)


def test_a_frame_shows_its_phases(page, tmp_path):
    frame = np.random.default_rng(0).integers(0, 4000, (96, 128)).astype("<u2")
    (tmp_path / "frame.png").write_bytes(png_encode(frame))
    page.set_input_files("#frame-form input[type=file]", tmp_path / "frame.png")
    page.click("#frame-form button")
    page.wait_for_selector("#frame-result:not([hidden])")
    assert page.eval_on_selector("#labels", "canvas => [canvas.width, canvas.height]") == [128, 96]
    assert page.locator("#areas li").count() == 5
    assert page.is_visible("#foreign")


def test_what_is_wrong_is_said(page, tmp_path):
    for box in page.locator("#predict-form input[type=checkbox]").all():
        box.uncheck()
    page.click("#predict-form button")
    page.wait_for_selector("#alarm:not([hidden])")
    assert "ion" in page.inner_text("#alarm")
    page.check("#predict-form input[value=Li]")
    page.click("#predict-form button")
    page.wait_for_selector("#alarm", state="hidden")


def test_the_description_of_the_routes_can_be_read(page, server):
    page.click("a:has-text('For programs')")
    page.wait_for_selector(".opblock-summary-path")
    paths = " ".join(page.locator(".opblock-summary-path").all_inner_texts()).replace("\u200b", "")
    assert all(route in paths for route in ("/segment", "/kinetics/predict", "/movies/{job_id}", "/sessions"))


def test_everything_is_reached_by_keyboard(page):
    wanted, reached = {"Analyze", "Segment", "Predict", "size_nm", "geometry", "pixel_size_nm"}, set()
    for _ in range(300):  # measurements of other tests have buttons too
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        if wanted <= reached:
            break
    assert wanted <= reached
