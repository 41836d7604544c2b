"""Where the ion enters a particle, and how far every point lies from there along the particle."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from skimage import measure
from skimage.measure import block_reduce
from skimage.morphology import convex_hull_image, disk, opening

from ionfront.core import FrontFitError
from ionfront.physics import travel_cost

__all__ = [
    "entry_boundary",
    "front_normal",
    "geodesic_distance_px",
    "local_gradient",
    "order_agreement",
    "particles_of",
]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMOOTHING_PX = 2.0  # arrival times are noisy from pixel to pixel; their gradient is taken at this scale
_INFLOW_COSINE = -0.7  # a front that leaves the boundary at less than 45 degrees to its normal entered there
_COARSE_SHARES = (0.1, 0.3)  # of its size: over them a front has a direction where it took a stretch in one frame
_EARLY_SHARES = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7)  # of the boundary that was reached


def particles_of(
    initial: NDArray[np.float32], smallest_px: int = 64, smallest_share: float = 0.1
) -> tuple[list[Mask], float]:
    """Connected particles, the largest first, and the share of all particle area that they hold.

    Args:
        initial: Probability of lying inside a particle before the reaction, shape (y, x).
        smallest_px: Area below which nothing counts as a particle.
        smallest_share: Likewise, as a share of the largest one: specks are what a segmenter gets wrong.

    Raises:
        FrontFitError: There is no particle of that size.
    """
    inside = opening(initial > 0.5, disk(1))
    labels = measure.label(inside, connectivity=1)
    areas = np.bincount(labels.ravel())[1:]
    if areas.size == 0 or areas.max() < smallest_px:
        seen = int(areas.max()) if areas.size else 0
        raise FrontFitError(
            f"the largest particle covers {seen} pixels; {smallest_px} are needed to follow a front. "
            "Check that the model knows this material (look at labels.zarr), or fine-tune it on a few frames."
        )
    large = np.flatnonzero(areas >= max(smallest_px, smallest_share * areas.max()))
    large = large[np.argsort(-areas[large], kind="stable")]
    masks = [np.asarray(ndimage.binary_fill_holes(labels == 1 + index)) for index in large]
    return masks, float(areas[large].sum() / areas.sum())


def front_normal(arrival: Floats, known: Mask, smoothing_px: float = _SMOOTHING_PX) -> tuple[Floats, Floats]:
    """Unit normal (y, x) of the front in its direction of travel; NaN where arrival times are not known.

    Args:
        arrival: Arrival times, shape (y, x).
        known: Where they are known.
        smoothing_px: Scale at which the gradient is taken.
    """
    gradient_y, gradient_x = local_gradient(arrival, known, smoothing_px)
    length = np.hypot(gradient_y, gradient_x)
    length[length == 0] = np.nan
    return gradient_y / length, gradient_x / length


def local_gradient(values: Floats, known: Mask, smoothing_px: float) -> tuple[Floats, Floats]:
    """Gradient (y, x) of the plane that fits best around each known pixel, with Gaussian weights; NaN elsewhere.

    Up to the outline it is not biased, as differences of smoothed values are: no plane needs a neighbour on each side.

    Args:
        values: Shape (y, x).
        known: Where they count, and where the gradient is wanted.
        smoothing_px: Standard deviation of the weights.
    """
    rows, columns = np.nonzero(known)
    gradients = np.full((2, *known.shape), np.nan)
    if rows.size == 0:
        return gradients[0], gradients[1]
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in (rows, columns))
    inside = known[box]
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]].astype(float)
    v = np.where(inside, values[box], 0.0)
    moments = np.stack([np.ones(v.shape), y, x, y * y, x * x, x * y, v, v * y, v * x]) * inside
    coarse = max(1, int(smoothing_px / 4))  # wide windows are evaluated at some of the pixels
    moments = block_reduce(moments, (1, coarse, coarse), np.sum)
    smooth = ndimage.gaussian_filter(moments, smoothing_px / coarse, mode="constant", axes=(1, 2))
    my, mx, yy, xx, xy, mv, vy, vx = smooth[1:] / np.maximum(smooth[0], 1e-9)
    yy, xx, xy, vy, vx = yy - my**2, xx - mx**2, xy - mx * my, vy - mv * my, vx - mv * mx
    spread = yy * xx - xy**2
    spread[spread < 1e-3] = np.nan  # a line of pixels says nothing of what is beside it
    found = np.stack([(vy * xx - vx * xy) / spread, (vx * yy - vy * xy) / spread])
    fine = found.repeat(coarse, axis=1).repeat(coarse, axis=2)[:, : inside.shape[0], : inside.shape[1]]
    gradients[(slice(None), *box)] = np.where(inside, fine, np.nan)
    return gradients[0], gradients[1]


def entry_boundary(arrival: Floats, particle: Mask, measured: Mask | None = None) -> Mask:
    """Boundary pixels through which the ion entered, shape (y, x); never empty.

    Candidates are the whole boundary and its earliest stretches, with and without the places where the
    front did not set out inwards. The one from which distance orders the arrival times best is taken.

    Args:
        arrival: Arrival times of the first step, shape (y, x); infinite where never reached.
        particle: The particle.
        measured: Pixels whose arrival times are to be ordered; None takes all. The others may still be the entry.
    """
    measured = particle if measured is None else measured & particle
    reached = np.isfinite(arrival) & particle
    candidates = _entry_candidates(arrival, reached, particle)
    if (reached & ~measured).any() and (reached & measured).any():
        candidates += _entry_candidates(arrival, reached & measured, particle)
    candidates = list({candidate.tobytes(): candidate for candidate in candidates if candidate.any()}.values())
    best, best_score = candidates[0], -np.inf
    for candidate in candidates:
        distance = np.where(measured, geodesic_distance_px(particle, candidate), np.nan)
        score = order_agreement(distance, arrival)
        if score > best_score:
            best, best_score = candidate, score
    return best


def _entry_candidates(arrival: Floats, known: Mask, particle: Mask) -> list[Mask]:
    boundary = particle & ~ndimage.binary_erosion(particle)
    edge = boundary & known if (boundary & known).any() else known
    outward_y, outward_x = _outward_normal(particle)
    inflows = []
    for smoothing_px in (_SMOOTHING_PX, *(share * float(np.sqrt(particle.sum())) for share in _COARSE_SHARES)):
        normal_y, normal_x = front_normal(arrival, known, smoothing_px)
        inflows.append(np.nan_to_num(normal_y * outward_y + normal_x * outward_x) < _INFLOW_COSINE)
    candidates = [boundary, _earliest_point(arrival, edge)]
    for share in _EARLY_SHARES:
        early = edge & (arrival <= np.quantile(arrival[edge], share))
        candidates.append(_stretch(early, boundary))
        for inflow in inflows:
            inward = _without_specks(early & inflow)
            if inward.any():
                candidates.append(_stretch(inward, boundary))
    return candidates


def _stretch(early: Mask, boundary: Mask) -> Mask:
    """The stretch of boundary that early pixels span: a front that leads at both ends of a face entered all of it."""
    hull = convex_hull_image(early) if early.sum() > 2 else early
    return np.asarray(boundary & (hull | early))


def _earliest_point(arrival: Floats, edge: Mask) -> Mask:
    """The boundary pixel in the middle of the earliest ones: a contact no wider than a pixel."""
    places = np.argwhere(edge)
    earliest = places[np.argsort(arrival[edge], kind="stable")[:5]]
    nearest = places[np.argmin(np.linalg.norm(places - earliest.mean(axis=0), axis=1))]
    point = np.zeros_like(edge)
    point[tuple(nearest)] = True
    return point


def geodesic_distance_px(particle: Mask, entry: Mask) -> Floats:
    """Distance inside the particle from the stretch of outline that runs along the entry, shape (y, x); NaN outside.

    The outline lies half a pixel outside the outermost pixels.
    """
    doors = ndimage.binary_dilation(entry) & ~particle
    if not doors.any():  # an entry inside the particle: count from its pixels
        doors = entry
    return travel_cost(particle, doors)


def order_agreement(distance: Floats, arrival: Floats) -> float:
    """How well distance from the entry orders the arrival times: Spearman correlation, 1 for one sweeping front.

    Args:
        distance: Shape (y, x); NaN outside the particle.
        arrival: Shape (y, x); infinite where never reached, which counts as last.

    Returns:
        The correlation over at most some thousand pixels, relative to the largest that a share of pixels never reached,
        all of one rank, allows; minus infinity where there is nothing to order.
    """
    use = np.flatnonzero(np.isfinite(distance))
    use = use[:: max(1, use.size // 4000)]
    near, times = distance.ravel()[use], arrival.ravel()[use]
    latest = np.where(np.isfinite(times), times, np.finfo(float).max)
    if use.size < 3 or np.ptp(near) == 0 or np.ptp(latest) == 0:
        return -np.inf
    tied = float(np.isinf(times).mean())
    return float(stats.spearmanr(near, latest).statistic / np.sqrt(1 - tied**3))


def _outward_normal(particle: Mask) -> tuple[Floats, Floats]:
    soft = ndimage.gaussian_filter(particle.astype(float), 2.0)
    gradient_y, gradient_x = np.gradient(soft)
    length = np.maximum(np.hypot(gradient_y, gradient_x), 1e-12)
    return -gradient_y / length, -gradient_x / length


def _without_specks(mask: Mask, smallest_px: int = 6) -> Mask:
    labels = measure.label(mask, connectivity=2)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return np.asarray((areas >= smallest_px)[labels])
