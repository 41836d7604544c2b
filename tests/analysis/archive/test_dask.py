"""The same table from Dask's workers, whoever of them dies."""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pytest

from ionfront.analysis.archive import (
    Archive,
    OneByOne,
    Settings,
    batch,
    dask_workers,
    read_table,
    rows_alike,
    runs_of,
    write_table,
)
from ionfront.analysis.archive.dask_workers import DaskWorkers
from ionfront.analysis.archive.jobs import Outcome
from ionfront.core import UsageError

COUNT = 4


@pytest.fixture(scope="module")
def movies(tmp_path_factory, grey):
    """Several, and one that is none."""
    folder = tmp_path_factory.mktemp("movies")
    for number in range(COUNT):
        np.save(folder / f"{number}.npy", np.roll(grey, number, axis=1))
    (folder / "poisoned.tif").write_bytes(b"II*\0no directory follows")
    return folder


def measured(folder, movies, model, workers):
    archive = Archive(folder)
    with archive.held():
        kept = archive.keep_model(model)
        runs = runs_of([str(movies)], {"pixel_size_nm": 0.5, "frame_time_s": 2.0})
        done = batch(archive, runs, kept, Settings(kept.stem), workers)
        write_table(archive)
    archive.close()
    return done, read_table(folder)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory, movies, grey_onnx):
    """The table that this process makes by itself."""
    return measured(tmp_path_factory.mktemp("wanted") / "lab", movies, grey_onnx, OneByOne())[1]


@pytest.fixture
def killer():
    """Does something once the archive has its first result: `with killer(folder, what)`."""

    def killer(folder, what):
        def work():
            while not list((folder / "results").glob("*/[0-9a-f]*")):
                time.sleep(0.05)
            what()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    return killer


def kill_workers():
    """At once, all that work for this process."""
    for child in psutil.Process().children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()


def test_workers_that_are_killed_change_nothing(tmp_path, movies, grey_onnx, wanted, killer):
    workers = DaskWorkers(count=2)
    thread = killer(tmp_path / "lab", kill_workers)
    try:
        done, table = measured(tmp_path / "lab", movies, grey_onnx, workers)
    finally:
        workers.close()
        thread.join()
    assert done.measured == COUNT
    assert rows_alike(table, wanted)


