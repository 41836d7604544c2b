"""Phases, errors and the frozen value types that cross rooms."""

from .calibration import Calibration
from .cores import core_quota, one_blas_thread, side_by_side
from .errors import (
    CalibrationError,
    ElectrochemistryError,
    FrontFitError,
    IonFrontError,
    LabelledDataError,
    MaterialError,
    MissingExtraError,
    ModelFileError,
    MovieError,
    OutputExistsError,
    PromotionRefusedError,
    ServerError,
    UsageError,
)
from .files import atomic_output
from .phases import DEFAULT_SCHEME, PhaseScheme, Transition
from .quantity import Quantity

__all__ = [
    "DEFAULT_SCHEME",
    "Calibration",
    "CalibrationError",
    "ElectrochemistryError",
    "FrontFitError",
    "IonFrontError",
    "LabelledDataError",
    "MaterialError",
    "MissingExtraError",
    "ModelFileError",
    "MovieError",
    "OutputExistsError",
    "PhaseScheme",
    "PromotionRefusedError",
    "Quantity",
    "ServerError",
    "Transition",
    "UsageError",
    "atomic_output",
    "core_quota",
    "one_blas_thread",
    "side_by_side",
]
