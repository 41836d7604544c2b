"""What the records of numbers for programs have in common."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import atomic_output

__all__ = ["Json", "number", "write_record"]

Json = dict[str, Any]


def number(value: float | np.floating[Any]) -> float | None:
    """A float for JSON; six figures carry more than any of these measurements knows."""
    plain = float(value)
    return float(f"{plain:.6g}") if math.isfinite(plain) else None


def write_record(path: Path, record: Json, *, overwrite: bool = False) -> None:
    """Write a record; NaN never reaches the file."""
    with atomic_output(path, overwrite=overwrite) as draft:
        draft.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")
