"""Electro-chemo-mechanics of a moving reaction front: numpy, scipy and scikit-fmm only.

Now: the rate laws in closed form, and fast marching. To come: driving force, stress by geometry, and the forward
simulator.
"""

from .marching import travel_cost
from .rate_laws import LAW_NAMES, LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting

__all__ = ["LAW_NAMES", "LawName", "Linear", "Mixed", "Parabolic", "RateLaw", "SelfLimiting", "travel_cost"]
