"""Movies and labelled frames in and out, and synthetic movies."""

from .synth import SHAPE_NAMES, Scene, ShapeName, random_scene

__all__ = ["SHAPE_NAMES", "Scene", "ShapeName", "random_scene"]
