"""Simulated fronts as training material for the kinetics head: speeds, exponents and laws of particles with flaws.

Hosts, ions and steps are those of the table, so that descriptors hang together as they do in nature; what no table
knows is drawn anew for each run. A sphere cannot be run in a plane, and takes the course along its radius.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.datasets import MECHANISMS, MaterialStep
from ionfront.fronts import fit_exponent, fit_law, law_probabilities
from ionfront.models.physical_mean import mean_log_speed
from ionfront.models.reaction import (
    BARRIERS_EV,
    CROWDINGS,
    POTENTIALS_V,
    Experiment,
    Reactions,
    Unknowns,
    drawn,
    front_cases,
    reactions,
    varied,
)
from ionfront.physics import (
    GEOMETRIES,
    LAW_NAMES,
    Body,
    FrontCases,
    GeometryName,
    Step,
    front_course,
    simulate,
    travel_cost,
)

__all__ = ["FrontRuns", "course_runs", "drawn_experiment", "layer_times", "one_case", "plane_run", "simulated_runs"]
__all__ += ["stranger_runs", "track_of"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_GEOMETRIES: tuple[GeometryName, ...] = tuple(GEOMETRIES)
_SIZES_NM = 20.0, 5000.0
_BIASES_V = 0.0, 3.0
_TEMPERATURES_K = 280.0, 340.0
_VOLUMES_NM3 = 0.004, 0.2  # before the step, by ions that are taken up
_EXPANDING = 0.02, 5.0  # of that volume
_MODULI_GPA = 8.0, 200.0
_ALONG_PX = 64
_MARGIN_PX = 3
_CHUNK = 50  # runs a task
_LAYERS = 24
_FEWEST_LAYERS = 4
_DEEPEST = 0.96  # the last of a core is a few pixels
_MOMENTS = 30
_EVIDENCE = 0.5  # positions of neighbouring moments agree
_CONTACT_KNOWN = 0.5
_ROUGH = 0.15  # of the logarithm of pace
_ROUGH_PX = 1.5, 4.0  # over which pinning hangs together


@dataclass(frozen=True)
class FrontRuns:
    """Runs, n of them.

    Attributes:
        host: Name of each host, shape (n,).
        reactions: What reacts, as numbers, with the experiments.
        unknowns: What was drawn; for checks alone.
        log_speed: log10 of the mean speed [nm/s], shape (n,).
        exponent: Slope of log position over log time, shape (n,); NaN where the front came not far enough.
        laws: Probability of each of `LAW_NAMES`, shape (n, 4).
        fraction: Of the particle that reacts at all, shape (n,).
    """

    host: NDArray[np.str_]
    reactions: Reactions
    unknowns: Unknowns
    log_speed: Floats
    exponent: Floats
    laws: Floats
    fraction: Floats


def course_runs(steps: Sequence[MaterialStep], seed: int) -> FrontRuns:
    """As `simulated_runs`, a thousand times as fast: speeds alone, of particles without flaws.

    Args:
        steps: What reacts; the same step may come again.
        seed: Of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    together, unknowns = _drawn(steps, rng)
    return _courses(np.array([step.host for step in steps]), together, unknowns, rng)


def stranger_runs(count: int, seed: int) -> FrontRuns:
    """As `course_runs`, of materials that no table has: descriptors drawn each by itself; their host is ""."""
    rng = np.random.default_rng(seed)
    return _courses(np.full(count, ""), _strangers(count, rng), drawn(count, rng), rng)


def _courses(host: NDArray[np.str_], together: Reactions, unknowns: Unknowns, rng: np.random.Generator) -> FrontRuns:
    course = front_course(front_cases(together, unknowns))
    count = len(host)
    return FrontRuns(
        host=host,
        reactions=_told(together, unknowns, rng),
        unknowns=unknowns,
        log_speed=mean_log_speed(course),
        exponent=np.full(count, np.nan),
        laws=np.full((count, len(LAW_NAMES)), np.nan),
        fraction=np.isfinite(course.time_s).mean(axis=1),
    )


