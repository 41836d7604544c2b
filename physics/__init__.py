"""Electro-chemo-mechanics of a moving reaction front: numpy, scipy and scikit-fmm only.

The rate laws in closed form, closed cores, nucleation and growth, fast marching, and what drives a front: work per
ion, kinetics of the interface, resistances in series, stress by geometry, hops, speeds by direction, and a simulator
that runs several steps' fronts through a particle.
"""

from .area_fraction import AreaFraction, avrami_readings
from .closed_cores import PlasticCore, ShrinkingCore
from .driving_force import capillary_work_ev, expansion_work_ev, front_current_a_m2, front_speed_of_current_nm_s
from .front_course import FrontCases, FrontCourse, front_course
from .growth_shapes import LatticeFold, TwoAxes, lattice_speed, two_axes_speed
from .hopping import SITE_LATTICES, SiteLattice, hop_diffusivity_nm2_s, stress_factor
from .interface_kinetics import butler_volmer, marcus_hush_chidsey, tabulated_marcus_hush_chidsey
from .marching import travel_cost
from .moving_front import Body, Growth, Step
from .rate_laws import LAW_NAMES, Exponential, LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting
from .resistance import cost_v_s_nm, drive_in_series_ev, series_law, speed_in_series_nm_s
from .simulator import Simulation, simulate
from .stress import (
    GEOMETRIES,
    FrontGeometry,
    GeometryName,
    cavity_limit_gpa,
    film_curvature_per_nm,
    film_stress_gpa,
    front_stress_gpa,
    inclusion_pressure_gpa,
    log_swelling,
    stall_core,
)

__all__ = [
    "GEOMETRIES",
    "LAW_NAMES",
    "SITE_LATTICES",
    "AreaFraction",
    "Body",
    "Exponential",
    "FrontCases",
    "FrontCourse",
    "FrontGeometry",
    "GeometryName",
    "Growth",
    "LatticeFold",
    "LawName",
    "Linear",
    "Mixed",
    "Parabolic",
    "PlasticCore",
    "RateLaw",
    "SelfLimiting",
    "ShrinkingCore",
    "Simulation",
    "SiteLattice",
    "Step",
    "TwoAxes",
    "avrami_readings",
    "butler_volmer",
    "capillary_work_ev",
    "cavity_limit_gpa",
    "cost_v_s_nm",
    "drive_in_series_ev",
    "expansion_work_ev",
    "film_curvature_per_nm",
    "film_stress_gpa",
    "front_course",
    "front_current_a_m2",
    "front_speed_of_current_nm_s",
    "front_stress_gpa",
    "hop_diffusivity_nm2_s",
    "inclusion_pressure_gpa",
    "lattice_speed",
    "log_swelling",
    "marcus_hush_chidsey",
    "series_law",
    "simulate",
    "speed_in_series_nm_s",
    "stall_core",
    "stress_factor",
    "tabulated_marcus_hush_chidsey",
    "travel_cost",
    "two_axes_speed",
]
