"""Jobs that are not forgotten, in SQLite and in PostgreSQL; files in a folder and in an S3 bucket."""

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ionfront.serving.files import FileStore
from ionfront.serving.store import Store


@pytest.fixture(scope="module")
def postgres(tmp_path_factory, free_port):
    """A server of PostgreSQL, as Debian has it."""
    initdb, server = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or server is None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            pytest.skip("PostgreSQL is not installed")
        initdb, server = (str(found[-1] / name) for name in ("initdb", "postgres"))
    folder = tmp_path_factory.mktemp("postgres")
    as_nobody = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL cannot run as root")
        for path in (folder, *folder.parents[:3]):
            os.chmod(path, 0o755)
        shutil.chown(folder, "nobody")
        as_nobody = ["setpriv", "--reuid=nobody", "--clear-groups"]
    data, port = folder / "data", free_port()
    subprocess.run([*as_nobody, initdb, "-D", data, "-A", "trust", "-U", "ionfront"], check=True, capture_output=True)
    command = [*as_nobody, server, "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            time.sleep(0.5)
            yield f"postgresql+psycopg://ionfront@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path / 'state.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
def store(url):
    store = Store(url)
    for job in store.jobs():
        store.finish(job.id, "done")
        store.forget(job.id)
    yield store
    store.close()


def test_a_job_is_taken_once_and_in_order(store):
    added = [store.add(f"movie {k}", f"/x/{k}", False, {"k": k}).id for k in range(12)]
    taken, lock = [], threading.Lock()

    def take():
        while (job := store.take()) is not None:
            with lock:
                taken.append(job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(added)
    assert store.take() is None
    assert {job.state for job in store.jobs()} == {"running"}


def test_another_server_finds_what_the_first_left(store, url):
    running, waiting = (store.add(name, "/x", False, {"pixel_size_nm": 2.0}).id for name in ("first", "second"))
    store.take()
    arriving = store.add("third", "", True, {}, ready=False).id
    again = Store(url)
    again.put_back()
    assert [again.job(job_id).state for job_id in (running, waiting, arriving)] == ["queued", "queued", "failed"]
    for _ in range(2):
        assert again.take().id == running
        again.put_back()
    assert again.job(running).options == {"pixel_size_nm": 2.0}
    broken = again.job(running)
    assert broken.state == "failed"
    assert "begun 3 times" in broken.error
    again.close()


def test_cancelling_ends_what_waits_and_tells_what_runs(store):
    first, second = (store.add(name, "/x", False, {}).id for name in ("first", "second"))
    store.take()
    store.cancel(first)
    store.cancel(second)
    assert store.job(second).state == "cancelled"
    assert store.progress(first, 3, 10) is True
    store.finish(first, "cancelled")
    store.cancel(first)
    assert (store.job(first).state, store.job(first).done) == ("cancelled", 3)
    store.forget(first)
    assert store.job(first) is None


@pytest.fixture(scope="module")
def bucket(free_port):
    """A bucket of an S3 server in this process."""
    server_room = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server_room.ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    told = {"key": "x", "secret": "x", "endpoint_url": f"http://{host}:{port}"}
    import s3fs

    s3fs.S3FileSystem(**told).mkdir("movies")
    yield "s3://movies/lab", told
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def files(request, tmp_path):
    if request.param == "folder":
        return FileStore(str(tmp_path / "files"))
    url, options = request.getfixturevalue("bucket")
    return FileStore(url, options)


def test_files_come_back_as_they_went(files, tmp_path):
    content = os.urandom(3 * 2**20)
    (tmp_path / "in.bin").write_bytes(content)
    files.put(tmp_path / "in.bin", "results/a/in.bin")
    assert files.exists("results/a/in.bin")
    assert files.size("results/a/in.bin") == len(content)
    assert b"".join(files.chunks("results/a/in.bin")) == content
    files.get("results/a/in.bin", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content
    assert files.names("results/a") == ["in.bin"]
    files.remove("results/a")
    assert files.names("results/a") == []
    assert not files.exists("results/a/in.bin")


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "", "a//b", "a/.hidden", "a\0b"])
def test_keys_stay_where_they_belong(files, key):
    assert not files.exists(key)
    with pytest.raises(ValueError, match="no key"):
        files.size(key)
