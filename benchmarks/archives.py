"""Archives: how fast, how they scale, how much memory, how cost grows; workers killed; beside simpler ways.

    python benchmarks/archives.py make FOLDER [--movies 200] [--frames 200] [--size 512]     20 GB
    python benchmarks/archives.py scaling FOLDER [--first 24]
    python benchmarks/archives.py strangers FOLDER [--first 24]
    python benchmarks/archives.py memory
    python benchmarks/archives.py growth [--figure docs/figures/archive_cost.png]
    python benchmarks/archives.py killed FOLDER [--every-s 30] [--calm ARCHIVE]
    python benchmarks/archives.py peers FOLDER [--first 6]
    python benchmarks/archives.py divided [--frames 200] [--size 512]

Movies are those of `archive_movies.py`, measured by the bundled model in bf16 on means of 2 x 2 pixels. `scaling`: the
first movies by one worker, by two, and by two processes that know nothing of each other, each with half of the cores,
which is what two workers could be at best; `strangers` is those processes alone. `killed`: all movies by two workers
that are let be, and by a cluster whose workers are killed every so often, and its scheduler once; are the tables alike,
bit for bit? `peers`: the first movies by a loop over `analyze`, by dask.array's map_blocks, which only labels them, and
by `batch`. `divided`: one movie by one process on half of the cores, by two workers among which it is divided, and by
two of which one is killed half way.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dask.array as da
import numpy as np
import psutil
from archive_movies import FRAME_S, PIXEL_NM, make_movies
from matplotlib.figure import Figure

from ionfront.analysis import analyze
from ionfront.analysis.archive import (
    Archive,
    OneByOne,
    Settings,
    Workers,
    batch,
    read_table,
    rows_alike,
    runs_of,
    write_overview,
    write_table,
)
from ionfront.analysis.archive.dask_workers import DaskWorkers
from ionfront.datasets import open_movie
from ionfront.models import bundled_segmenter, load_segmenter

BINNING, PORT = 2, 8799
SCHEDULER_DIES_AFTER = 20  # workers
HEAD = "| by | movies | GB | s | movies a minute | MB/s | peak memory of a process [MB] |\n" + "|---" * 7 + "|"


@dataclass(frozen=True)
class Cost:
    """Of measuring movies; peak memory is that of the largest process that measures."""

    seconds: float
    movies: int
    mb: float
    peak_mb: float

    def __str__(self) -> str:
        rates = f"{60 * self.movies / self.seconds:.1f} | {self.mb / self.seconds:.1f}"
        return f"{self.movies} | {self.mb / 1e3:.2f} | {self.seconds:.0f} | {rates} | {self.peak_mb:.0f} |"


def by_dask(paths: Sequence[Path], out: Path, count: int | None = None, address: str | None = None) -> Cost:
    """By workers of Dask, the beginning of a cluster included."""
    begun = time.monotonic()
    workers = DaskWorkers(address, count, lambda text: print(text, flush=True))
    try:
        with _peak_mb() as peak:
            into_archive(paths, out, workers)
            seconds = time.monotonic() - begun
    finally:
        workers.close()
    return Cost(seconds, len(paths), _mb(paths), max(peak, default=0.0))


def into_archive(paths: Sequence[Path], out: Path, workers: Workers) -> None:
    """Measure movies into a new archive."""
    archive = Archive(out)
    with archive.held():
        model = archive.keep_model(bundled_segmenter())
        runs = runs_of([str(path) for path in paths], {"pixel_size_nm": PIXEL_NM, "frame_time_s": FRAME_S})
        done = batch(archive, runs, model, Settings(model.stem, "bf16", binning=BINNING), workers)
        write_table(archive)
        write_overview(archive.folder)
    archive.close()
    if done.failed:
        raise SystemExit(f"not measured: {done.failed}")


def one_by_one(paths: Sequence[Path], out: Path) -> None:
    """A batch in one process."""
    into_archive(paths, out, OneByOne())


def looped(paths: Sequence[Path], out: Path) -> None:
    """What a script would do."""
    segmenter = load_segmenter(precision="bf16")
    for path in paths:
        told = {"pixel_size_nm": PIXEL_NM, "frame_time_s": FRAME_S, "binning": BINNING}
        analyze(path, out / path.stem, model=segmenter, **told)


def mapped(paths: Sequence[Path], out: Path) -> None:
    """Labels alone, by the same model, as a page of dask.array's guide would have it."""
    segmenter = load_segmenter(precision="bf16")

    def labels(block: np.ndarray, first: np.ndarray) -> np.ndarray:
        shown = [np.stack([frame, first[0]]).astype(np.float32) for frame in block]
        return np.stack([segmenter.probabilities(pair).argmax(0).astype(np.uint8) for pair in shown])

    for path in paths:
        movie = open_movie(path, binning=BINNING)
        frames = movie.data.rechunk({0: 8, 1: -1, 2: -1})
        first = frames[:1].compute()
        found = da.map_blocks(labels, frames, first=first, dtype=np.uint8)
        found.to_zarr(str(out / f"{path.stem}.zarr"), component="0")


