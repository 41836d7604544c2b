"""The kinetics head in training: an ensemble of small networks, quantile losses, and orders that were seen."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections.abc import Sequence

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, softplus

from ionfront.models.kinetics_features import FEATURES
from ionfront.models.kinetics_head import EXPONENT_LEVELS, SPEED_LEVELS
from ionfront.physics import LAW_NAMES

from .orders_seen import OrderedPairs, OrdersSeen

__all__ = ["KineticsModule", "KineticsNetwork"]


class KineticsNetwork(nn.Module):
    """From features (n, F) to quantiles of the residual, quantiles of the exponent, law logits, and going through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._sizes = [len(SPEED_LEVELS), len(EXPONENT_LEVELS), len(LAW_NAMES), 1]
        last = nn.Linear(width, sum(self._sizes))
        nn.init.zeros_(last.weight)
        hidden = (nn.Linear(len(FEATURES), width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.layers = nn.Sequential(*hidden, last)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        speed, exponent, laws, through = self.layers(features).split(self._sizes, dim=1)
        return _rising(speed), _rising(exponent), laws, through


class KineticsEnsemble(nn.Module):
    """Means of what its members say, how far their medians are apart, and what orders that were seen add to speeds."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.seen = OrdersSeen()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        said = [member(features) for member in self.members]
        speed, exponent, laws, through = (torch.stack([out[k] for out in said]) for k in range(4))
        middle = speed[:, :, len(SPEED_LEVELS) // 2]
        apart = (middle - middle.mean(dim=0)).square().mean(dim=0).sqrt()[:, None]
        seen = self.seen(features)
        return speed.mean(0) + seen, exponent.mean(0), laws.softmax(-1).mean(0), through.sigmoid().mean(0), apart, seen

    def keep_orders(self, pairs: OrderedPairs, weight: float) -> None:
        """See to it that the orders hold, however the members were trained."""
        middle = len(SPEED_LEVELS) // 2
        with torch.no_grad():
            faster, slower = (
                torch.stack([member(side)[0][:, middle] for member in self.members]).mean(0)
                for side in (pairs.faster, pairs.slower)
            )
        self.seen.fit(pairs, (faster, slower), weight)


class KineticsModule(LightningModule):  # type: ignore[misc]
    """One training of all members side by side. Every argument is a knob of the recipe.

    Args:
        members: Networks in the ensemble, each with its own start and its own order of the batches.
        width: Of their hidden layers.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: Weight decay of AdamW.
        order_weight: Weight of the orders that were seen against the size of what it takes to keep them.
    """

    def __init__(
        self,
        members: int = 5,
        width: int = 64,
        learning_rate: float = 6e-3,
        weight_decay: float = 1e-3,
        order_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.network = KineticsEnsemble([KineticsNetwork(width) for _ in range(members)])
        self._peak, self._decay, self.order_weight = learning_rate, weight_decay, order_weight
        self.register_buffer("_levels", torch.tensor(SPEED_LEVELS), persistent=False)
        self.register_buffer("_exponent_levels", torch.tensor(EXPONENT_LEVELS), persistent=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """As `KineticsEnsemble`."""
        said: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor] = self.network(features)
        return said

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        """Sum of the members' losses; each sees a batch of its own choice of rows."""
        rows = len(batch["features"])
        loss = torch.zeros(())
        for member in self.network.members:
            chosen = torch.randint(rows, (rows,))
            loss = loss + self._loss(member, {k: v[chosen] for k, v in batch.items()})
        mean = loss / len(self.network.members)
        self.log("train_loss", mean, prog_bar=True, on_step=False, on_epoch=True, batch_size=rows)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, one cycle."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=self._peak, weight_decay=self._decay)
        steps = int(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, self._peak, total_steps=max(steps, 2))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _loss(self, member: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        speed, exponent, laws, through = member(batch["features"])
        weight = batch["weight"]
        loss = _pinball(speed, batch["residual"], self._levels, weight)
        loss = loss + _pinball(exponent, batch["exponent"], self._exponent_levels, weight)
        told = torch.isfinite(batch["laws"]).all(dim=1)
        if told.any():
            entropy = -(batch["laws"][told] * log_softmax(laws[told], dim=1)).sum(dim=1)
            loss = loss + 0.1 * entropy.mean()
        goes = torch.isfinite(batch["through"])
        return loss + 0.1 * binary_cross_entropy_with_logits(through[goes, 0], batch["through"][goes])


def _rising(raw: Tensor) -> Tensor:
    """Quantiles that never cross: steps away from the middle are positive."""
    middle = raw.shape[1] // 2
    below = softplus(raw[:, :middle].flip(1)).cumsum(1).flip(1)
    above = softplus(raw[:, middle + 1 :]).cumsum(1)
    centre = raw[:, middle : middle + 1]
    return torch.cat([centre - below, centre, centre + above], dim=1)


def _pinball(quantiles: Tensor, truth: Tensor, levels: Tensor, weight: Tensor) -> Tensor:
    told = torch.isfinite(truth)
    if not told.any():
        return quantiles.sum() * 0
    off = truth[told, None] - quantiles[told]
    loss = torch.maximum(levels * off, (levels - 1) * off).mean(dim=1)
    return (loss * weight[told]).sum() / weight[told].sum()
