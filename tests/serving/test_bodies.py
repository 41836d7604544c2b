"""Frames out of bodies: whole, or refused before they are decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from imagecodecs import png_encode

from ionfront.serving.bodies import Limits, frame_of
from ionfront.serving.problems import RequestError

FRAME = np.random.default_rng(0).integers(0, 4000, (24, 32)).astype("<u2")
LIMITS = Limits(body_bytes=10**6, pixels=10**5)


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def raw(array, **headers):
    shape = ",".join(map(str, array.shape))
    return array.tobytes(), {"x-shape": shape, "x-dtype": array.dtype.str} | headers


@pytest.mark.parametrize(
    "body",
    [
        npy(FRAME),
        npy(np.asfortranarray(FRAME)),
        npy(FRAME.astype(">f4")),
        tiff(FRAME),
        tiff(FRAME, compression="zlib", tile=(16, 16)),
        png_encode(FRAME),
    ],
    ids=["npy", "fortran", "big-endian", "tiff", "tiled", "png"],
)
def test_every_format_gives_the_same_frame(body):
    assert np.array_equal(frame_of(bytes(body), {}, LIMITS), FRAME)


def test_raw_bytes_are_read_by_their_headers():
    assert np.array_equal(frame_of(*raw(FRAME), LIMITS), FRAME)
    colour = np.stack([FRAME.astype("u1")] * 3, axis=-1)
    assert np.array_equal(frame_of(*raw(colour), LIMITS), FRAME.astype("u1"))


def png_of(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10**6)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 415),
        (b"GIF89a", {}, 415),
        (png_of(60000, 60000), {}, 413),
        (npy(np.zeros((1000, 1000), "u1")), {}, 413),
        (tiff(np.zeros((1000, 1000), "u1"), compression="zlib"), {}, 413),
        (npy(np.array([{}], object), allow_pickle=True), {}, 422),
        (npy(np.zeros((24, 32), complex)), {}, 422),
        (npy(FRAME)[:-5], {}, 422),
        (npy(np.zeros((4, 24, 32))), {}, 422),
        (npy(np.zeros((0, 32))), {}, 422),
        (npy(np.zeros((24, 32))), {}, 422),
        (npy(np.full((24, 32), np.nan)), {}, 422),
        (npy(FRAME[:2]), {}, 422),
        (tiff(np.stack([FRAME] * 3), photometric="minisblack"), {}, 422),
        (tiff(FRAME)[:40], {}, 422),
        (bytes(png_encode(FRAME))[:60], {}, 422),
        (FRAME.tobytes(), {"x-shape": "24,33", "x-dtype": "<u2"}, 422),
        (FRAME.tobytes(), {"x-shape": "24,-32", "x-dtype": "<u2"}, 422),
        (FRAME.tobytes(), {"x-shape": "a,b", "x-dtype": "<u2"}, 422),
        (FRAME.tobytes(), {"x-shape": "24,32", "x-dtype": "O"}, 422),
        (FRAME.tobytes(), {"x-shape": "24,32"}, 422),
        (FRAME.tobytes(), {"x-shape": "1000000,1000000", "x-dtype": "<u2"}, 413),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(body, headers, status):
    with pytest.raises(RequestError) as refused:
        frame_of(body, headers, LIMITS)
    assert refused.value.status == status
    assert len(refused.value.detail) > 20


WHOLE = [npy(FRAME), tiff(FRAME), tiff(FRAME, compression="zlib", tile=(16, 16)), bytes(png_encode(FRAME))]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bodies_are_frames_or_problems(body, changes):
    damaged = bytearray(body)
    for place, value in changes:
        damaged[int(place * (len(body) - 1))] = value
    try:
        frame = frame_of(bytes(damaged), {}, LIMITS)
    except RequestError:
        return
    assert frame.ndim == 2
    assert frame.size <= LIMITS.pixels
