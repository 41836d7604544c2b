"""A folder of movies: two, one of them under a second name, and one that is none; and an archive for it."""

import shutil
import uuid

import numpy as np
import pytest

from ionfront.analysis.archive import Archive, Settings, jobs
from ionfront.datasets import open_movie

ABOUT = {"pixel_size_nm": 0.5, "frame_time_s": 2.0}


@pytest.fixture
def about():
    return dict(ABOUT)


@pytest.fixture
def movies(grey, tmp_path):
    folder = tmp_path / "movies"
    folder.mkdir()
    np.save(folder / "first.npy", grey)
    np.save(folder / "second.npy", grey[:, ::-1])
    shutil.copy(folder / "first.npy", folder / "the same.npy")
    (folder / "poisoned.tif").write_bytes(b"II*\0no directory follows")
    return folder


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive")
    with archive.held():
        yield archive
    archive.close()


@pytest.fixture
def model(archive, grey_onnx):
    return archive.keep_model(grey_onnx)


@pytest.fixture
def settings(model):
    return Settings(model=model.stem)


@pytest.fixture
def bucket(movies, monkeypatch):
    """A bucket of an S3 server in this process, the movies under `2026`; keys and address are in the environment."""
    server_room = pytest.importorskip("moto.server", reason="moto is not installed")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server_room.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    name = f"lab-{uuid.uuid4().hex}"  # what is in them outlives a server of moto
    system.mkdir(name)
    for path in sorted(movies.iterdir()):
        system.put_file(str(path), f"{name}/2026/{path.name}")
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def quick(monkeypatch):
    """Where it matters what is measured, not how: a movie is opened, and that is all."""

    def opened(movie, out, **told):
        open_movie(movie)
        out.mkdir()

    monkeypatch.setattr(jobs, "analyze", opened)