ALONE = {"one_by_one": one_by_one, "looped": looped, "mapped": mapped}


def alone(way: str, paths: Sequence[Path], out: Path, cores: Sequence[int]) -> subprocess.Popen[str]:
    """Begin a process that measures in one of these ways on some cores, and prints seconds and its peak memory."""
    command = [sys.executable, __file__, "alone", str(out), "--way", way, "--cores", ",".join(map(str, cores))]
    return subprocess.Popen(
        [*command, *(word for path in paths for word in ("--movie", str(path)))], stdout=subprocess.PIPE, text=True
    )


def alone_here(options: argparse.Namespace) -> None:
    os.sched_setaffinity(0, [int(core) for core in options.cores.split(",")])
    begun = time.monotonic()
    ALONE[options.way](options.movie, options.folder)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.monotonic() - begun, peak_mb)


def ended(processes: Sequence[subprocess.Popen[str]], paths: Sequence[Path]) -> Cost:
    """Of processes that were begun together."""
    told = [[float(word) for word in process.communicate()[0].split()[-2:]] for process in processes]
    seconds, peaks_mb = zip(*told, strict=True)
    return Cost(max(seconds), len(paths), _mb(paths), max(peaks_mb))


def make(options: argparse.Namespace) -> None:
    paths = make_movies(options.folder, options.movies, options.frames, options.size)
    print(f"{len(paths)} movies, {_mb(paths) / 1e3:.1f} GB")


def scaling(options: argparse.Namespace) -> None:
    paths = _movies(options)
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        one, two = (by_dask(paths, Path(folder) / f"dask{count}", count) for count in (1, 2))
    print(f"| 1 worker, which has all cores | {one}")
    print(f"| 2 workers | {two}", flush=True)
    both = strangers(options)
    print(f"speed of two workers, over that of two processes by themselves: {both.seconds / two.seconds:.1%}")


def strangers(options: argparse.Namespace) -> Cost:
    paths, cores = _movies(options), sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        both = [alone("one_by_one", paths[n::2], Path(folder) / f"alone{n}", cores[n::2]) for n in (0, 1)]
        cost = ended(both, paths)
    print(f"| 2 processes by themselves | {cost}")
    return cost


def memory(options: argparse.Namespace) -> None:
    print(f"| frames of 512 px | {HEAD[2:]}")
    for frames in (50, 200, 800, 3200):
        with tempfile.TemporaryDirectory() as folder:
            paths = make_movies(Path(folder) / "movies", 1, frames, 512)
            print(f"| {frames} | 1 worker | {by_dask(paths, Path(folder) / 'archive', 1)}", flush=True)


def growth(options: argparse.Namespace) -> None:
    ways = {
        "frames a movie": [(4, frames, 256, frames) for frames in (50, 100, 200, 400)],
        "megapixels a frame": [(4, 60, size, size**2 / 1e6) for size in (256, 512, 724, 1024)],
        "movies": [(movies, 60, 256, movies) for movies in (4, 8, 16, 32)],
    }
    figure = Figure(figsize=(10, 3.2), layout="constrained", dpi=120)
    for axes, (name, cases) in zip(figure.subplots(1, 3), ways.items(), strict=True):
        seconds = np.array([_seconds(movies, frames, size) for movies, frames, size, _ in cases])
        amounts = np.array([amount for *_, amount in cases], float)
        slope, start = np.polyfit(amounts, seconds, 1)
        left = seconds - (start + slope * amounts)
        print(f"{name}: {', '.join(f'{a:.3g}: {s:.1f} s' for a, s in zip(amounts, seconds, strict=True))}")
        print(f"  {start:.1f} s and {slope:.3g} s each; a straight line explains {1 - left.var() / seconds.var():.2%}")
        axes.plot(amounts, seconds, "o", color="#0072B2")
        ends = np.array([0, amounts.max()])
        axes.plot(ends, start + slope * ends, color="#22303c", linewidth=1)
        axes.set(xlabel=name, ylabel="time (s)", xlim=(0, None), ylim=(0, None))
    figure.savefig(options.figure)


def killed(options: argparse.Namespace) -> None:
    paths = _movies(options)
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as folder:
        print(HEAD)
        calm = options.calm or Path(folder) / "calm"
        if not calm.exists():
            print(f"| 2 workers that are let be | {by_dask(paths, calm, 2)}", flush=True)
        with _hounded(Path(folder), options.every_s) as deaths:
            cost = by_dask(paths, Path(folder) / "hounded", address=f"tcp://127.0.0.1:{PORT}")
        print(f"| 2 workers that are killed | {cost}")
        alike = rows_alike(read_table(calm), read_table(Path(folder) / "hounded"))
        print(f"killed: {deaths}; the same table, bit for bit but for time stamps: {alike}")


