"""The README's curl lines, word for word but for the port."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from imagecodecs import png_encode

from ionfront.datasets import random_scene, write_synthetic

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def lines():
    block = re.search(r"```\n(curl .*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    return block[1].strip().splitlines()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_line_works(lines, server, tmp_path):
    frame = np.random.default_rng(0).integers(0, 4000, (512, 512)).astype("<u2")
    (tmp_path / "frame.png").write_bytes(png_encode(frame))
    (tmp_path / "frame.raw").write_bytes(frame.tobytes())
    movie = write_synthetic(random_scene(7, size_px=96, n_frames=16, law="linear", n_fronts=1), tmp_path, "movie")
    tifffile.imwrite(tmp_path / "movie.tif", iio.imread(movie, plugin="tifffile"), photometric="minisblack")
    answers = [
        subprocess.run(
            line.replace("http://127.0.0.1:3000", server), shell=True, cwd=tmp_path, check=True, capture_output=True
        ).stdout
        for line in lines
    ]
    assert iio.imread(tmp_path / "labels.png").shape == (512, 512)
    assert (tmp_path / "labels.raw").stat().st_size == 512 * 512
    assert json.loads(answers[2])["reactions"][0][0]["host"] == "NiO"
    job = json.loads(answers[3])["id"]
    assert job in [one["id"] for one in json.loads(answers[4])]
