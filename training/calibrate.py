"""Temperature scaling: one number that makes stated probabilities match how often they are right.

Guo et al. 2017, On calibration of modern neural networks, arXiv:1706.04599, section 4.2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

__all__ = ["fit_temperature"]


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Temperature with the smallest negative log-likelihood, within 0.25 to 8.

    Args:
        logits: Shape (pixel, phase).
        labels: Label id of each pixel, shape (pixel,).

    Returns:
        The temperature; 1 when there is no pixel.
    """
    if labels.size == 0:
        return 1.0
    picked = logits[np.arange(labels.size), labels].astype(np.float64)

    def nll(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float(np.mean(logsumexp(logits * scale, axis=1) - picked * scale))

    found = minimize_scalar(nll, bounds=(np.log(0.25), np.log(8.0)), method="bounded")
    return float(np.exp(found.x))
