"""The fast precision is one that the hardware has."""

import pytest

from ionfront.training import precision


@pytest.mark.parametrize(
    ("can", "expected"),
    [
        ({}, "32-true"),
        ({"avx512_f": True}, "32-true"),
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
    ],
)
def test_bfloat16_is_used_where_the_processor_multiplies_it(monkeypatch, can, expected):
    monkeypatch.setattr(precision.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(precision.torch.cpu, "get_capabilities", lambda: can)
    assert precision.fast_precision() == expected


@pytest.mark.parametrize(("can", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_decides_where_there_is_one(monkeypatch, can, expected):
    monkeypatch.setattr(precision.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(precision.torch.cuda, "is_bf16_supported", lambda including_emulation: can)
    assert precision.fast_precision() == expected
