"""Electro-chemo-mechanics of a moving reaction front: numpy and scipy only.

Now: the rate laws in closed form. To come: driving force, stress by geometry, and the forward simulator.
"""

from .rate_laws import LAW_NAMES, LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting

__all__ = ["LAW_NAMES", "LawName", "Linear", "Mixed", "Parabolic", "RateLaw", "SelfLimiting"]
