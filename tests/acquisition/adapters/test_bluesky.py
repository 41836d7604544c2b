"""Fronts in Bluesky's own run engine, with a movie and with ophyd-async's simulated detector for cameras."""

import math
from dataclasses import replace

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
import pytest
from bluesky import RunEngine
from ophyd_async.core import StaticFilenameProvider, StaticPathProvider
from ophyd_async.sim import SimBlobDetector

from ionfront.acquisition import Inline, LiveFront, Rule
from ionfront.acquisition.adapters.bluesky import FrameDocuments, FrontDevice, MovieDetector, follow_front
from ionfront.core import MovieError, UsageError

PERIOD_S = 1.0


@pytest.fixture
def engine():
    """A run engine, and the documents that it emitted."""
    engine, documents = RunEngine(call_returns_result=True), []
    engine.subscribe(lambda name, document: documents.append((name, document)))
    yield engine, documents
    end(engine)


@pytest.fixture
def front(grey_onnx):
    with LiveFront(grey_onnx, pixel_size_nm=0.5, looks=Inline(1)) as live:
        yield FrontDevice(live)


def end(engine):
    """Its loop and its thread."""
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()


def bar_at(time_s, course_px):
    """A bar of 60 px that a front enters from the left, as far as its course says; 100 grey values a phase."""
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 26) < 12) & (x >= 10) & (x < 70)
    image = np.where(bar, np.where(x - 10 < course_px(time_s), 200.0, 100.0), 0.0)
    image[:8, :16] = 300.0
    return image + np.random.default_rng(int(1000 * time_s)).normal(0, 1.0, image.shape)


def speeding_up(time_s):
    """4 px/s after the 20th second, 1 px/s before."""
    return time_s - 4 if time_s < 20 else 16 + 4 * (time_s - 20)


def followed(engine, front, course_px, **told):
    """What a plan decided that was asked for moves of 1 nm, 2 px."""
    camera = MovieDetector(lambda time_s: bar_at(time_s, course_px), speed=None)
    engine.subscribe(FrameDocuments(front.take, "camera-image", time_field="camera-time"))
    told = {"move": 1.0, "period_s": PERIOD_S, "limits_s": (0.25, 2.0), "frames": 120} | told
    return engine(
        follow_front(camera, front, set_period=lambda period_s: bps.mv(camera.period, period_s), **told)
    ).plan_result


def events(documents, stream):
    """Data of the events of a stream, and its keys."""
    (descriptor,) = [doc for name, doc in documents if name == "descriptor" and doc["name"] == stream]
    data = [doc["data"] for name, doc in documents if name == "event" and doc["descriptor"] == descriptor["uid"]]
    return data, descriptor["data_keys"]


def test_a_front_is_read_with_its_units(engine, front, grey):
    run, documents = engine
    for number, frame in enumerate(grey[:16]):
        state = front.live.push(frame, 2.0 * number)
    run(bp.count([front]))
    (data,), keys = events(documents, "primary")
    assert data["front-position"] == state.fronts[0].position.value
    assert data["front-speed_high"] == state.fronts[0].speed.high
    assert data["front-after"] == "converted"
    assert data["front-area-converted"] == state.area["converted"]
    assert (data["front-frame"], data["front-time"], data["front-missed"]) == (15, 30.0, 0)
    assert math.isnan(data["front-dose"])
    units = {name.removeprefix("front-"): key.get("units") for name, key in keys.items()}
    assert (units["position"], units["speed"], units["area-converted"]) == ("nm", "nm/s", "nm^2")
    assert (units["completion"], units["fraction"]) == ("s", None)
    assert keys["front-through"]["dtype"] == "boolean"


def test_without_a_pixel_size_lengths_are_in_pixels(engine, grey_onnx):
    run, documents = engine
    with LiveFront(grey_onnx, looks=Inline(2)) as live:
        run(bp.count([FrontDevice(live)]))
    (data,), keys = events(documents, "primary")
    assert keys["front-position"]["units"] == "px"
    assert math.isnan(data["front-position"])


def test_the_front_that_is_under_way_is_chosen_or_that_of_a_phase(front, grey):
    for number, frame in enumerate(grey[:16]):
        state = front.live.push(frame, 2.0 * number)
    (seen,) = state.fronts
    second = replace(seen, before="converted", after="marker")
    both = replace(state, fronts=(seen, second))
    assert front.chosen(both) == seen
    passed = replace(seen, position=replace(seen.position, value=seen.depth))
    assert front.chosen(replace(both, fronts=(passed, second))) == second
    assert front.chosen(replace(both, fronts=(passed,))) == passed
    assert FrontDevice(front.live, into="marker").chosen(both) == second
    assert FrontDevice(front.live, particle=2).chosen(both) is None


def test_frames_come_out_of_events_at_the_times_that_a_period_makes(engine, grey):
    run, _ = engine
    camera = MovieDetector(lambda time_s: grey[int(time_s)], period_s=3.0, speed=None)
    got = []
    run.subscribe(FrameDocuments(lambda *frame: got.append(frame), "camera-image", time_field="camera-time"))
    run(bp.count([camera], num=5))
    assert [time_s for _, time_s in got] == [0.0, 3.0, 6.0, 9.0, 12.0]
    np.testing.assert_array_equal([image for image, _ in got], grey[:15:3])


