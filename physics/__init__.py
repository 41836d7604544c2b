"""Electro-chemo-mechanics of a moving reaction front: numpy, scipy and scikit-fmm only.

Now: the rate laws in closed form, closed cores, nucleation and growth, and fast marching. To come: driving force,
stress by geometry, and the forward simulator.
"""

from .area_fraction import AreaFraction, avrami_readings
from .closed_cores import PlasticCore, ShrinkingCore
from .marching import travel_cost
from .rate_laws import LAW_NAMES, Exponential, LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting

__all__ = [
    "LAW_NAMES",
    "AreaFraction",
    "Exponential",
    "LawName",
    "Linear",
    "Mixed",
    "Parabolic",
    "PlasticCore",
    "RateLaw",
    "SelfLimiting",
    "ShrinkingCore",
    "avrami_readings",
    "travel_cost",
]
