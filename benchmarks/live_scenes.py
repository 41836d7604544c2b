"""Synthetic movies for the live benchmarks: one front, all four laws in turn, or none at all."""

import numpy as np

from ionfront.datasets import Scene, random_scene
from ionfront.physics import LAW_NAMES

__all__ = ["halfway_frame", "reacting_scene", "still_scene"]

_STILL = 10**6  # between the seeds of both


def reacting_scene(first_seed: int, number: int, size_px: int, n_frames: int = 60) -> Scene:
    """One of many movies of one front."""
    law = LAW_NAMES[number % len(LAW_NAMES)]
    return random_scene(first_seed + number, size_px=size_px, n_frames=n_frames, law=law, n_fronts=1)


def still_scene(first_seed: int, number: int, size_px: int, n_frames: int = 60) -> Scene:
    """One of many movies without a reaction."""
    return random_scene(first_seed + _STILL + number, size_px=size_px, n_frames=n_frames, n_fronts=0)


def halfway_frame(scene: Scene) -> float | None:
    """Between which frames the front is half way, as a number with a fraction; None where it never is."""
    front = scene.fronts[0]
    half_s = front.onset_s + float(front.law.time_s(np.array([0.5 * scene.depth_nm]))[0])
    if not half_s <= scene.time_s[-1]:
        return None
    return float(np.interp(half_s, scene.time_s, np.arange(len(scene))))
