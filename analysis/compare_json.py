"""compare.json: what a comparison found, for programs. Every quantity is {value, low, high} at 95 %."""

from ionfront.core import Quantity

from .comparison import QUANTITIES, Comparison, FrontComparison, key_of
from .record import Json, number

__all__ = ["comparison_record"]


def comparison_record(comparison: Comparison) -> Json:
    """The content of compare.json. Ratios and differences are to the first side; units are part of the names."""
    return {
        "schema_version": 1,
        "units": comparison.units,
        "sides": [
            {
                "name": side,
                "runs": [str(run.folder) for run in comparison.runs if run.side == side],
                "mechanism": list(comparison.mechanism(side)),
            }
            for side in comparison.sides
        ],
        "compared_with": comparison.sides[0],
        "fronts": [_front(front, comparison) for front in comparison.fronts],
        "warnings": list(comparison.warnings),
    }


def _front(front: FrontComparison, comparison: Comparison) -> Json:
    return {
        "name": front.name,
        "laws": front.laws,
        "shapes": {side: [item["shape"] for item in items] for side, items in front.by_side.items()},
        "quantities": {key_of(name, comparison.units): _compared(front, name) for name in QUANTITIES},
    }


def _compared(front: FrontComparison, name: str) -> Json:
    """A quantity by side, and how each side compares with the first."""
    by_side = {}
    for side, mean in front.pooled[name].items():
        values = _quantity(front.value(name, side))
        # on a logarithmic scale the spread is a relative one
        spread = "relative_spread_between_particles" if QUANTITIES[name] == "ratio" else "spread_between_particles"
        by_side[side] = values | {"repeats": mean.count, spread: number(mean.spread)}
    against = {side: _quantity(found) for side, found in front.against_first[name].items()}
    return {"by_side": by_side, f"{QUANTITIES[name]}_to_first": against}


def _quantity(quantity: Quantity | None) -> Json:
    return {name: None if quantity is None else number(getattr(quantity, name)) for name in ("value", "low", "high")}
