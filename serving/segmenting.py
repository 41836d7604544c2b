"""From a frame to the labels that are sent back."""

import io
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from imagecodecs import png_encode
from numpy.typing import NDArray

from ionfront.datasets import likeliest

from .catalogue import Served
from .metrics import count_frame, stage
from .schemas import SegmentSummary

__all__ = ["Form", "Segmented", "What", "segmented"]

Form = Literal["png", "npy", "raw"]
What = Literal["labels", "probabilities"]

_MEDIA = {"png": "image/png", "npy": "application/x-npy", "raw": "application/octet-stream"}


@dataclass(frozen=True)
class Segmented:
    """An answer.

    Attributes:
        body: Labels, uint8 (y, x), or probabilities, float16 (phase, y, x).
        headers: What the body is, and what there is to say of it.
    """

    body: bytes
    headers: dict[str, str]


def segmented(served: Served, frame: NDArray[Any], form: Form, what: What) -> Segmented:
    """Segment a frame (y, x)."""
    start = time.perf_counter()
    with stage("network"):
        probabilities = served.segmenter.probabilities(frame)
    took = time.perf_counter() - start
    labels = likeliest(probabilities)
    info = served.segmenter.info
    strangeness = None if info.domain is None else info.domain.strangeness(frame)
    areas = np.bincount(labels.ravel(), minlength=len(info.phases))
    summary = SegmentSummary(
        model=served.record,
        phases=info.phases,
        area_px=dict(zip(info.phases, areas.tolist(), strict=True)),
        confidence=float(probabilities.max(axis=0).mean()),
        strangeness=strangeness,
        out_of_domain=None if strangeness is None else strangeness > 1,
        seconds=took,
    )
    count_frame(summary.out_of_domain)
    array = labels if what == "labels" else probabilities.astype(np.float16)
    headers = {"Content-Type": _MEDIA[form], "X-Result": summary.model_dump_json()}
    if form == "raw":
        headers |= {"X-Shape": ",".join(map(str, array.shape)), "X-Dtype": array.dtype.str}
    with stage("encode"):
        return Segmented(_encoded(array, form), headers)


def _encoded(array: NDArray[Any], form: Form) -> bytes:
    if form == "raw":
        return array.tobytes()
    if form == "png":
        return bytes(png_encode(array, level=1))
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
