"""Which of two ions was seen to be the faster, as a correction that is felt by materials like those alone.

Where one of the two fronts was concave and the other was not, the shape gets the credit, as those who saw it argue:
only the concave front is corrected.
"""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ionfront.datasets import MECHANISMS
from ionfront.models.kinetics_features import FEATURES

__all__ = ["OrderedPairs", "OrdersSeen"]

_MATERIAL = [
    FEATURES.index(name)
    for name in (
        "potential [V]",
        "expansion",
        "modulus [log GPa]",
        "barrier [eV]",
        "crowding",
        "ions per volume [log nm^-3]",
        *MECHANISMS,
        "open_concave",
    )
]
_CONCAVE = FEATURES.index("open_concave")
_REACH = 0.2  # of a material's features, in standard deviations: how like one must be to feel the correction
_SLACK = 0.1  # log10: how sharply an ordering is asked for
_LEAN = 0.01  # of all corrections that do, the smallest
_STEPS = 200


@dataclass(frozen=True)
class OrderedPairs:
    """Pairs of the same experiment, n of them, whose order was seen.

    Attributes:
        faster, slower: Scaled features, shape (n, F).
        lead: log10 by which the physical mean of the faster leads, shape (n,).
        least, most: What it may lead by; `most` may be infinite.
    """

    faster: Tensor
    slower: Tensor
    lead: Tensor
    least: Tensor
    most: Tensor


class OrdersSeen(nn.Module):
    """From scaled features (n, F) to what is added to log10 of the speed (n, 1); nothing until it has been fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(1, len(_MATERIAL)))
        self.register_buffer("weights", torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        return self._near(features) @ self.weights[:, None]

    def fit(self, pairs: OrderedPairs, residual: tuple[Tensor, Tensor], weight: float) -> None:
        """The smallest correction by which the faster lead by as much as was seen, and by no more where that is known.

        Args:
            pairs: Their order.
            residual: What the networks say of the faster and of the slower, shape (n,) each.
            weight: Of the orders against the size of the correction.
        """
        concave = [side[:, _CONCAVE] for side in (pairs.faster, pairs.slower)]
        credited = torch.cat([pairs.faster[concave[0] >= concave[1]], pairs.slower[concave[1] >= concave[0]]])
        self.centres = torch.unique(credited[:, _MATERIAL], dim=0)
        near = self._near(pairs.faster) - self._near(pairs.slower)
        lead = pairs.lead + residual[0] - residual[1]
        corrections = torch.zeros(len(self.centres), requires_grad=True)
        optimizer = torch.optim.LBFGS([corrections], max_iter=_STEPS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimizer.zero_grad()
            led = lead + near @ corrections
            short = softplus((pairs.least - led) / _SLACK) * _SLACK
            long = torch.where(torch.isfinite(pairs.most), softplus((led - pairs.most) / _SLACK) * _SLACK, 0.0)
            total = weight * (short + long).mean() + _LEAN * corrections.square().sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        with torch.enable_grad():
            optimizer.step(loss)  # type: ignore[no-untyped-call]
        self.weights = corrections.detach()

    def _near(self, features: Tensor) -> Tensor:
        apart = (features[:, None, _MATERIAL] - self.centres).square().sum(dim=2)
        return torch.exp(-apart / (2 * _REACH**2))
