"""Synthetic reaction movies whose labels, arrival times and rate laws are known exactly."""

from .families import FAMILY_NAMES, FamilyName
from .files import write_synthetic
from .outliers import OUTLIER_NAMES, OutlierName, random_outlier
from .reaction import Front
from .scene import Scene, random_scene
from .shapes import SHAPE_NAMES, ShapeName

__all__ = [
    "FAMILY_NAMES",
    "OUTLIER_NAMES",
    "SHAPE_NAMES",
    "FamilyName",
    "Front",
    "OutlierName",
    "Scene",
    "ShapeName",
    "random_outlier",
    "random_scene",
    "write_synthetic",
]
