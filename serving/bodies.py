"""A frame out of a request's body: what it claims to be is checked against limits before a pixel is decoded."""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from imagecodecs import png_decode
from numpy.typing import NDArray

from ionfront.core import MovieError
from ionfront.datasets.grey import check_dtype, is_blanked, to_grey

from .metrics import stage
from .problems import RequestError

__all__ = ["RAW", "Decode", "Limits", "decoded_picture", "frame_of"]

Frame = NDArray[Any]

RAW = "application/octet-stream"
"""The fast path: an array's bytes, row by row, with its shape and type in the headers X-Shape and X-Dtype."""

_NPY, _PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_IHDR = slice(12, 16)
_HEADER_BYTES = 10_000
_CHANNELS = (1, 2, 3, 4)
_NEEDED = "a grey image is needed: PNG, TIFF or NPY, or raw bytes with the headers X-Shape and X-Dtype."


@dataclass(frozen=True)
class Limits:
    """What a request may ask for.

    Attributes:
        body_bytes: Of one body.
        pixels: Of one frame.
        least_px: Shorter edge of a frame.
    """

    body_bytes: int = 256 * 2**20
    pixels: int = 2**26
    least_px: int = 8


Decode = Callable[[bytes, Limits], Frame]


def frame_of(
    body: bytes, headers: Mapping[str, str], limits: Limits, decode: Decode | None = None, *, blank: bool = False
) -> Frame:
    """Grey values, shape (y, x), of any real type.

    Args:
        body: All of it.
        headers: Of the request; a body that says itself what it is needs none.
        limits: What is too much.
        decode: Takes PNG and TIFF in place of `decoded_picture`.
        blank: Whether it may show nothing at all, as frames of a movie may.

    Raises:
        RequestError: The body is no image that can be used, or larger than allowed.
    """
    try:
        with stage("decode"):
            frame = _decoded(body, headers, limits, decode or decoded_picture)
        check_dtype(frame.dtype)
    except RequestError:
        raise
    except MovieError as error:
        raise RequestError(422, "unusable image", str(error)) from error
    except Exception as error:  # decoders of foreign bytes may raise anything
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise RequestError(422, "unreadable image", f"the body cannot be decoded ({what[:200]}); {_NEEDED}") from error
    grey = to_grey(frame)
    if grey.ndim != 2 or min(grey.shape) < limits.least_px:
        least = f"at least {limits.least_px} pixels along y and x are needed"
        raise RequestError(422, "unusable image", f"the image has shape {frame.shape}; {least}.")
    if not blank and is_blanked(grey):
        raise RequestError(422, "blank image", "all pixels are alike or without data; there is nothing to segment.")
    return grey


def _decoded(body: bytes, headers: Mapping[str, str], limits: Limits, decode: Decode) -> Frame:
    if "x-shape" in headers or "x-dtype" in headers:
        return _raw(body, headers, limits)
    if body.startswith(_NPY):
        return _npy(body, limits)
    if body.startswith((_PNG, *_TIFF)):
        return decode(body, limits)
    raise RequestError(415, "unknown image format", f"the body is none of the formats that are read; {_NEEDED}")


def _raw(body: bytes, headers: Mapping[str, str], limits: Limits) -> Frame:
    try:
        shape = tuple(int(edge) for edge in headers.get("x-shape", "").split(","))
        dtype = np.dtype(headers.get("x-dtype", "").strip())
    except (TypeError, ValueError, SyntaxError) as error:
        told = f"X-Shape {headers.get('x-shape')!r}, X-Dtype {headers.get('x-dtype')!r}"
        raise RequestError(
            422, "bad headers", f"{told}; X-Shape: 1024,1024 and X-Dtype: <u2 would be right."
        ) from error
    _allow(shape, dtype, limits)
    if len(body) != math.prod(shape) * dtype.itemsize:
        raise RequestError(
            422, "bad length", f"{len(body)} bytes came; {shape} of {dtype} are {math.prod(shape) * dtype.itemsize}."
        )
    return np.frombuffer(body, dtype).reshape(shape)


def _npy(body: bytes, limits: Limits) -> Frame:
    stream = io.BytesIO(body)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream, max_header_size=_HEADER_BYTES)
    _allow(shape, dtype, limits)
    left = body[stream.tell() :]
    if len(left) != math.prod(shape) * dtype.itemsize:
        raise RequestError(
            422, "bad length", f"{len(left)} bytes follow the header; {shape} of {dtype} need another number."
        )
    return np.frombuffer(left, dtype).reshape(shape, order="F" if fortran else "C")


def decoded_picture(body: bytes, limits: Limits) -> Frame:
    """Pixels of a PNG or TIFF, (y, x) or with channels last."""
    return _png(body, limits) if body.startswith(_PNG) else _tiff(body, limits)


def _png(body: bytes, limits: Limits) -> Frame:
    if body[_IHDR] != b"IHDR" or len(body) < 33:
        raise RequestError(422, "unreadable image", "the PNG does not begin with its header.")
    width, height = (int.from_bytes(body[start : start + 4], "big") for start in (16, 20))
    _allow((height, width), np.dtype("u2"), limits)
    return np.asarray(png_decode(body))


def _tiff(body: bytes, limits: Limits) -> Frame:
    with tifffile.TiffFile(io.BytesIO(body)) as tiff:
        page = tiff.pages.first
        if len(tiff.pages) > 1:
            raise RequestError(422, "several images", "the TIFF holds several images; send one at a time, or a movie.")
        _allow(page.shape, page.dtype or np.dtype("V1"), limits)
        _allow((page.tilelength or 1, page.tilewidth or 1) if page.is_tiled else (1, 1), np.dtype("u1"), limits)
        return np.asarray(page.asarray(maxworkers=1))


def _allow(shape: tuple[int, ...], dtype: np.dtype[Any], limits: Limits) -> None:
    """Refuse what is no image, or too large a one, by what it says of itself."""
    if dtype.hasobject or dtype.kind not in "biuf":
        raise RequestError(
            422, "unusable image", f"pixels of type {dtype} came; integers or floating point are needed."
        )
    if len(shape) not in (2, 3) or min(shape) < 1 or (len(shape) == 3 and shape[2] not in _CHANNELS):
        raise RequestError(
            422, "unusable image", f"an image of shape {shape} came; (y, x), or with channels last, is needed."
        )
    if math.prod(shape[:2]) > limits.pixels:
        raise RequestError(
            413, "too many pixels", f"{shape[1]} x {shape[0]} pixels came; {limits.pixels} in all are allowed."
        )
