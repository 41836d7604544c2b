"""Pixel size and frame time in the dialects of TIFF that microscopes and their programs write."""

from typing import Any

import tifffile

from ..recording import Clock, Scale, clock_from_interval, clock_from_stamps, pixel_scale
from ..units import time_in_s

__all__ = ["tiff_calibration"]

# Private tags of DigitalMicrograph's TIFF export, as rosettasciio documents them: units and scales of x, y, z.
_DM_UNITS, _DM_SCALES = (65003, 65004, 65005), (65009, 65010, 65011)


def tiff_calibration(tiff: Any, index: int, frame_axis: str | None, count: int) -> tuple[Scale, Clock]:
    """Calibration of series `index`; resolution tags alone are for printers (72 dpi) and are never used.

    Args:
        tiff: An open tifffile.TiffFile.
        frame_axis: The letter of the axis along which frames lie.
        count: How many frames there are.
    """
    page = tiff.series[index].keyframe
    if tiff.is_ome and tiff.ome_metadata:
        return _from_ome(tiff.ome_metadata, index, frame_axis or "T", count)
    if tiff.is_imagej and tiff.imagej_metadata:
        return _from_imagej(tiff.imagej_metadata, page)
    if _DM_SCALES[0] in page.tags:
        return _from_dm(page)
    if "OlympusSIS" in page.tags:
        return _from_olympus(page.tags["OlympusSIS"].value)
    return Scale(), Clock()


def _from_ome(xml: str, index: int, frame_axis: str, count: int) -> tuple[Scale, Clock]:
    pixels = _as_list(tifffile.xml2dict(xml)["OME"]["Image"])[index]["Pixels"]
    sizes = [pixels.get(f"PhysicalSize{axis}", 0) for axis in "YX"]
    units = [
        pixels.get(f"PhysicalSize{axis}Unit", "µm") if size else "" for axis, size in zip("YX", sizes, strict=True)
    ]
    interval = clock_from_interval(
        pixels.get("TimeIncrement", 0),
        pixels.get("TimeIncrementUnit", "s") if "TimeIncrement" in pixels else "",
        "OME-XML",
    )
    return pixel_scale(sizes, units, "OME-XML"), _ome_stamps(pixels, frame_axis, count, interval)


def _ome_stamps(pixels: dict[str, Any], frame_axis: str, count: int, interval: Clock) -> Clock:
    stamps = {
        int(plane.get(f"The{frame_axis}", -1)): float(plane["DeltaT"]) * (time_in_s(plane.get("DeltaTUnit", "s")) or 0)
        for plane in _as_list(pixels.get("Plane", []))
        if "DeltaT" in plane
    }
    if count < 2 or any(i not in stamps for i in range(count)):
        return interval
    return clock_from_stamps([stamps[i] for i in range(count)], "OME-XML DeltaT", interval)


def _from_imagej(metadata: dict[str, Any], page: Any) -> tuple[Scale, Clock]:
    unit = str(metadata.get("unit", ""))
    sizes = [_edge(page, tag) for tag in ("YResolution", "XResolution")]
    known = unit and unit.lower() not in ("pixel", "pixels", "inch", "inches")
    scale = pixel_scale(sizes, [unit, str(metadata.get("yunit", unit))][::-1], "ImageJ") if known else Scale()
    interval = metadata.get("finterval", 0)
    # ImageJ's "fps" is the playback speed, and "spacing" the distance of slices: neither is a frame time.
    return scale, clock_from_interval(interval, str(metadata.get("tunit", "s")) if interval else "", "ImageJ")


def _edge(page: Any, tag: str) -> float:
    """Units a pixel from a resolution tag, which holds pixels a unit as a fraction."""
    numerator, denominator = page.tags[tag].value if tag in page.tags else (0, 1)
    return denominator / numerator if numerator else 0.0


def _from_dm(page: Any) -> tuple[Scale, Clock]:
    x, y, z = (page.tags[code].value if code in page.tags else 0.0 for code in _DM_SCALES)
    x_unit, y_unit, z_unit = (str(page.tags[code].value) if code in page.tags else "" for code in _DM_UNITS)
    return pixel_scale([y, x], [y_unit, x_unit], "DM TIFF tags"), clock_from_interval(z, z_unit, "DM TIFF tags")


def _from_olympus(metadata: dict[str, Any]) -> tuple[Scale, Clock]:
    sizes = [metadata.get("pixelsizey", 0.0), metadata.get("pixelsizex", 0.0)]
    return pixel_scale(sizes, ["m", "m"], "Olympus SIS"), Clock()


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
