"""The decoder outlives what it decodes."""

import numpy as np
import pytest
from imagecodecs import png_encode

from ionfront.serving import decoder as room
from ionfront.serving.bodies import Limits
from ionfront.serving.decoder import Decoder
from ionfront.serving.problems import RequestError

FRAME = np.random.default_rng(0).integers(0, 4000, (24, 32)).astype("<u2")
PNG = bytes(png_encode(FRAME))


@pytest.fixture
def decoder():
    decoder = Decoder()
    yield decoder
    decoder.close()


def test_pictures_and_problems_come_back(decoder):
    assert np.array_equal(decoder(PNG, Limits()), FRAME)
    with pytest.raises(RequestError) as refused:
        decoder(PNG, Limits(pixels=10))
    assert (refused.value.status, refused.value.title) == (413, "too many pixels")


@pytest.mark.parametrize("harm", [b"import os; os.abort()", b"import time; time.sleep(60)"], ids=["crash", "hang"])
def test_a_body_that_breaks_the_decoder_is_refused_and_the_next_is_read(decoder, monkeypatch, harm):
    with monkeypatch.context() as patched:
        patched.setattr(room, "_SLOWEST_S", 5.0)
        patched.setattr(room, "decoded_picture", exec)
        with pytest.raises(RequestError, match="broke down") as refused:
            decoder(harm, {})
    assert refused.value.status == 422
    assert np.array_equal(decoder(PNG, Limits()), FRAME)
