"""Movies and labelled frames in and out, and synthetic movies."""

from .ahead import read_ahead
from .averaging import averaged_frames, frames_to_average
from .blocks import block_means
from .electrochemistry import ElectrochemicalLog, read_electrochemistry
from .grey import is_blanked, without_gaps
from .importers import import_coco, import_yolo
from .labelled import LabelledFrame, LabelledSet, read_labelled
from .labelled_changes import extend_labelled, replace_labels
from .labelled_writer import write_labelled
from .labelmovie import LabelWriter, names_phases, open_labels, scheme_of, write_label_zarr
from .movie import calibration_of, movie_name, open_movie
from .painted import import_labels
from .reference import Reference, first_frames
from .splits import group_folds, split_by_group
from .synth import (
    FAMILY_NAMES,
    OUTLIER_NAMES,
    SHAPE_NAMES,
    FamilyName,
    OutlierName,
    Scene,
    ShapeName,
    random_outlier,
    random_scene,
    write_synthetic,
)

__all__ = [
    "FAMILY_NAMES",
    "OUTLIER_NAMES",
    "SHAPE_NAMES",
    "ElectrochemicalLog",
    "FamilyName",
    "LabelWriter",
    "LabelledFrame",
    "LabelledSet",
    "OutlierName",
    "Reference",
    "Scene",
    "ShapeName",
    "averaged_frames",
    "block_means",
    "calibration_of",
    "extend_labelled",
    "first_frames",
    "frames_to_average",
    "group_folds",
    "import_coco",
    "import_labels",
    "import_yolo",
    "is_blanked",
    "movie_name",
    "names_phases",
    "open_labels",
    "open_movie",
    "random_outlier",
    "random_scene",
    "read_ahead",
    "read_electrochemistry",
    "read_labelled",
    "replace_labels",
    "scheme_of",
    "split_by_group",
    "without_gaps",
    "write_label_zarr",
    "write_labelled",
    "write_synthetic",
]
