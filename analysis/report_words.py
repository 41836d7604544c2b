"""What a run found, in sentences and in a table of text: the words of the report, made from kinetics.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ionfront.physics import LAW_NAMES

from .wording import NOT_KNOWN, equal_probability, format_probability, format_size, quantity_text, unit_of

__all__ = ["CycleTable", "TableRow", "arrow", "cycle_tables", "law_name", "particle_rows", "summary_sentences"]

Json = Mapping[str, Any]

_FORMULAS = {
    "linear": "x = k t",
    "parabolic": "x² = B t",
    "mixed": "x²/B + x/k = t",
    "self_limiting": "x = L (1 − exp(−t/τ))",
}
_PARAMETERS = {"rate": "Rate k", "B": "Parabolic constant B", "length": "Limiting length L", "tau": "Time constant τ"}
_CERTAIN = 0.9  # a law less probable than this is named together with its runner-up


@dataclass(frozen=True)
class TableRow:
    """A row of the table: what is said, of every transition; `shares` are probabilities to draw as bars."""

    label: str
    cells: tuple[str, ...]
    shares: tuple[float, ...] | None = None


@dataclass(frozen=True)
class CycleTable:
    """Transitions of one half cycle side by side; the caption is empty where the movie shows only one."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


def summary_sentences(kinetics: Json) -> tuple[str, ...]:
    """The result in words, a sentence or two for each transition."""
    transitions = [item for cycle in kinetics["cycles"] for item in cycle["transitions"]]
    if not (kinetics["reaction_observed"] and transitions):
        return ("No reaction was observed: no front moved through a particle in this movie.",)
    count = len(kinetics["particles"])
    others = f"These are the fronts of the largest of {count} particles; the table of particles has the others."
    return (*(_sentence(item) for item in transitions), *([others] if count > 1 else []))


def cycle_tables(kinetics: Json) -> tuple[CycleTable, ...]:
    """The table of transitions, one for each half cycle."""
    cycles = kinetics["cycles"]
    several = len(cycles) > 1
    return tuple(_table(cycle, f"Cycle {i}: {_span(cycle)}" if several else "") for i, cycle in enumerate(cycles, 1))


def particle_rows(kinetics: Json) -> tuple[tuple[str, ...], ...]:
    """Number, area, front, velocity, law and completed share, a row for each front of each particle."""
    rows = []
    for number, particle in enumerate(kinetics["particles"], 1):
        name, area = _entry(particle, "area")
        size = f"{_size(area)} {unit_of(name)}"
        items = [item for cycle in particle["cycles"] for item in cycle["transitions"]]
        rows += [(str(number), size, *_front_cells(item)) for item in items] or [(str(number), size, "none", *3 * "–")]
    return tuple(rows)


def arrow(transition: object) -> str:
    """The name of a transition as a person writes it."""
    return str(transition).replace("->", " → ")


def law_name(law: str) -> str:
    """The name of a law as a person writes it."""
    return law.replace("_", "-")


def _sentence(item: Json) -> str:
    front, (name, velocity) = f"The front {_name(item)}", _entry(item, "velocity")
    done = f"{quantity_text(item['completed_fraction'], '%', 100)} of the particle"
    if item["law"] is None or velocity is None:
        return f"{front} reached {done}; too few frames show it on its way for a rate law."
    moved = f"{front} moved at {_in_words(velocity, unit_of(name))}, following {_law_phrase(item)}."
    exponent = f" Its exponent is {_in_words(item['exponent'], '')}." if item["exponent"] else ""
    shape = f" Its shape is {item['shape']}." if item["shape"] else ""
    return f"{moved}{exponent}{shape} It reached {done}."


def _front_cells(item: Json) -> tuple[str, ...]:
    name, velocity = _entry(item, "velocity")
    law = item["law"]
    probability = f" ({equal_probability(item['law_probabilities'][law])})" if law else ""
    return (
        _name(item),
        NOT_KNOWN if velocity is None else quantity_text(velocity, unit_of(name)),
        f"{law_name(law)}{probability}" if law else NOT_KNOWN,
        quantity_text(item["completed_fraction"], "%", 100),
    )


def _in_words(quantity: Json, unit: str) -> str:
    number, _, rest = quantity_text(quantity).partition(" (")
    interval, _, power = rest.partition(")")
    value = f"{number}{power} {unit}".strip()
    return f"{value} (95\N{NO-BREAK SPACE}%: {interval.replace('–', ' to ')}{power})"


def _law_phrase(item: Json) -> str:
    ranked = sorted(item["law_probabilities"].items(), key=lambda pair: -pair[1])
    first, second = (f"{law_name(law)} law ({equal_probability(p)})" for law, p in ranked[:2])
    return f"a {first}" if ranked[0][1] >= _CERTAIN else f"most probably a {first}, though a {second} is not ruled out"


