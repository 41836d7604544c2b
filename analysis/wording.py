"""How numbers of a report are written: rounded to what their interval supports, with the unit their name carries."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = [
    "NOT_KNOWN",
    "equal_probability",
    "format_probability",
    "format_quantity",
    "format_size",
    "quantity_text",
    "unit_of",
]

NOT_KNOWN = "not known"

_UNITS = {"nm": "nm", "px": "px", "s": "s", "frame": "frame", "nm2": "nm²", "px2": "px²"}
_PLAIN_DIGITS = (1e-3, 1e5)  # numbers outside this range are written as powers of ten
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_quantity(value: float | None, low: float | None, high: float | None) -> str:
    """A value and its 95 % interval, "12.3 (11.9–12.8)", with as many digits as the interval supports.

    The half width of the interval keeps two digits where they are below 36 and one above, as the Particle
    Data Group does (doi:10.1103/PhysRevD.110.030001, section 5.3).

    Args:
        value: What was measured; None or NaN where it is not known.
        low: Lower end of the interval; None or NaN where it is not known.
        high: Upper end of the interval, likewise.
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return f"{format_size(value)} (no interval)"
    power = _power_of_ten(max(abs(value), abs(low), abs(high)))
    scale = 10.0**power
    decimals = _decimals(value / scale, (high - low) / (2 * scale))
    if low * high > 0 and 0 in (round(number / scale, decimals) for number in (value, low, high)):  # it spans decades
        return f"{format_size(value, 2)} ({format_size(low, 2)} to {format_size(high, 2)})"
    middle, left, right = (_rounded(number / scale, decimals) for number in (value, low, high))
    between = " to " if low < 0 else "–"
    return f"{middle} ({left}{between}{right}){_times_ten(power)}"


def format_size(value: float | None, digits: int = 3) -> str:
    """A number without an interval, to so many significant digits."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    power = _power_of_ten(abs(value))
    scaled = value / 10.0**power
    decimals = digits - 1 - math.floor(math.log10(abs(scaled))) if scaled else 0
    text = _rounded(scaled, decimals)
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{_times_ten(power)}"


def format_probability(value: float) -> str:
    """Two decimals, and never a false 0 or 1."""
    if value < 0.005:
        return "< 0.01"
    return "> 0.99" if value > 0.995 else f"{value:.2f}"


def equal_probability(value: float) -> str:
    """ "P = 0.98", or "P > 0.99"; its blanks do not break."""
    text = format_probability(value)
    return ("P " + (text if text[0] in "<>" else f"= {text}")).replace(" ", "\N{NO-BREAK SPACE}")


def quantity_text(quantity: Mapping[str, Any] | None, unit: str = "", scale: float = 1.0) -> str:
    """A quantity of kinetics.json, times `scale`, with its unit; "not known" where it is None."""
    if quantity is None or quantity["value"] is None:
        return NOT_KNOWN
    scaled = (None if quantity[end] is None else quantity[end] * scale for end in ("value", "low", "high"))
    return f"{format_quantity(*scaled)} {unit}".strip()


def unit_of(name: str) -> str:
    """The unit that a name of kinetics.json carries: "nm/s" of `velocity_nm_s`, "1/px" of `curvature_per_px`."""
    words = name.split("_")
    units = [_UNITS[word] for word in words if word in _UNITS]
    if "per" in words:
        return f"1/{units[0]}"
    return "/".join(units) if len(units) > 1 else "".join(units).replace("frame", "frames")


def _decimals(value: float, half_width: float) -> int:
    if half_width <= 0:
        return 2 - math.floor(math.log10(abs(value))) if value else 0
    leading = math.floor(math.log10(half_width))
    two_digits = half_width / 10.0**leading < 3.55
    return int(two_digits) - leading


def _rounded(number: float, decimals: int) -> str:
    rounded = round(number, decimals) + 0.0  # a rounded -0.0 becomes 0.0
    return f"{rounded:.{max(decimals, 0)}f}".replace("-", "−")


def _power_of_ten(size: float) -> int:
    smallest, largest = _PLAIN_DIGITS
    return 0 if size == 0 or smallest <= size < largest else math.floor(math.log10(size))


def _times_ten(power: int) -> str:
    return f" × 10{str(power).translate(_SUPERSCRIPTS)}" if power else ""
