"""DM3, DM4, EMD, SER, EMI, HSPY and ZSPY, through rosettasciio (an optional extra: it is GPL-3)."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import MissingExtraError, MovieError

from ..grey import check_dtype
from ..recording import Clock, Recording, Scale, clock_from_interval, pixel_scale
from ..units import time_in_s
from .failures import reading

__all__ = ["ROSETTA_SUFFIXES", "read_rosetta"]

_MODULES = {
    ".dm3": "digitalmicrograph",
    ".dm4": "digitalmicrograph",
    ".emd": "emd",
    ".ser": "tia",
    ".emi": "tia",
    ".hspy": "hspy",
    ".zspy": "zspy",
}
_NAMES = {"digitalmicrograph": "DM tags", "emd": "EMD", "tia": "TIA", "hspy": "HyperSpy axes", "zspy": "HyperSpy axes"}
ROSETTA_SUFFIXES = tuple(_MODULES)


def read_rosetta(path: Path) -> Recording:
    """The images of a microscope file as a movie.

    Raises:
        MissingExtraError: rosettasciio is not installed.
        MovieError: The file is damaged, or holds no stack of real-valued images.
    """
    module = _MODULES[path.suffix.lower()]
    file_reader = _file_reader(module, path)
    with reading(path, f"a {path.suffix[1:].upper()} file"):
        signals = _read(file_reader, path)
        images = [signal for signal in signals if _is_image(signal)]
        if not images:
            found = ", ".join(str(signal["data"].shape) for signal in signals) or "nothing"
            raise MovieError(f"{path} holds {found}, but no image or stack of images.")
        best = max(images, key=lambda signal: int(np.prod(signal["data"].shape)))
        return _recording(best, _NAMES[module], _note(best, images))


def _file_reader(module: str, path: Path) -> Any:
    try:
        return import_module(f"rsciio.{module}").file_reader
    except ImportError as error:
        raise MissingExtraError(
            f'{path} is read by rosettasciio, which is not installed ({error}): pip install "ionfront[formats]".'
        ) from error


def _read(file_reader: Any, path: Path) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        # Readers warn of metadata they skip; the pixels and axes that are used here raise when they are wrong.
        warnings.simplefilter("ignore")
        # HyperSpy's own formats are opened for writing when lazy, unless told otherwise.
        mode = {"mode": "r"} if path.suffix.lower() in (".hspy", ".zspy") else {}
        return list(file_reader(str(path), lazy=True, **mode))


def _is_image(signal: dict[str, Any]) -> bool:
    axes = signal["axes"]
    return len(axes) in (2, 3) and sum(not axis["navigate"] for axis in axes) == 2 and not axes[-1]["navigate"]


def _recording(signal: dict[str, Any], origin: str, notes: tuple[str, ...]) -> Recording:
    data, axes = signal["data"], signal["axes"]
    check_dtype(data.dtype)
    if data.ndim == 2:
        data, axes = data[np.newaxis], [{}, *axes]
    if data.size == 0:
        raise MovieError(f"its images are empty: shape {data.shape}.")
    data[-1].compute(scheduler="synchronous")  # a file cut short fails here, by name, and not halfway through a run
    frames = data.rechunk((1, -1, -1)).astype(data.dtype.newbyteorder("="))
    return Recording(frames, _scale(axes[1:], origin), _clock(axes[0], origin), notes=notes)


def _scale(axes: Sequence[dict[str, Any]], origin: str) -> Scale:
    # Without units a scale of 1 is rosettasciio's stand-in for "nothing known".
    return pixel_scale([axis["scale"] for axis in axes], [_unit(axis) for axis in axes], origin)


def _clock(axis: dict[str, Any], origin: str) -> Clock:
    # DM3 and DM4 stacks give their time axis no name: it is known by its units.
    unit = _unit(axis)
    return clock_from_interval(axis["scale"], unit, origin) if time_in_s(unit) else Clock()


def _unit(axis: dict[str, Any]) -> str:
    unit = axis.get("units")
    return unit if isinstance(unit, str) and unit.strip("[] ") else ""


def _note(best: dict[str, Any], images: list[dict[str, Any]]) -> tuple[str, ...]:
    if len(images) == 1:
        return ()
    title = best.get("metadata", {}).get("General", {}).get("title", "")
    return (f"1 of {len(images)} images in the file was taken, the largest: {title or best['data'].shape}",)
