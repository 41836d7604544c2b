"""A paragraph on how the numbers of a run came about, to be put into a paper."""

from ionfront.core import Calibration
from ionfront.fronts import FrontResult

from .kinetics_json import ModelCard
from .wording import format_size

__all__ = ["methods_paragraph"]


def methods_paragraph(
    result: FrontResult, calibration: Calibration, model: ModelCard | None, software_version: str
) -> str:
    """How positions, laws and intervals were obtained, with versions and settings.

    Args:
        result: What was measured.
        calibration: Scales, and where they came from.
        model: What labelled the frames; None when labels came from elsewhere.
        software_version: Of IonFront.
    """
    sentences = [
        f"{result.time.size} frames were analysed with IonFront {software_version}{_scales(calibration)}.",
        _labelling(model),
    ]
    if result.reaction_observed:
        sentences += [
            "Drift was taken out by registering each frame to the first ones."
            if result.registered
            else "Frames were taken as they lie, without registration.",
            "For each pixel, the posterior of the time at which a phase change reached it was computed from the "
            "phase probabilities of all frames under a uniform prior over the movie (evidence tempered by 0.5, "
            "log-odds bounded by 4); its mean is the arrival time.",
            "The position of a front is the mean over its breadth, trimmed by a fifth on either side, of the geodesic "
            "distance from the part of the outline where the ion entered; positions are those in the laboratory, so "
            "that swelling is part of them.",
            "Linear, parabolic, mixed and self-limiting laws with free onset were fitted by least squares and weighed "
            "by the Bayesian information criterion on residuals whitened as a first-order autoregression"
            f"{_counted(result)}.",
            "Velocities are mean speeds between 10 % and 90 % of the distance swept, along the most probable law.",
            "Intervals are 95 %, from 200 replicates in which blocks of a hundredth of the particle's area were "
            f"drawn anew, all positions scaled by a common error of {100 * result.errors.scale:.3g} %, the track bent "
            "by half waves of random size, and its start moved by 0.7 pixels (standard deviation).",
        ]
    return " ".join(sentences)


def _counted(result: FrontResult) -> str:
    share = result.errors.evidence
    return "" if share == 1 else f", of which {share:g} was counted, as labels bend tracks too"


def _scales(calibration: Calibration) -> str:
    known = []
    if calibration.pixel_size_nm is not None:
        known.append(f"pixel size {format_size(calibration.pixel_size_nm, 6)} nm")
    if calibration.frame_time_s is not None:
        known.append(f"time between frames {format_size(calibration.frame_time_s, 6)} s")
    return f" ({', '.join(known)})" if known else " (not calibrated)"


def _labelling(model: ModelCard | None) -> str:
    if model is None:
        return "Phases were labelled beforehand, by other means."
    averaged = model["averaged_frames"]
    means = f" on means of {averaged} frames" if averaged > 1 else ""
    return (
        f"Phases were segmented by the network {model['name']} {model['version']} (SHA-256 {model['sha256'][:12]}…)"
        f"{means}, with calibrated probabilities."
    )
