"""compare.html and compare.json of several runs, in one folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ionfront.core import Quantity, atomic_output
from ionfront.physics import LAW_NAMES

from .compare_json import comparison_record
from .comparison import LEADING, QUANTITIES, Comparison, FrontComparison, Run, compare_runs, key_of
from .page import rendered
from .plots import svg_data_uri
from .plots_compare import overlaid_positions, speeds_by_side
from .record import Json, write_record
from .report_pictures import Picture
from .report_words import TableRow, law_name
from .wording import NOT_KNOWN, format_probability, format_size, quantity_text, unit_of

__all__ = ["Compared", "compare"]

_LABELS = {
    "velocity": "Velocity",
    "exponent": "Exponent p, x ∝ (t − t₀)ᵖ",
    "completed_fraction": "Completed fraction",
    "onset": "Onset",
}


@dataclass(frozen=True)
class _Front:
    """A front as the page shows it: a table of its sides, one of ratios, and a figure of its speeds."""

    name: str
    sides: tuple[str, ...]
    rows: tuple[TableRow, ...]
    ratio_rows: tuple[TableRow, ...]
    picture: Picture | None


@dataclass(frozen=True)
class Compared:
    """A finished comparison: its folder, the content of its compare.json, and what it says of speeds in sentences."""

    folder: Path
    record: Json
    sentences: tuple[str, ...]


def compare(runs: Sequence[Run], out: Path, *, overwrite: bool = False) -> Compared:
    """Compare runs and write compare.html and compare.json into `out`, a new folder.

    Raises:
        UsageError: There are fewer than two sides, or units differ.
        OutputExistsError: `out` exists and `overwrite` was not asked for.
    """
    comparison = compare_runs(runs)
    record = comparison_record(comparison)
    with atomic_output(out, overwrite=overwrite) as draft:
        draft.mkdir()
        write_record(draft / "compare.json", record)
        (draft / "compare.html").write_text(_page(comparison), encoding="utf-8")
    return Compared(out, record, _told(comparison))


def _told(comparison: Comparison) -> tuple[str, ...]:
    """What the speeds say, a sentence for each side beside the first."""
    return tuple(_sentences(comparison)) or ("No front has a velocity on two sides: there is nothing to compare.",)


def _sentences(comparison: Comparison) -> Iterator[str]:
    first = comparison.sides[0]
    for front in comparison.fronts:
        for side, ratio in front.against_first["velocity"].items():
            what = "The leading front" if front.name.endswith(LEADING) else f"The front {front.name}"
            times = f"{_ratio(ratio)} times as fast for {side} as for {first}"
            told = "" if ratio.low > 1 or ratio.high < 1 else " (95 %): these runs do not tell which is the faster"
            yield f"{what} moved {times}{told}."


def _page(comparison: Comparison) -> str:
    return rendered(
        "compare.html",
        title=" against ".join(comparison.sides) + (f" in {comparison.host}" if comparison.host else ""),
        version=version("ionfront"),
        warnings=comparison.warnings,
        summary=_told(comparison),
        mechanisms={side: " or ".join(comparison.mechanism(side)) for side in comparison.sides},
        runs=comparison.runs,
        fronts=[_compared_front(front, comparison) for front in comparison.fronts],
        first=comparison.sides[0],
        positions=Picture(
            svg_data_uri(overlaid_positions(comparison)),
            "Positions of all fronts of all particles against time.",
            "Every front of every particle. Colour: side. Line: first front, dashed: second.",
            "positions",
        ),
    )


def _compared_front(front: FrontComparison, comparison: Comparison) -> _Front:
    sides = tuple(side for side in comparison.sides if side in front.by_side)
    picture = None
    if front.pooled["velocity"]:
        picture = Picture(
            svg_data_uri(speeds_by_side(front, comparison)),
            f"Velocities of {front.name} in every particle, with the mean of each side.",
            "Open: one particle. Filled: mean of a side over all particles that could have been filmed. Bars: 95 %.",
            f"velocities_{front.name}".replace(" ", "_").replace("→", "to"),
        )
    return _Front(
        name=front.name,
        sides=sides,
        rows=(
            *(_value_row(front, quantity, sides, comparison) for quantity in QUANTITIES),
            _row("Spread between particles (velocity)", [_spread(front, side) for side in sides]),
            *(_law_row(front, law, sides) for law in LAW_NAMES),
            _row("Shape of the front", [_shapes(front, side) for side in sides]),
            _row("Particles", [str(len(front.by_side[side])) for side in sides]),
        ),
        ratio_rows=tuple(_against_row(front, quantity, sides[1:], comparison) for quantity in QUANTITIES)
        if comparison.sides[0] in front.by_side and len(sides) > 1
        else (),
        picture=picture,
    )


def _row(label: str, cells: Sequence[str]) -> TableRow:
    return TableRow(label, tuple(cells))


def _value_row(front: FrontComparison, quantity: str, sides: Sequence[str], comparison: Comparison) -> TableRow:
    values = [front.value(quantity, side) for side in sides]
    return _row(_LABELS[quantity], [_text(value, _unit(quantity, comparison)) for value in values])


def _against_row(front: FrontComparison, quantity: str, sides: Sequence[str], comparison: Comparison) -> TableRow:
    found = [front.against_first[quantity].get(side) for side in sides]
    if QUANTITIES[quantity] == "ratio":
        return _row(f"{_LABELS[quantity]}: ratio", [NOT_KNOWN if ratio is None else _ratio(ratio) for ratio in found])
    unit = _unit(quantity, comparison)
    return _row(f"{_LABELS[quantity]}: difference", [_text(difference, unit) for difference in found])


def _law_row(front: FrontComparison, law: str, sides: Sequence[str]) -> TableRow:
    shares = tuple(front.laws[side].get(law, 0.0) for side in sides)
    cells = tuple(
        format_probability(share) if front.laws[side] else NOT_KNOWN for side, share in zip(sides, shares, strict=True)
    )
    return TableRow(f"P({law_name(law)})", cells, shares)


def _spread(front: FrontComparison, side: str) -> str:
    mean = front.pooled["velocity"].get(side)
    if mean is None or mean.count == 1:
        return NOT_KNOWN
    return f"{100 * mean.spread:.0f} % ({mean.count} particles)"


def _shapes(front: FrontComparison, side: str) -> str:
    words = [item["shape"] or NOT_KNOWN for item in front.by_side[side]]
    return ", ".join(f"{words.count(word)} {word}" if len(words) > 1 else word for word in dict.fromkeys(words))


def _ratio(ratio: Quantity) -> str:
    """Two digits, since a ratio may span decades."""
    low, high = (format_size(end, 2) for end in (ratio.low, ratio.high))
    return f"{format_size(ratio.value, 2)} ({low} to {high})"


def _text(quantity: Quantity | None, unit: str) -> str:
    return quantity_text(None if quantity is None else vars(quantity), unit)


def _unit(quantity: str, comparison: Comparison) -> str:
    return unit_of(key_of(quantity, comparison.units))