@pytest.fixture
def deadly(monkeypatch):
    """Makes jobs that workers die of."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("deadly_job").Deadly


@pytest.mark.parametrize("times", [2, 1000])
def test_only_what_workers_die_of_by_itself_is_to_blame(tmp_path, monkeypatch, deadly, times):
    monkeypatch.setitem(dask_workers._SETTINGS, "distributed.scheduler.allowed-failures", 1)
    workers = DaskWorkers(count=1)
    try:
        for job in (deadly("deadly", tmp_path, times), deadly("innocent", tmp_path)):
            workers.submit(job)
        errors = {job.name: outcome.error for job, outcome in workers.outcomes()}
    finally:
        workers.close()
    assert errors["innocent"] == ""
    assert ("died" in errors["deadly"]) == (times > 2)
    assert len(list(tmp_path.glob("deadly-*"))) == (4 if times > 2 else 3)  # one death is allowed for, and tried twice


def test_what_a_lost_worker_had_found_is_found_again(tmp_path, deadly):
    said = []
    workers = DaskWorkers(count=1, tell=said.append)
    try:
        workers.submit(deadly("harmless", tmp_path))
        while not workers._ended.qsize():
            time.sleep(0.05)
        kill_workers()
        outcomes = [outcome for _, outcome in workers.outcomes()]
    finally:
        workers.close()
    assert outcomes == [Outcome()]
    assert said == []
    assert len(list(tmp_path.iterdir())) == 2


def test_two_archives_share_a_cluster(tmp_path, deadly):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    first = DaskWorkers(count=1)
    first.submit(deadly("same", folders[0]))
    second = DaskWorkers(first._cluster.scheduler_address)
    second.submit(deadly("same", folders[1]))
    try:
        for workers, folder in zip((first, second), folders, strict=True):
            assert [outcome for _, outcome in workers.outcomes()] == [Outcome()]
            assert len(list(folder.iterdir())) == 1
    finally:
        second.close()
        first.close()


@pytest.fixture
def cluster(free_port, tmp_path):
    """A scheduler and a worker that were begun elsewhere: `begin()` gives both; killed at the end."""
    port, begun = free_port(), []

    def begin():
        dask = [sys.executable, "-m", "dask"]
        address = f"tcp://127.0.0.1:{port}"
        options = ["--host", "127.0.0.1"]
        scheduler = [*dask, "scheduler", *options, "--port", str(port), "--no-dashboard"]
        worker = [*dask, "worker", address, *options, "--nthreads", "1", "--no-dashboard", "--death-timeout", "10"]
        worker += ["--local-directory", str(tmp_path)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        begun.extend(subprocess.Popen(command, **quiet) for command in (scheduler, worker))
        return begun[-2:]

    yield f"tcp://127.0.0.1:{port}", begin
    for process in begun:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_scheduler_that_is_killed_is_waited_for(tmp_path, movies, grey_onnx, wanted, killer, cluster):
    address, begin = cluster
    both, said = begin(), []

    def kill():
        for process in both:
            os.killpg(process.pid, signal.SIGKILL)
        begin()

    workers = DaskWorkers(address, tell=said.append)
    thread = killer(tmp_path / "lab", kill)
    try:
        done, table = measured(tmp_path / "lab", movies, grey_onnx, workers)
    finally:
        workers.close()
        thread.join()
    assert said == ["The scheduler went away; it is waited for."]
    assert done.measured == COUNT
    assert rows_alike(table, wanted)


def test_a_scheduler_that_is_not_there_is_a_clear_error(tmp_path, movies, grey_onnx, free_port, monkeypatch):
    monkeypatch.setattr("ionfront.analysis.archive.dask_workers._JOIN_S", 0.5)
    workers = DaskWorkers(f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(UsageError, match="no Dask scheduler"):
        measured(tmp_path / "lab", movies, grey_onnx, workers)


def batch_command(movies, lab, model):
    command = [sys.executable, "-c", "from ionfront.cli import main; main()", "batch", str(movies), "--out", str(lab)]
    return [*command, "--model", str(model), "--pixel-size-nm", "0.5", "--frame-time-s", "2", "--workers", "1"]


def test_a_batch_that_is_killed_is_gone_on_with(tmp_path, movies, grey_onnx, wanted, killer):
    lab = tmp_path / "lab"
    command = batch_command(movies, lab, grey_onnx)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        killer(lab, lambda: os.killpg(process.pid, signal.SIGKILL)).join()
    kept = list((lab / "results").glob("*/[0-9a-f]*"))
    assert 1 <= len(kept) < COUNT
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{COUNT - len(kept)} movies measured, {len(kept)} runs known already, 1 without results" in ended.stdout
    assert rows_alike(read_table(lab), wanted)
    assert (lab / "index.html").is_file()


def test_ctrl_c_leaves_a_table_of_what_was_measured(tmp_path, movies, grey_onnx, killer):
    lab = tmp_path / "lab"
    with subprocess.Popen(
        batch_command(movies, lab, grey_onnx),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # where tests run in the background it is ignored
    ) as process:
        killer(lab, lambda: os.killpg(process.pid, signal.SIGINT)).join()
        _, told = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Stopped. What was measured is kept" in " ".join(told.split())
    assert 1 <= pc.sum(pc.is_valid(read_table(lab)["model"])).as_py() < COUNT
    assert (lab / "index.html").is_file()


def test_a_movie_by_itself_is_divided_among_all_workers(tmp_path, movies, grey_onnx, wanted):
    alone = tmp_path / "alone"
    alone.mkdir()
    np.save(alone / "0.npy", np.load(movies / "0.npy"))
    workers = DaskWorkers(count=2)
    try:
        done, table = measured(tmp_path / "lab", alone, grey_onnx, workers)
    finally:
        workers.close()
    assert done.measured == 1
    (told,) = (tmp_path / "lab").glob("results/*/*/run.json")
    assert json.loads(told.read_text())["divided"]
    here = wanted.filter(pc.equal(wanted["key"], told.parent.name))
    assert len(here) > 0
    assert rows_alike(table, here.set_column(here.column_names.index("source"), "source", table["source"]))
    assert not list((tmp_path / "lab").glob("results/*/.*"))
