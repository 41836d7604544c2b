"""The tables that come with IonFront, CSV files in `tables/`."""

from importlib.resources import files
from typing import Any

import pandas as pd

__all__ = ["shipped_table"]


def shipped_table(name: str, **options: Any) -> pd.DataFrame:
    """A table by the stem of its file.

    Args:
        name: Stem.
        options: Of `pandas.read_csv`.
    """
    with files("ionfront.datasets").joinpath("tables", f"{name}.csv").open(encoding="utf-8") as text:
        table: pd.DataFrame = pd.read_csv(text, keep_default_na=False, **options)
    return table