def test_frames_come_out_of_the_file_that_a_detector_writes(engine, tmp_path):
    run, documents = engine
    camera = SimBlobDetector(StaticPathProvider(StaticFilenameProvider("blobs"), tmp_path), name="blobs")
    got = []
    run.subscribe(FrameDocuments(lambda *frame: got.append(frame), "blobs"))
    run(bp.count([camera], num=3))
    assert {"stream_resource", "stream_datum"} <= {name for name, _ in documents}
    assert [image.shape for image, _ in got] == [(240, 320)] * 3
    assert got[0][0].max() > 0
    times = [time_s for _, time_s in got]
    assert times[0] == 0.0
    assert times == sorted(times)


def test_the_period_of_a_detector_is_prepared(engine, front, tmp_path):
    run, documents = engine
    camera = SimBlobDetector(StaticPathProvider(StaticFilenameProvider("blobs"), tmp_path), name="blobs")
    run.subscribe(FrameDocuments(front.take, "blobs"))
    plan = follow_front(camera, front, move=1.0, period_s=0.02, limits_s=(0.01, 0.1), frames=7)
    assert run(plan).plan_result is None
    data, _ = events(documents, "front")
    assert data[-1]["front-frame"] == 6
    assert documents[-1][1]["reason"] == "7 frames were taken."


def test_frames_come_faster_where_a_front_does_and_end_after_it_has_passed(engine, front):
    run, documents = engine
    decision = followed(run, front, speeding_up)
    assert decision.rule == "passed"
    assert documents[-1][1]["reason"] == decision.because
    data, _ = events(documents, "front")
    times = np.array([one["front-time"] for one in data])
    moves = np.diff([speeding_up(time_s) for time_s in times])
    slow, fast = (times[1:] > 12) & (times[1:] < 20), (times[1:] > 24) & (times[1:] < 31)
    assert moves[slow].max() <= 2 * 1.25
    assert moves[fast].max() <= 2 * 1.25
    assert np.median(np.diff(times)[slow]) > 2 * np.median(np.diff(times)[fast])
    assert speeding_up(times[-1]) >= 60
    assert len(data) < 120


def test_a_rule_of_ones_own_ends_the_run(engine, front):
    run, documents = engine
    decision = followed(run, front, speeding_up, until=[Rule("halfway", "fraction", 0.5)], frames_after=0)
    assert decision.rule == "halfway"
    data, _ = events(documents, "front")
    assert data[-1]["front-time"] == decision.time_s
    assert data[-1]["front-fraction"] == pytest.approx(0.5, abs=0.15)


def test_nothing_ends_a_run_in_which_nothing_moves_but_its_number_of_frames(engine, front):
    run, documents = engine
    assert followed(run, front, lambda time_s: 0.0, frames=25) is None
    assert len(events(documents, "front")[0]) == 25
    assert documents[-1][1]["exit_status"] == "success"


def test_a_front_that_comes_to_rest_ends_the_run(engine, front):
    run, _ = engine
    assert followed(run, front, lambda time_s: min(2 * time_s, 30.0)).rule == "rests"


def test_a_frame_that_cannot_be_used_ends_nothing(engine, front, grey):
    run, documents = engine
    frames = [grey[0], grey[1], grey[2][:9], grey[3]]
    camera = MovieDetector(lambda time_s: frames[int(time_s)], speed=None)
    run.subscribe(FrameDocuments(front.take, "camera-image", time_field="camera-time"))

    def plan():
        yield from bps.open_run()
        for number in range(4):
            yield from bps.trigger_and_read([camera], name=f"camera {number}")
            yield from bps.trigger_and_read([front], name="front")
        yield from bps.close_run()

    run(plan())
    data, _ = events(documents, "front")
    assert [one["front-frame"] for one in data] == [0, 1, 1, 2]
    assert [one["front-missed"] for one in data] == [0, 0, 0, 1]
    assert "(9, 80)" in data[-1]["front-refusal"]


def test_a_run_whose_frames_reach_no_front_is_told_so(engine, front, grey):
    run, documents = engine
    camera = MovieDetector(lambda time_s: grey[0], speed=None)
    plan = follow_front(
        camera, front, move=1.0, period_s=1.0, limits_s=(0.5, 2.0), frames=3, set_period=lambda s: bps.null()
    )
    with pytest.raises(UsageError, match="none reached the front"):
        run(plan)
    assert documents[-1][1]["exit_status"] == "fail"


@pytest.mark.parametrize("wrong", [{"move": 0.0}, {"period_s": 9.0}, {"limits_s": (0.0, 2.0)}, {"frames": 0}])
def test_a_plan_that_makes_no_sense_is_refused(front, wrong):
    told = {"move": 1.0, "period_s": 1.0, "limits_s": (0.25, 2.0), "frames": 9} | wrong
    with pytest.raises(UsageError, match="needed"):
        next(follow_front(MovieDetector(lambda time_s: np.zeros((2, 2))), front, **told))


def test_several_frames_in_an_event_are_refused(engine):
    run, _ = engine
    camera = MovieDetector(lambda time_s: np.zeros((3, 8, 8)), speed=None)
    run.subscribe(FrameDocuments(lambda *_: None, "camera-image"))
    with pytest.raises(MovieError, match="one image"):
        run(bp.count([camera]))


def test_the_lines_of_the_guide_run(grey, guide_lines):
    shown = iter(grey)
    names = {"camera": MovieDetector(lambda time_s: next(shown, grey[-1]), speed=None)}
    exec(guide_lines("Bluesky"), names)
    end(names["run"])
    assert names["live"].state.frame == 39
