"""Phase probabilities or labels over time in; arrival times, fronts and rate laws out."""

from .arrival import ArrivalAccumulator, ArrivalMap
from .kinetics import RateResult, TransitionResult
from .particle import HalfCycle, ParticleResult
from .position import FrontTrack
from .rate_fit import LawFit
from .shape import FrontShape
from .tracker import FrontResult, FrontTracker, TransitionMap

__all__ = [
    "ArrivalAccumulator",
    "ArrivalMap",
    "FrontResult",
    "FrontShape",
    "FrontTrack",
    "FrontTracker",
    "HalfCycle",
    "LawFit",
    "ParticleResult",
    "RateResult",
    "TransitionMap",
    "TransitionResult",
]
