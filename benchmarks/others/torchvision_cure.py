"""Lets a torchvision built for CUDA be imported beside a CPU torch; import this first (docs/decisions/0005)."""

import contextlib

import torch

_LIBRARY = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    with contextlib.suppress(RuntimeError):  # a torchvision that fits has declared them
        _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
