"""The closed loop's figures are what they say: when a front is half way, how far from there the beam was blanked."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # by which the scripts find each other
    spec.loader.exec_module(module)
    return module


live_scenes, _, closed_loop = map(script, ("live_scenes", "closed_loop_peers", "closed_loop"))


@pytest.mark.parametrize("number", range(4))
def test_a_beam_that_is_blanked_half_way_is_off_by_nothing(number: int) -> None:
    scene = live_scenes.reacting_scene(17, number, 64)
    half = live_scenes.halfway_frame(scene)
    if half is None:
        front = scene.fronts[0]
        assert front.position_nm(scene.time_s, scene.depth_nm)[-1] < 0.5 * scene.depth_nm
    else:
        assert closed_loop.Run(scene, half, 60, 0).off == pytest.approx(0, abs=1e-6)
        assert closed_loop.Run(scene, half + 3, 60, 0).off > 0 > closed_loop.Run(scene, half - 3, 60, 0).off


def test_a_movie_that_is_over_shows_its_last_frame() -> None:
    scene = live_scenes.reacting_scene(17, 0, 64)
    late = closed_loop.Run(scene, 1000.0, 60, 0)
    assert late.place_nm == scene.fronts[0].position_nm(scene.time_s, scene.depth_nm)[-1]