def simulated_runs(
    steps: Sequence[MaterialStep], seed: int, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> FrontRuns:
    """One run for each step that is given, each in an experiment of its own.

    Args:
        steps: What reacts; the same step may come again.
        seed: Of all that is drawn.
        workers: Processes.
        progress: Called with the number of runs done and of all runs.
    """
    rng = np.random.default_rng(seed)
    together, unknowns = _drawn(steps, rng)
    cases = front_cases(together, unknowns)
    shapes = enumerate(together.geometry.tolist())
    jobs = [_Job(one_case(cases, k), shape, int(rng.integers(2**63))) for k, shape in shapes]
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    measured: list[_Track] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for chunk in pool.map(_measured, chunks):
            measured.extend(chunk)
            if progress is not None:
                progress(len(measured), len(jobs))
    return FrontRuns(
        host=np.array([step.host for step in steps]),
        reactions=_told(together, unknowns, rng),
        unknowns=unknowns,
        log_speed=np.array([m.log_speed for m in measured]),
        exponent=np.array([m.exponent for m in measured]),
        laws=np.array([m.laws for m in measured]),
        fraction=np.array([m.fraction for m in measured]),
    )


@dataclass(frozen=True)
class _Track:
    log_speed: float
    exponent: float
    laws: Floats
    fraction: float


def track_of(time_s: Floats, depth_nm: Floats) -> _Track:
    """Speed, exponent and laws of a front, by the rules that movies are measured by.

    Args:
        time_s: When the front came to each depth, shape (m,); infinite where it did not.
        depth_nm: Evenly spaced, shape (m,).
    """
    seen = np.isfinite(time_s)
    reached = int(seen.sum()) if seen.all() else int(np.argmin(seen))
    fraction = reached / len(depth_nm)
    if reached < _FEWEST_LAYERS:
        return _Track(np.nan, np.nan, np.full(len(LAW_NAMES), np.nan), fraction)
    arrival = np.maximum.accumulate(time_s[:reached])
    early, late = np.interp(np.array([0.1, 0.9]) * depth_nm[reached - 1], depth_nm[:reached], arrival)
    time = np.linspace(arrival[0], arrival[-1], _MOMENTS)
    position = np.interp(time, arrival + np.arange(reached) * 1e-12 * arrival[-1], depth_nm[:reached])
    pixel = depth_nm[-1] / _ALONG_PX
    fits = {law: fit_law(law, time, position, pixel) for law in LAW_NAMES}
    laws = law_probabilities(fits, pixel, _EVIDENCE)
    return _Track(
        log_speed=float(np.log10(0.8 * depth_nm[reached - 1] / max(late - early, 1e-300))),
        exponent=fit_exponent(time, position, pixel),
        laws=np.array([laws[law] for law in LAW_NAMES]),
        fraction=fraction,
    )


@dataclass(frozen=True)
class _Job:
    case: FrontCases
    geometry: GeometryName
    seed: int


def _measured(jobs: Sequence[_Job]) -> list[_Track]:
    return [track_of(*(_course(job) if GEOMETRIES[job.geometry].dimension == 3 else _in_plane(job))) for job in jobs]


def _course(job: _Job) -> tuple[Floats, Floats]:
    course = front_course(job.case, _LAYERS)
    rough = np.exp(_ROUGH * np.random.default_rng(job.seed).standard_normal(_LAYERS))
    time = course.time_s[0]
    seen = np.isfinite(time)
    time[seen] = np.cumsum(np.diff(time[seen], prepend=0.0) * rough[seen])
    return time, course.depth_nm[0]


def _in_plane(job: _Job) -> tuple[Floats, Floats]:
    body, arrival_s = plane_run(job.case, job.geometry, job.seed)
    return layer_times(body, arrival_s)


def plane_run(case: FrontCases, geometry: GeometryName, seed: int) -> tuple[Body, Floats]:
    """One particle with flaws of its own, and when its front reached each pixel [s]; NaN where it did not.

    Args:
        case: A single particle.
        geometry: How its front lies; no sphere.
        seed: Of its flaws.
    """
    body = _body(geometry, float(np.ravel(case.depth_nm)[0]), np.random.default_rng(seed))
    run = simulate(
        body,
        [_plane_step(case, geometry)],
        contact_ohm_m2=float(np.ravel(case.contact_ohm_m2)[0]),
        temperature_k=float(np.ravel(case.temperature_k)[0]),
    )
    return body, run.arrival_s[0]


def layer_times(body: Body, arrival_s: Floats) -> tuple[Floats, Floats]:
    """When half of each layer had reacted [s], infinite where that never was; and the layers' ways from the contact."""
    way = travel_cost(body.inside, body.contact) * body.pixel_size_nm
    edges = np.linspace(0, _DEEPEST * _ALONG_PX * body.pixel_size_nm, _LAYERS + 1)
    layer = np.digitize(way[body.inside], edges) - 1
    inside = arrival_s[body.inside]
    times = [inside[layer == k] for k in range(_LAYERS)]
    when = [float(np.median(t)) if t.size and np.isfinite(t).mean() > 0.5 else np.inf for t in times]
    return np.array(when), (edges[1:] + edges[:-1]) / 2


def _plane_step(case: FrontCases, geometry: GeometryName) -> Step:
    value = {field.name: float(np.ravel(getattr(case, field.name))[0]) for field in fields(case)}
    shape = GEOMETRIES[geometry]
    return Step(
        exchange_nm_s=value["exchange_nm_s"],
        overpotential_v=value["overpotential_v"],
        host_volume_nm3=value["host_volume_nm3"],
        ions=value["ions"],
        expansion=value["expansion"],
        yield_gpa=value["yield_gpa"],
        geometry=geometry,
        core_geometry=geometry if shape.dimension else None,
        assistance=shape.layer - value["layer"],
        strain_share=value["strain_share"],
        reorganisation_ev=value["reorganisation_ev"],
        conductivity_s_m=value["conductivity_s_m"],
    )


def _body(geometry: GeometryName, size_nm: float, rng: np.random.Generator) -> Body:
    """A particle with flaws: its outline is not straight, and its front is pinned here and there."""
    if GEOMETRIES[geometry].dimension:
        inside, contact = _round(rng)
    else:
        inside, contact = _long(rng)
    noise = ndimage.gaussian_filter(rng.standard_normal(inside.shape), rng.uniform(*_ROUGH_PX))
    pace = np.exp(_ROUGH * noise / noise.std())
    if geometry == "open_concave":  # the edges conduct better, so that the front's middle lags
        rim = ndimage.distance_transform_edt(np.pad(inside, ((0, 0), (1, 1)), mode="edge"))[:, 1:-1]
        pace = pace * np.where(rim < rng.uniform(2, 5), rng.uniform(1.5, 4), 1.0)
    return Body(inside, contact, size_nm / _ALONG_PX, pace)


def _round(rng: np.random.Generator) -> tuple[Mask, Mask]:
    """A core that is reacted from all sides."""
    edge = 2 * (_ALONG_PX + _MARGIN_PX)
    y, x = np.mgrid[:edge, :edge] - (edge - 1) / 2
    angle, lobes = np.arctan2(y, x), rng.integers(2, 6)
    radius = _ALONG_PX * (1 + rng.uniform(0, 0.08) * (np.cos(lobes * angle + rng.uniform(0, 6)) - 1))
    inside = np.hypot(y, x) < radius
    return inside, ndimage.binary_dilation(inside, iterations=2) & ~inside


def _long(rng: np.random.Generator) -> tuple[Mask, Mask]:
    """A front that goes from one end to the other."""
    wide = int(_ALONG_PX * rng.uniform(0.25, 1.0))
    inside = np.zeros((wide + 2 * _MARGIN_PX, _ALONG_PX + 2 * _MARGIN_PX), bool)
    inside[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX] = True
    contact = np.zeros_like(inside)
    contact[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX - 1] = True
    return inside, contact


def _drawn(steps: Sequence[MaterialStep], rng: np.random.Generator) -> tuple[Reactions, Unknowns]:
    together = reactions(list(steps), [drawn_experiment(rng) for _ in steps])
    return varied(together, rng), drawn(len(steps), rng)


def _strangers(count: int, rng: np.random.Generator) -> Reactions:
    experiments = [drawn_experiment(rng) for _ in range(count)]
    volume, expanding, modulus = (
        np.exp(rng.uniform(np.log(least), np.log(most), count))
        for least, most in (_VOLUMES_NM3, _EXPANDING, _MODULI_GPA)
    )
    return Reactions(
        mechanism=rng.choice(MECHANISMS, count),
        ions=np.ones(count),
        volume_nm3=volume,
        expansion=1 + expanding,
        potential_v=rng.uniform(*POTENTIALS_V, count),
        bulk_modulus_gpa=modulus,
        barrier_ev=rng.uniform(*BARRIERS_EV, count),
        crowding=rng.uniform(*CROWDINGS, count),
        geometry=np.array([e.geometry for e in experiments]),
        size_nm=np.array([e.size_nm for e in experiments]),
        bias_v=np.array([e.bias_v for e in experiments]),
        temperature_k=np.array([e.temperature_k for e in experiments]),
        contact=np.full(count, np.nan),
    )


def _told(r: Reactions, unknowns: Unknowns, rng: np.random.Generator) -> Reactions:
    """Half of the cells with their contact known."""
    known = rng.random(len(r)) < _CONTACT_KNOWN
    return replace(r, contact=np.where(known, unknowns.contact, np.nan))


def drawn_experiment(rng: np.random.Generator) -> Experiment:
    """Any geometry, size, bias and temperature that a laboratory may come to."""
    return Experiment(
        geometry=_GEOMETRIES[rng.integers(len(_GEOMETRIES))],
        size_nm=float(np.exp(rng.uniform(*np.log(_SIZES_NM)))),
        bias_v=float(rng.uniform(*_BIASES_V)),
        temperature_k=float(rng.uniform(*_TEMPERATURES_K)),
    )


def one_case(cases: FrontCases, k: int) -> FrontCases:
    """The k-th particle of many."""
    values = {}
    for field in fields(cases):
        value = np.asarray(getattr(cases, field.name), float)
        values[field.name] = value if value.ndim == 0 else value[k]
    return FrontCases(**values)
