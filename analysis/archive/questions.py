"""What is asked of an archive's table: speeds, laws, outliers, failures, or anything in SQL."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ionfront.core import MissingExtraError, UsageError
from ionfront.physics import LAW_NAMES

from ..pooling import exponential, log_estimate, pooled
from .table import read_table

__all__ = ["QUESTIONS", "Question", "answer", "fronts_of", "sql"]

Question = Literal["speeds", "laws", "outliers", "failures"]
QUESTIONS: tuple[Question, ...] = get_args(Question)

_GROUP = ["host", "ion", "direction", "before", "after"]
_SIZES = ("small", "middling", "large")
_FAR = 3.0  # standard deviations


def answer(table: pd.DataFrame, question: Question) -> pd.DataFrame:
    """A table for one of the ready questions; units are part of its columns' names.

    speeds: Of each transition by host and ion: mean over all particles that could have been filmed [nm/s], its 95 %
        interval, and how far particles differ, as a share.
    laws: Probability of each rate law, averaged over particles, by their size in thirds [nm].
    outliers: Fronts whose speed is further from the others of their host and ion than particles differ, by how many
        standard deviations; without that, fronts of which nothing else is known.
    failures: Runs without results, and why.

    Args:
        table: Of the archive, as pandas has it.
        question: Which.
    """
    return _ANSWERS[question](table)


def sql(path: Path, query: str) -> pd.DataFrame:
    """The answer to a query over the table `kinetics`, by DuckDB.

    Raises:
        UsageError: There is no archive, or the query is none.
        MissingExtraError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("SQL needs DuckDB: pip install 'ionfront[archive]'.") from error
    with duckdb.connect() as connection:
        connection.register("kinetics", read_table(path))
        try:
            found: pd.DataFrame = connection.execute(query).df()
            return found
        except duckdb.Error as error:
            raise UsageError(f"the query has no answer: {error}") from error


def fronts_of(table: pd.DataFrame) -> pd.DataFrame:
    """Fronts with a speed in nm/s; with host and ion, empty where nobody named them.

    Each front of a movie's content counts once, as it was measured last, and of a particle that was cycled the first
    half cycle in each direction: others are no repeats of it.
    """
    measured = table.sort_values("analysed_at_s", kind="stable", na_position="first").dropna(subset="content")
    last = measured.drop_duplicates("content", keep="last")[["content", "source"]]
    known = table.merge(last, on=["content", "source"])
    known = known[known["velocity_nm_s"].notna() & (known["velocity_nm_s"] > 0)]
    known = known.sort_values(["source", "particle", "half_cycle"], kind="stable")
    known = known.drop_duplicates(["content", "particle", "direction", "before", "after"])
    return known.assign(host=known["host"].fillna(""), ion=known["ion"].fillna(""))


def _speeds(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for group, fronts in fronts_of(table).groupby(_GROUP):
        estimates = [pair for pair in _estimates(fronts) if pair is not None]
        if estimates:
            found = pooled({"all": estimates})["all"]
            speed = exponential(found.quantity)
            rows.append(
                {
                    **dict(zip(_GROUP, group, strict=True)),
                    "movies": fronts["key"].nunique(),
                    "fronts": len(estimates),
                    "velocity_nm_s": speed.value,
                    "velocity_nm_s_low": speed.low,
                    "velocity_nm_s_high": speed.high,
                    "spread_between_particles": found.spread,
                }
            )
    columns = [*_GROUP, "movies", "fronts", *_named("velocity_nm_s"), "spread_between_particles"]
    return pd.DataFrame(rows, columns=columns)


def _laws(table: pd.DataFrame) -> pd.DataFrame:
    fronts = fronts_of(table)
    fronts = fronts[fronts["area_nm2"].notna() & fronts["law"].notna()]
    size = pd.Series(2 * np.sqrt(fronts["area_nm2"] / math.pi), name="diameter_nm")
    probabilities = [f"probability_{law}" for law in LAW_NAMES]
    rows = []
    thirds = pd.qcut(size.rank(method="first"), 3, labels=False) if len(size) >= len(_SIZES) else 0 * size
    for number, name in enumerate(_SIZES):
        inside = thirds == number
        if inside.any():
            means = {name: float(fronts.loc[inside, name].fillna(0.0).mean()) for name in probabilities}
            ends = {"diameter_nm_from": float(size[inside].min()), "diameter_nm_to": float(size[inside].max())}
            rows.append({"size": name, **ends, "fronts": int(inside.sum()), **means})
    return pd.DataFrame(rows, columns=["size", "diameter_nm_from", "diameter_nm_to", "fronts", *probabilities])


def _outliers(table: pd.DataFrame) -> pd.DataFrame:
    columns = ["source", *_GROUP, "particle", *_named("velocity_nm_s"), "others_nm_s", "deviations", "results"]
    found = [row for _, fronts in fronts_of(table).groupby(_GROUP) for row in _far(fronts)]
    return pd.DataFrame(found, columns=columns).sort_values("deviations", key=abs, ascending=False, ignore_index=True)


def _far(fronts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each front against all others of its kind, its own error and what particles differ by taken into account."""
    estimates = _estimates(fronts)
    for at, own in enumerate(estimates):
        others = [pair for number, pair in enumerate(estimates) if number != at and pair is not None]
        if own is None or len(others) < 2:
            continue
        rest = pooled({"all": others})["all"]
        deviations = (own[0] - rest.mean) / math.sqrt(own[1] ** 2 + rest.spread**2 + rest.std**2)
        if abs(deviations) > _FAR:
            told = {str(name): value for name, value in fronts.iloc[at].items()}
            yield told | {"others_nm_s": math.exp(rest.mean), "deviations": deviations}


def _failures(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table["error"] != "", ["source", "error"]].reset_index(drop=True)


def _estimates(fronts: pd.DataFrame) -> list[tuple[float, float] | None]:
    found = []
    for value, low, high in fronts[_named("velocity_nm_s")].to_numpy(float):
        known = math.isfinite(low) and math.isfinite(high)
        found.append(log_estimate(value, low, high) if known else None)
    return found


def _named(quantity: str) -> list[str]:
    return [quantity, f"{quantity}_low", f"{quantity}_high"]


_ANSWERS: dict[Question, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "speeds": _speeds,
    "laws": _laws,
    "outliers": _outliers,
    "failures": _failures,
}
