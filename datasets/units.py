"""Units as microscope files spell them, turned into nanometres and seconds."""

import unicodedata

__all__ = ["length_in_nm", "time_in_s"]

_NM = {
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "µm": 1e3,
    "um": 1e3,
    "micron": 1e3,
    "microns": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "å": 0.1,
    "a": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "pm": 1e-3,
    "picometer": 1e-3,
    "picometre": 1e-3,
}
_S = {
    "h": 3600.0,
    "hour": 3600.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "nanosecond": 1e-9,
}


def length_in_nm(unit: str) -> float | None:
    """Nanometres in one `unit`; None for what is no length in real space ("1/nm", "px", "")."""
    return _look_up(_NM, unit)


def time_in_s(unit: str) -> float | None:
    """Seconds in one `unit`; None for what is no time."""
    return _look_up(_S, unit)


def _look_up(table: dict[str, float], unit: str) -> float | None:
    key = _spelling(unit)
    return next((factor for name, factor in table.items() if _spelling(name) == key), None)


def _spelling(unit: str) -> str:
    # NFKC joins the two code points that µ and Å each have. ImageJ escapes µ, as in a Java source file.
    return unicodedata.normalize("NFKC", unit.replace("\\u00B5", "µ")).strip().casefold()
