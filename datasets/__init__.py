"""Movies and labelled frames in and out, and synthetic movies."""

from .ahead import read_ahead
from .averaging import averaged_frames, frames_to_average
from .blocks import block_means
from .grey import is_blanked
from .importers import import_coco, import_label_images, import_yolo
from .labelled import LabelledFrame, LabelledSet, read_labelled
from .labelled_writer import write_labelled
from .labelmovie import LabelWriter, open_labels, scheme_of, write_label_zarr
from .movie import calibration_of, open_movie
from .reference import Reference, first_frames
from .splits import group_folds, split_by_group
from .synth import SHAPE_NAMES, Scene, ShapeName, random_scene, write_synthetic

__all__ = [
    "SHAPE_NAMES",
    "LabelWriter",
    "LabelledFrame",
    "LabelledSet",
    "Reference",
    "Scene",
    "ShapeName",
    "averaged_frames",
    "block_means",
    "calibration_of",
    "first_frames",
    "frames_to_average",
    "group_folds",
    "import_coco",
    "import_label_images",
    "import_yolo",
    "is_blanked",
    "open_labels",
    "open_movie",
    "random_scene",
    "read_ahead",
    "read_labelled",
    "scheme_of",
    "split_by_group",
    "write_label_zarr",
    "write_labelled",
    "write_synthetic",
]
