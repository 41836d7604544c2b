"""Synthetic reaction movies whose labels, arrival times and rate laws are known exactly."""

from .files import write_synthetic
from .scene import Front, Scene, random_scene
from .shapes import SHAPE_NAMES, ShapeName

__all__ = ["SHAPE_NAMES", "Front", "Scene", "ShapeName", "random_scene", "write_synthetic"]
