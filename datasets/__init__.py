"""Movies and labelled frames in and out, synthetic movies, tables of materials and of the literature."""

from .ahead import read_ahead
from .averaging import Averager, averaged_frames, frames_to_average, mean_frame, odd_count
from .binning import binning_factor
from .blocks import block_means
from .electrochemistry import ElectrochemicalLog, read_electrochemistry
from .elements import FEATURE_NAMES, IONIC_RADIUS_NM, composition_features
from .grey import is_blanked, without_gaps
from .importers import import_coco, import_yolo
from .labelled import LabelledFrame, LabelledSet, read_labelled
from .labelled_changes import extend_labelled, replace_labels
from .labelled_writer import write_labelled
from .labelmovie import LabelWriter, names_phases, open_labels, scheme_of, write_label_zarr
from .likeliest import likeliest
from .literature import Observation, Ordering, concave_front, literature, orderings, read_literature
from .materials import (
    IONS,
    MECHANISMS,
    YIELD_PER_MODULUS,
    IonName,
    MaterialStep,
    Value,
    all_steps,
    composition,
    hosts,
    material_steps,
    potential_of_energies,
    steps_of_phases,
)
from .movie import calibration_of, movie_name, open_movie
from .moviestore import MovieStore
from .packed import PackedSet, open_labelled, pack_labelled
from .painted import import_labels
from .reference import Reference, first_frames, reference_length
from .splits import group_folds, split_by_group
from .structures import IonHop, PhaseStructure, ion_hop, phase_structure
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
    "FEATURE_NAMES",
    "IONIC_RADIUS_NM",
    "IONS",
    "MECHANISMS",
    "OUTLIER_NAMES",
    "SHAPE_NAMES",
    "YIELD_PER_MODULUS",
    "Averager",
    "ElectrochemicalLog",
    "FamilyName",
    "IonHop",
    "IonName",
    "LabelWriter",
    "LabelledFrame",
    "LabelledSet",
    "MaterialStep",
    "MovieStore",
    "Observation",
    "Ordering",
    "OutlierName",
    "PackedSet",
    "PhaseStructure",
    "Reference",
    "Scene",
    "ShapeName",
    "Value",
    "all_steps",
    "averaged_frames",
    "binning_factor",
    "block_means",
    "calibration_of",
    "composition",
    "composition_features",
    "concave_front",
    "extend_labelled",
    "first_frames",
    "frames_to_average",
    "group_folds",
    "hosts",
    "import_coco",
    "import_labels",
    "import_yolo",
    "ion_hop",
    "is_blanked",
    "likeliest",
    "literature",
    "material_steps",
    "mean_frame",
    "movie_name",
    "names_phases",
    "odd_count",
    "open_labelled",
    "open_labels",
    "open_movie",
    "orderings",
    "pack_labelled",
    "phase_structure",
    "potential_of_energies",
    "random_outlier",
    "random_scene",
    "read_ahead",
    "read_electrochemistry",
    "read_labelled",
    "read_literature",
    "reference_length",
    "replace_labels",
    "scheme_of",
    "split_by_group",
    "steps_of_phases",
    "without_gaps",
    "write_label_zarr",
    "write_labelled",
    "write_synthetic",
]