def peers(options: argparse.Namespace) -> None:
    paths, cores = _movies(options), sorted(os.sched_getaffinity(0))
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for way, name in (("looped", "a loop over analyze"), ("mapped", "map_blocks, labels alone")):
            print(f"| {name} | {ended([alone(way, paths, Path(folder) / way, cores)], paths)}", flush=True)
        for count in (1, 2):
            print(f"| batch, {count} worker{'s' * (count - 1)} | {by_dask(paths, Path(folder) / f'{count}', count)}")


def divided(options: argparse.Namespace) -> None:
    cores = sorted(os.sched_getaffinity(0))
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        paths = make_movies(Path(folder) / "movies", 1, options.frames, options.size)
        process = alone("one_by_one", paths, Path(folder) / "alone", cores[::2])
        print(f"| 1 process, half of the cores | {ended([process], paths)}", flush=True)
        helped = by_dask(paths, Path(folder) / "helped", 2)
        print(f"| 2 workers | {helped}", flush=True)
        killing = threading.Timer(helped.seconds / 2, _kill_worker)
        killing.start()
        print(f"| 2 workers, one of them killed | {by_dask(paths, Path(folder) / 'killed', 2)}")
        tables = [read_table(Path(folder) / name) for name in ("alone", "helped", "killed")]
        print(f"the same table: {[rows_alike(tables[0], table) for table in tables[1:]]}")


def _kill_worker() -> None:
    """One of those of this process, whichever comes first."""
    workers = [
        child for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(child.cmdline())
    ]
    workers[0].kill()


def _seconds(movies: int, frames: int, size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return by_dask(make_movies(Path(folder) / "movies", movies, frames, size), Path(folder) / "archive", 2).seconds


@contextmanager
def _hounded(folder: Path, every_s: float) -> Iterator[dict[str, int]]:
    """A cluster by hand, whose workers are killed in turn, and its scheduler once; each is begun anew at once."""
    deaths, over = {"workers": 0, "schedulers": 0}, threading.Event()
    cores = sorted(os.sched_getaffinity(0))
    scheduler, workers = _scheduler(), [_worker(folder, cores[n::2]) for n in (0, 1)]

    def work() -> None:
        nonlocal scheduler
        while not over.wait(every_s):
            at = deaths["workers"] % 2
            _kill(workers[at])
            workers[at] = _worker(folder, cores[at::2])
            deaths["workers"] += 1
            if deaths["workers"] == SCHEDULER_DIES_AFTER:
                _kill(scheduler)
                scheduler = _scheduler()
                for number, process in enumerate(workers):  # they end with their scheduler, or would be strangers to it
                    _kill(process)
                    workers[number] = _worker(folder, cores[number::2])
                deaths["schedulers"] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield deaths
    finally:
        over.set()
        thread.join()
        for process in (scheduler, *workers):
            _kill(process)


def _scheduler() -> subprocess.Popen[bytes]:
    patient = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "5"}
    return _dask("scheduler", "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard", **patient)


def _worker(folder: Path, cores: Sequence[int]) -> subprocess.Popen[bytes]:
    options = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
    environment = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30), "OMP_NUM_THREADS": "1"}
    process = _dask("worker", f"tcp://127.0.0.1:{PORT}", "--host", "127.0.0.1", *options, **environment)
    os.sched_setaffinity(process.pid, cores)
    return process


def _dask(*words: str, **environment: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "dask", *words]
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, env=os.environ | environment, start_new_session=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _peak_mb() -> Iterator[list[float]]:
    """Largest resident memory of a child of this process, looked at ten times a second."""
    found, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                try:
                    found[0] = max(found[0], child.memory_info().rss / 1e6)
                except psutil.Error:  # it ended just now
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _movies(options: argparse.Namespace) -> list[Path]:
    return sorted(options.folder.glob("*.tif"))[: options.first]


def _mb(paths: Sequence[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


COMMANDS: dict[str, Callable[[argparse.Namespace], object]] = {
    "make": make,
    "scaling": scaling,
    "strangers": strangers,
    "memory": memory,
    "growth": growth,
    "killed": killed,
    "peers": peers,
    "divided": divided,
    "alone": alone_here,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--first", type=int)
    parser.add_argument("--every-s", type=float, default=30.0)
    parser.add_argument("--calm", type=Path, help="archive by workers that are let be; made where it is not there")
    parser.add_argument("--figure", type=Path, default=Path("docs/figures/archive_cost.png"))
    parser.add_argument("--way", choices=ALONE, help="of a process that measures alone")
    parser.add_argument("--cores", help="that it may use")
    parser.add_argument("--movie", type=Path, action="append", help="that it measures")
    options = parser.parse_args()
    COMMANDS[options.command](options)


if __name__ == "__main__":
    main()
