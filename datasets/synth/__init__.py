"""Synthetic reaction movies whose labels, arrival times and rate laws are known exactly."""

from .families import FAMILY_NAMES, FamilyName
from .files import write_synthetic
from .reaction import Front
from .scene import Scene, random_scene
from .shapes import SHAPE_NAMES, ShapeName

__all__ = [
    "FAMILY_NAMES",
    "SHAPE_NAMES",
    "FamilyName",
    "Front",
    "Scene",
    "ShapeName",
    "random_scene",
    "write_synthetic",
]
