"""compare.json: what a comparison found, for programs. Every quantity is {value, low, high} at 95 %."""

import json
import math
from pathlib import Path
from typing import Any

from ionfront.core import Quantity, atomic_output

from .comparison import QUANTITIES, Comparison, FrontComparison

__all__ = ["comparison_record", "write_comparison"]

Json = dict[str, Any]

_KEYS = {"velocity": "velocity_{length}_{time}", "onset": "onset_{time}"}


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


def write_comparison(path: Path, record: Json) -> None:
    """Write the record; NaN never reaches the file."""
    with atomic_output(path) as draft:
        draft.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _front(front: FrontComparison, comparison: Comparison) -> Json:
    return {
        "name": front.name,
        "laws": front.laws,
        "shapes": {side: [item["shape"] for item in items] for side, items in front.by_side.items()},
        "quantities": {_KEYS.get(name, name).format(**comparison.units): _compared(front, name) for name in QUANTITIES},
    }


def _compared(front: FrontComparison, name: str) -> Json:
    """A quantity by side, and how each side compares with the first."""
    by_side = {}
    for side, mean in front.pooled[name].items():
        values = _quantity(front.value(name, side))
        # on a logarithmic scale the spread is a relative one
        spread = "relative_spread_between_particles" if QUANTITIES[name] == "ratio" else "spread_between_particles"
        by_side[side] = values | {"repeats": mean.count, spread: _number(mean.spread)}
    against = {side: _quantity(found) for side, found in front.against_first[name].items()}
    return {"by_side": by_side, f"{QUANTITIES[name]}_to_first": against}


def _quantity(quantity: Quantity | None) -> Json:
    return {name: None if quantity is None else _number(getattr(quantity, name)) for name in ("value", "low", "high")}


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
