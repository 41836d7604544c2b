"""Logs of a potentiostat beside a movie: time, potential and current of any program, in seconds, volts and amperes."""

import csv
import importlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ionfront.core import ElectrochemistryError, MissingExtraError

from .units import time_in_s

__all__ = ["ElectrochemicalLog", "read_electrochemistry"]

Floats = NDArray[np.float64]

_HEADER_WITHIN = 400  # lines; EC-Lab writes up to some hundred before its table
_REST = 0.05  # of all charge that passes either way: a stretch with less is no half cycle
_NAMES = {
    "time": {"t", "time", "elapsed time", "test time", "total time"},
    "potential": {"v", "u", "e", "ewe", "<ewe>", "ecell", "vf", "bias", "potential", "voltage"},
    "current": {"i", "<i>", "im", "current"},
}
_PREFIXES = {"k": 1e3, "": 1.0, "m": 1e-3, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12}


@dataclass(frozen=True)
class ElectrochemicalLog:
    """What a potentiostat wrote down.

    Attributes:
        time_s: On its own clock, shape (n,), never falling.
        potential_v: Of the sample against the counter electrode, shape (n,); NaN where it was not recorded.
        current_a: Shape (n,); NaN where it was not recorded.
        source: File that it was read from.
    """

    time_s: Floats
    potential_v: Floats
    current_a: Floats
    source: str

    @property
    def charge_c(self) -> Floats:
        """Charge passed since the first point [C], by trapezoids, shape (n,); current not recorded counts 0."""
        current = np.nan_to_num(self.current_a)
        steps = np.diff(self.time_s) * (current[1:] + current[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def reversals_s(self) -> Floats:
        """When the current set out the other way, shape (n,); spikes, and what noise makes of a rest, do not count."""
        ways = np.sign(np.nan_to_num(self.current_a))
        starts = np.concatenate([[0], np.flatnonzero(np.diff(ways)) + 1, [ways.size - 1]])
        passed = np.abs(np.diff(self.charge_c[starts]))
        some = np.flatnonzero((passed > _REST * passed.sum()) & (ways[starts[:-1]] != 0))
        turned = np.flatnonzero(np.diff(ways[starts[some]])) + 1
        return np.asarray(self.time_s[starts[some[turned]]])

    def shifted(self, offset_s: float) -> "ElectrochemicalLog":
        """The same on a clock that shows `offset_s` when this one shows zero."""
        return replace(self, time_s=self.time_s + offset_s)

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether it was recording all the time."""
        return bool(self.time_s[0] <= start_s and end_s <= self.time_s[-1])

    def charge_at(self, time_s: ArrayLike) -> Floats:
        """Charge passed since the first point [C]; NaN before and after the log, and without any current in it."""
        moments = np.asarray(time_s, float)
        if not np.isfinite(self.current_a).any():
            return np.full(moments.shape, np.nan)
        return np.asarray(np.interp(moments, self.time_s, self.charge_c, left=np.nan, right=np.nan))

    def mean_potential_v(self, start_s: float, end_s: float) -> float:
        """Mean over time between two moments [V], of what was recorded of it; NaN where nothing was."""
        within = (self.time_s >= start_s) & (self.time_s <= end_s) & np.isfinite(self.potential_v)
        time, potential = self.time_s[within], self.potential_v[within]
        if time.size < 2 or np.ptp(time) == 0:
            return float(potential.mean()) if time.size else float("nan")
        return float(np.sum(np.diff(time) * (potential[1:] + potential[:-1]) / 2) / np.ptp(time))


def read_electrochemistry(path: Path) -> ElectrochemicalLog:
    """Read a log.

    Args:
        path: Text table with a header that names columns with their units ("Time (s)", "Ewe/V", "current_nA"; comma,
            semicolon or tab, decimal comma or point; lines before the header are skipped), BioLogic `.mpt` or `.mpr`,
            or Gamry `.DTA`.

    Raises:
        ElectrochemistryError: The file cannot be read, columns or units are missing, or time runs backwards.
        MissingExtraError: The format needs the extra `formats`.
    """
    path = Path(path)
    read = _READERS.get(path.suffix.lower(), _text_columns)
    try:
        columns = read(path)
    except OSError as error:
        raise ElectrochemistryError(f"{path} cannot be read ({error}): check the path.") from error
    return _log(columns, path)


def _log(columns: Mapping[str, ArrayLike], path: Path) -> ElectrochemicalLog:
    found: dict[str, Floats] = {}
    for header, values in columns.items():
        quantity, unit = _quantity_and_unit(header)
        if quantity and quantity not in found:
            found[quantity] = _factor(quantity, unit, header, path) * np.asarray(values, float)
    if "time" not in found or len(found) < 2:
        raise ElectrochemistryError(
            f"{path} has the columns {', '.join(map(repr, columns)) or 'none'}; a time and a potential or a current "
            "are needed: name them with their units, as in 'time (s),potential (V),current (nA)'."
        )
    known = np.isfinite(found["time"])
    time = found["time"][known]
    if time.size < 2:
        raise ElectrochemistryError(f"{path} holds {time.size} moments; two are needed: export the log anew.")
    if (back := np.flatnonzero(np.diff(time) < 0)).size:
        raise ElectrochemistryError(
            f"time runs backwards in {path} after {time[back[0]]:g} s (point {back[0] + 1}): "
            "export the time since the start of the experiment, not of each step."
        )
    nothing = np.full(time.size, np.nan)
    potential, current = (found[name][known] if name in found else nothing for name in ("potential", "current"))
    return ElectrochemicalLog(time, potential, current, str(path))


def _quantity_and_unit(header: str) -> tuple[str, str]:
    """Which quantity a column holds, empty for none of these, and its unit as written."""
    match = re.fullmatch(r"\s*(.+?)\s*(?:[/(\[]|(?<=[a-zA-Z])[_ ](?=\S+$))\s*([^)\]]*?)[)\]]?\s*", header)
    name, unit = (match[1], match[2]) if match else (header, "")
    plain = name.strip().replace("_", " ").casefold()
    return next((quantity for quantity, names in _NAMES.items() if plain in names), ""), unit


def _factor(quantity: str, unit: str, header: str, path: Path) -> float:
    """What turns a column into seconds, volts or amperes."""
    symbol = unit.split()[0] if unit.split() else ""  # "V vs. Li/Li+"
    if quantity == "time":
        factor = time_in_s(symbol)
    else:
        base = "V" if quantity == "potential" else "A"
        factor = _PREFIXES.get(symbol[:-1]) if symbol.endswith(base) else None
    if factor is None:
        wanted = {"time": "s, min or h", "potential": "V or mV", "current": "A, mA, µA, nA or pA"}[quantity]
        raise ElectrochemistryError(
            f"column {header!r} of {path} has the unit {unit!r}; {wanted} is needed: write it behind the name."
        )
    return factor


def _text_columns(path: Path) -> dict[str, ArrayLike]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # EC-Lab's
    lines = text.splitlines()
    for number, line in enumerate(lines[:_HEADER_WITHIN]):
        for delimiter in "\t;,":
            names = next(csv.reader([line], delimiter=delimiter), [])
            if {"time"} < {_quantity_and_unit(name)[0] for name in names} - {""}:
                return _table("\n".join(lines[number:]), delimiter, path)
    raise ElectrochemistryError(
        f"no line among the first {_HEADER_WITHIN} of {path} names a time and a potential or a current; "
        "a header such as 'time (s),potential (V),current (nA)' is needed: add one."
    )


def _table(text: str, delimiter: str, path: Path) -> dict[str, ArrayLike]:
    decimal = "," if delimiter != "," and "," in text.partition("\n")[2] else "."
    try:
        table = pd.read_csv(io.StringIO(text), sep=delimiter, decimal=decimal, index_col=False, skip_blank_lines=True)
    except (pd.errors.ParserError, ValueError) as error:
        raise ElectrochemistryError(f"the table in {path} is damaged ({error}): export it anew.") from error
    columns: dict[str, ArrayLike] = {}
    for name in table.columns:
        if not _quantity_and_unit(str(name))[0]:
            continue
        try:
            columns[str(name)] = pd.to_numeric(table[name]).to_numpy(float)
        except (ValueError, TypeError) as error:
            raise ElectrochemistryError(
                f"column {str(name)!r} of {path} holds something that is no number ({error}): correct it."
            ) from error
    return columns


def _biologic_columns(path: Path) -> dict[str, ArrayLike]:
    reader = _extra("galvani.BioLogic", path)
    content = io.BytesIO(path.read_bytes())
    try:
        data = reader.MPRfile(content).data
    except Exception as error:  # galvani raises whatever its parser stumbles over
        raise ElectrochemistryError(
            f"{path} is no BioLogic file that galvani can read ({error or type(error).__name__}): "
            "export it as text (.mpt) from EC-Lab."
        ) from error
    return {name: data[name] for name in data.dtype.names if _quantity_and_unit(name)[0]}


def _gamry_columns(path: Path) -> dict[str, ArrayLike]:
    reader = _extra("gamry_parser", path).GamryParser()
    if not path.is_file():
        raise FileNotFoundError(2, "no such file")
    try:
        reader.load(str(path))
        table = pd.concat(reader.get_curves())
        units = reader.curve_units
    except Exception as error:  # gamry-parser raises whatever its parser stumbles over
        raise ElectrochemistryError(
            f"{path} is no Gamry file that gamry-parser can read ({error or type(error).__name__}): export it as CSV."
        ) from error
    names = {name: f"{name} ({units.get(name, '')})" for name in table.columns}
    return {names[name]: table[name].to_numpy() for name in names if _quantity_and_unit(names[name])[0]}


def _extra(module: str, path: Path) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"reading {path.suffix} files needs {module.partition('.')[0]}: pip install 'ionfront[formats]', or export "
            "the log as text."
        ) from error


_READERS: dict[str, Callable[[Path], Mapping[str, ArrayLike]]] = {
    ".mpr": _biologic_columns,
    ".dta": _gamry_columns,
}
