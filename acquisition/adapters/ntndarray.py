"""What an NTNDArray of EPICS holds: pixels, packed or not, when they were taken, and what is told beside them.

Attributes that are read, where a server adds them to its arrays: `DoseENm2`, the electrons for each nm^2 that the frame
cost, `PixelSizeNm`, and `ColorMode`, as areaDetector has it.
"""

import time
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

__all__ = ["Told", "read_array"]

Bytes = NDArray[np.uint8]

# What `codec.parameters` says of the pixels: pvData's ScalarType, but an NDDataType from servers that were built with
# PVXS. The size of a pixel tells which; 1 is missing, for it is a byte with a sign in the one, without in the other.
_PIXELS = {
    2: ("i2",),
    3: ("i4", "u2"),
    4: ("i8", "i4"),
    5: ("u1", "u4"),
    6: ("u2", "i8"),
    7: ("u4", "u8"),
    8: ("u8", "f4"),
    9: ("f4", "f8"),
    10: ("f8",),
}
_NO_STAMPS = (0.0, 631152000.0)  # 1970 and 1990, where the clocks of POSIX and of EPICS begin: it was never set


class Told(NamedTuple):
    """One array.

    Attributes:
        image: Grey values, shape (y, x).
        time_s: By the server's clock, since 1970; by this computer's, where the server sets none.
        number: Its `uniqueId`.
        dose_e_nm2: Electrons for each nm^2; None where nobody tells.
        pixel_size_nm: Likewise.
    """

    image: NDArray[Any]
    time_s: float
    number: int
    dose_e_nm2: float | None
    pixel_size_nm: float | None


def read_array(value: Any) -> Told | None:
    """What an NTNDArray (p4p's Value of it) holds; None where nothing was acquired yet.

    Raises:
        MovieError: It is no grey image, or was packed in a way that is not known here.
    """
    shape = tuple(axis.size for axis in reversed(value.dimension))
    if value.value is None or prod(shape) == 0 or not shape:
        return None
    told = {one.name: one.value for one in value.attribute}
    if len(shape) != 2 or told.get("ColorMode", 0) != 0:
        raise MovieError(
            f"an array of {' x '.join(map(str, shape))} came, in colour mode {told.get('ColorMode', 0)}: "
            "grey images (y, x), in mode 0 (mono), are needed. Choose that in the camera or a plugin before this one."
        )
    pixels = _unpacked(value, shape) if value.codec.name else np.asarray(value.value)
    if pixels.size != prod(shape):
        raise MovieError(f"{pixels.size} pixels came for an image of {shape[0]} x {shape[1]}: its server is at fault.")
    return Told(
        pixels.reshape(shape),
        _time_s(value),
        value.uniqueId,
        told.get("DoseENm2"),
        told.get("PixelSizeNm"),
    )


def _time_s(value: Any) -> float:
    for stamp in (value.dataTimeStamp, value.timeStamp):
        time_s: float = stamp.secondsPastEpoch + 1e-9 * stamp.nanoseconds
        if time_s not in _NO_STAMPS:
            return time_s
    return time.time()


def _unpacked(value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    codec, size = value.codec.name, int(value.uncompressedSize)
    if codec not in _CODECS:
        raise MovieError(f"arrays are packed with {codec!r}: choose one of {', '.join(_CODECS)} there, or none.")
    sorts = (np.dtype(sort) for sort in _PIXELS.get(value.codec.parameters, ()))
    fitting = [sort for sort in sorts if sort.itemsize * prod(shape) == size]
    if not fitting:
        raise MovieError(
            f"an array was packed whose pixels are of the sort {value.codec.parameters}, {size} bytes for "
            f"{shape[0]} x {shape[1]}: what they are cannot be told. Switch packing off, or send unsigned integers."
        )
    packed = np.asarray(value.value).view(np.uint8)[: value.compressedSize]
    try:
        return np.frombuffer(_CODECS[codec](packed, size, fitting[0].itemsize), fitting[0])
    except (RuntimeError, ValueError) as error:  # imagecodecs' errors are RuntimeErrors
        raise MovieError(f"an array that was packed with {codec} cannot be unpacked ({error}).") from error


def _lz4(packed: Bytes, size: int, itemsize: int) -> bytes:
    return bytes(imagecodecs.lz4_decode(packed.tobytes(), out=size))


def _blosc(packed: Bytes, size: int, itemsize: int) -> bytes:
    return bytes(imagecodecs.blosc_decode(packed.tobytes()))


def _jpeg(packed: Bytes, size: int, itemsize: int) -> bytes:
    return imagecodecs.jpeg8_decode(packed.tobytes()).tobytes()


def _bslz4(packed: Bytes, size: int, itemsize: int) -> bytes:
    """Bitshuffle's own stream: blocks of 8 kB, each with its packed length before it, and a rest that is not packed.

    Masui et al. 2015, doi:10.1016/j.ascom.2015.07.002; `bshuf_compress_lz4` with the block size that it chooses.
    """
    block = max(8192 // itemsize // 8 * 8, 128) * itemsize
    rest = size % (8 * itemsize)
    lengths = [block] * ((size - rest) // block) + [(size - rest) % block] * bool((size - rest) % block)
    blocks, at = [], 0
    for length in lengths:
        begin = at + 4
        at = begin + int.from_bytes(packed[at:begin].tobytes(), "big")
        shuffled = imagecodecs.lz4_decode(packed[begin:at].tobytes(), out=length)
        blocks.append(bytes(imagecodecs.bitshuffle_decode(shuffled, itemsize=itemsize)))
    return b"".join([*blocks, packed[at : at + rest].tobytes()])


_CODECS: dict[str, Callable[[Bytes, int, int], bytes]] = {
    "lz4": _lz4,
    "bslz4": _bslz4,
    "blosc": _blosc,
    "jpeg": _jpeg,
}
