"""Phase probabilities or labels over time in; arrival times, fronts and rate laws out."""

from .anisotropy import Anisotropy
from .area_growth import AreaGrowth
from .arrival import ArrivalAccumulator, ArrivalMap
from .correlation import independent_values, lag_one
from .further_laws import FURTHER_NAMES, AnyLawName, FurtherLaws
from .kinetics import BEND, RateResult, TransitionResult, possible_curves
from .label_errors import LabelErrors
from .law_turn import LawTurn
from .particle import HalfCycle, ParticleResult
from .position import FrontTrack, position_now, track_front
from .rate_fit import OUTLINE_PX, LawFit, fit_exponent, fit_law, law_probabilities, usable
from .recorder import Recorder
from .shape import FrontShape
from .sight import Evidence, Eye, Sight
from .tracker import FrontResult, FrontTracker, Recording, TransitionMap
from .ways import Span, Ways

__all__ = [
    "BEND",
    "FURTHER_NAMES",
    "OUTLINE_PX",
    "Anisotropy",
    "AnyLawName",
    "AreaGrowth",
    "ArrivalAccumulator",
    "ArrivalMap",
    "Evidence",
    "Eye",
    "FrontResult",
    "FrontShape",
    "FrontTrack",
    "FrontTracker",
    "FurtherLaws",
    "HalfCycle",
    "LabelErrors",
    "LawFit",
    "LawTurn",
    "ParticleResult",
    "RateResult",
    "Recorder",
    "Recording",
    "Sight",
    "Span",
    "TransitionMap",
    "TransitionResult",
    "Ways",
    "fit_exponent",
    "fit_law",
    "independent_values",
    "lag_one",
    "law_probabilities",
    "position_now",
    "possible_curves",
    "track_front",
    "usable",
]
