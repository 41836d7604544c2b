"""The networks, the inference engine and the bundled weights. Importing this imports no torch."""

from .quiet import silence

silence()  # before the imports below can load a library that reports home

from .domain import Domain, description  # noqa: E402
from .engine import Device, Precision, Segmenter, load_segmenter  # noqa: E402
from .info import Architecture, ModelInfo, read_info, write_info  # noqa: E402
from .normalise import Normalisation, for_network, normalise, normalise_channels  # noqa: E402
from .reduction import reduced  # noqa: E402
from .shipped import bundled_segmenter  # noqa: E402
from .skipping import SkippingSegmenter, SkipSettings  # noqa: E402

__all__ = [
    "Architecture",
    "Device",
    "Domain",
    "ModelInfo",
    "Normalisation",
    "Precision",
    "Segmenter",
    "SkipSettings",
    "SkippingSegmenter",
    "bundled_segmenter",
    "description",
    "for_network",
    "load_segmenter",
    "normalise",
    "normalise_channels",
    "read_info",
    "reduced",
    "write_info",
]
