"""Lets torchvision be imported where its compiled part does not fit torch. Import this before anything that imports it.

A torchvision built for CUDA beside a CPU torch (what a package index without the CPU wheels installs) fails at its
first import with "operator torchvision::nms does not exist", and takes lightning, torchmetrics, timm and
segmentation-models-pytorch with it, though none of them needs a torchvision operator here. The import only wants two
names to exist, so they are declared, without an implementation. Where the compiled part loads, nothing is done.
"""

import importlib.util
from pathlib import Path

import torch

__all__ = ["declare_missing_operators"]

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def declare_missing_operators() -> torch.library.Library | None:
    """Declare what torchvision's import asks for; None where there is nothing to cure.

    The declarations live as long as the returned library.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or _compiled_part_loads(Path(next(iter(spec.submodule_search_locations or [""])))):
        return None
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library


def _compiled_part_loads(folder: Path) -> bool:
    """Whether torch can load torchvision's operators from `folder` (torchvision's own import does the same)."""
    for file in sorted([*folder.glob("_C*.so"), *folder.glob("_C*.pyd")]):
        try:
            torch.ops.load_library(str(file))  # type: ignore[no-untyped-call]
        except (ImportError, OSError):
            continue
        return True
    return False


_LIBRARY = declare_missing_operators()
