"""Which precision trains fastest on the machine at hand."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from typing import Literal

import torch

__all__ = ["fast_precision"]


def fast_precision() -> Literal["bf16-mixed", "32-true"]:
    """Mixed precision where the hardware multiplies bfloat16 itself, else float32, as Lightning names them.

    Weights, maps of texture and change, and the loss stay float32 in either.
    """
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    can = torch.cpu.get_capabilities()
    return "bf16-mixed" if can.get("avx512_bf16") or can.get("amx_bf16") else "32-true"
