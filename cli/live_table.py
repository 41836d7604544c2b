"""What `ionfront live` shows after each frame."""

from typing import Any

from rich.table import Table

__all__ = ["live_table"]


def live_table(answer: dict[str, Any], decisions: list[dict[str, Any]], refusal: str, advice: str) -> Table:
    """Fronts, decisions and what there is to be said.

    Args:
        answer: Of `Session.push`.
        decisions: All that were made.
        refusal: Why the last frame that could not be used was refused; empty where all could.
        advice: On the dose; empty before there is any.
    """
    state = answer["state"]
    title = f"Frame {state['frame']} at {state['time_s']:.2f} s, analyzed in {1e3 * state['seconds']:.0f} ms"
    table = Table(title=title, title_justify="left")
    for column in ("front", "position", "speed", "law", "through at"):
        table.add_column(column)
    for front in state["fronts"]:
        table.add_row(*_cells(front))
    if not state["fronts"]:
        table.add_row("none yet" if state["looked_s"] is None else "none", "", "", "", "")
    notes = [f"{made['rule']} at {made['time_s']:.2f} s: {', '.join(made['actions']) or 'noted'}" for made in decisions]
    if state["missed"]:
        notes.append(f"{state['missed']} frames were lost, let go or could not be used. {refusal}".rstrip())
    if state["foreign"]:
        notes.append("This frame is unlike anything that the model was trained on.")
    notes += [*([advice] if advice else []), *state["warnings"]]
    table.caption, table.caption_justify = "\n".join(notes) or None, "left"
    return table


def _cells(front: dict[str, Any]) -> tuple[str, ...]:
    unit = "nm" if "position_nm" in front else "px"
    law = "" if front["law"] is None else f"{front['law'].replace('_', '-')} ({front['law_probability']:.0%})"
    through = _interval(front["completion_s"], "s")
    if through:
        through += f" ({front['completion_probability']:.0%})"
    name = f"{front['from']} to {front['to']}"
    return (
        f"{front['particle']}: {name}",
        f"{_interval(front[f'position_{unit}'], unit)} of {front[f'depth_{unit}']:.4g}",
        _interval(front[f"speed_{unit}_s"], f"{unit}/s"),
        law,
        through,
    )


def _interval(quantity: dict[str, float] | None, unit: str) -> str:
    if quantity is None:
        return ""
    return f"{quantity['value']:.3g} ({quantity['low']:.3g} to {quantity['high']:.3g}) {unit}"