def _table(cycle: Json, caption: str) -> CycleTable:
    items = cycle["transitions"]
    parameters = [_row(label, items, key, inside="parameters") for key, label in _PARAMETERS.items()]
    rows = [
        TableRow("Most probable law", tuple(_law_cell(item) for item in items)),
        *(_probability_row(law, items) for law in LAW_NAMES),
        TableRow("With exponential and closing cores", tuple(_all_laws_cell(item) for item in items)),
        *(row for row in parameters if any(cell != NOT_KNOWN for cell in row.cells)),
        _row("Velocity", items, "velocity"),
        TableRow("Exponent p, x ∝ (t − t₀)ᵖ", tuple(quantity_text(item["exponent"]) for item in items)),
        TableRow("Avrami exponent n, X = 1 − exp(−(K (t − t₀))ⁿ)", tuple(_avrami_cell(item) for item in items)),
        _row("Onset", items, "onset"),
        TableRow("Completed", tuple(quantity_text(item["completed_fraction"], "%", 100) for item in items)),
        TableRow("Shape of the front", tuple(item["shape"] or NOT_KNOWN for item in items)),
        _row("Curvature", items, "curvature"),
    ]
    if any(item.get("anisotropy") for item in items):
        rows.append(TableRow("Fastest over slowest direction", tuple(_anisotropy_cell(item) for item in items)))
    if any(item["law_change"] for item in items):
        rows.append(TableRow("Change of law", tuple(_law_change_cell(item) for item in items)))
    if len(items) > 1:
        rows.append(_row("Lag behind the step before", items, "lag"))
    return CycleTable(caption, tuple(_name(item) for item in items), tuple(rows))


def _row(label: str, items: Sequence[Json], key: str, inside: str | None = None) -> TableRow:
    entries = (_entry(item[inside] if inside else item, key) for item in items)
    absent = "–" if inside else NOT_KNOWN
    cells = tuple(absent if quantity is None else quantity_text(quantity, unit_of(name)) for name, quantity in entries)
    if all(cell == absent for cell in cells):
        cells = (NOT_KNOWN,) * len(cells)
    return TableRow(label, cells)


def _probability_row(law: str, items: Sequence[Json]) -> TableRow:
    shares = tuple(float(item["law_probabilities"].get(law, 0.0)) for item in items)
    known = [bool(item["law_probabilities"]) for item in items]
    cells = tuple(format_probability(p) if k else NOT_KNOWN for p, k in zip(shares, known, strict=True))
    return TableRow(f"P({law_name(law)})", cells, shares)


def _law_cell(item: Json) -> str:
    law = item["law"]
    return f"{law_name(law)}: {_FORMULAS[law]}" if law else NOT_KNOWN


def _all_laws_cell(item: Json) -> str:
    found = item["all_laws"]
    return (
        f"{law_name(found['law'])} ({equal_probability(found['probabilities'][found['law']])})" if found else NOT_KNOWN
    )


def _avrami_cell(item: Json) -> str:
    growth = item.get("avrami")
    return quantity_text(growth["exponent"]) if growth and growth["exponent"] else NOT_KNOWN


def _law_change_cell(item: Json) -> str:
    change = item["law_change"]
    if not change:
        return "none"
    (when, time), (name, before), (_, after) = (_entry(change, key) for key in ("time", "speed_before", "speed_after"))
    laws = f"{law_name(change['before'])} → {law_name(change['after'])}"
    speeds = f"{quantity_text(before)} → {quantity_text(after, unit_of(name))}"
    return f"{laws} at {quantity_text(time, unit_of(when))}; {speeds}"


def _anisotropy_cell(item: Json) -> str:
    ratio, form, towards = item.get("anisotropy"), item.get("anisotropy_form"), item.get("fastest_direction_deg")
    if not ratio:
        return NOT_KNOWN
    if not towards:
        return f"{form}: at most {ratio['high']:.3g}"
    return f"{form}: {quantity_text(ratio)}, fastest at {quantity_text(towards)}°"


def _entry(record: Json, base: str) -> tuple[str, Json | None]:
    """The first entry whose name is `base` and a unit, with its name."""
    return next(((key, value) for key, value in record.items() if key.startswith(f"{base}_")), (base, None))


def _name(item: Json) -> str:
    return f"{item['from']} → {item['to']}"


def _span(cycle: Json) -> str:
    (start_name, start), (_, end) = _entry(cycle, "start"), _entry(cycle, "end")
    times = "" if start is None else f", {_size(start)} to {_size(end)} {unit_of(start_name)}"
    return f"{cycle['direction']}{times}"


def _size(value: Any) -> str:
    return format_size(None if value is None else float(value))
