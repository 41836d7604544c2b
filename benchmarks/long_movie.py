"""One pass over a long label movie on disk: frames a second, and memory as the pass goes on.

    python benchmarks/long_movie.py [--frames 10000] [--size 1024] [--folder DIR]

A disc that reacts from one side is written as a Zarr label movie (a wrong label in every twentieth pixel of the host,
so that it is no easier than a network's), then measured by `ionfront fronts` in a process of its own. Writing is not
timed.
"""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ionfront.core import DEFAULT_SCHEME, Calibration
from ionfront.datasets import write_label_zarr

EVERY_S = 5.0
NOISES = 16


def main() -> None:
    """Write, measure, and print one line for every tenth of the way."""
    options = _options()
    with TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "labels.zarr"
        write_movie(path, options.frames, options.size)
        out = Path(folder) / "run"
        start = time.perf_counter()
        command = [Path(sys.executable).with_name("ionfront"), "fronts", path, "--out", out]
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        watch = _MemoryWatch(process.pid)
        code = process.wait()
        seconds = time.perf_counter() - start
    if code:
        raise SystemExit(f"ionfront fronts ended with {code}")
    print(f"{options.frames} frames of {options.size} x {options.size} px: {seconds:.0f} s, start and report included")
    print(f"{options.frames / seconds:.1f} frames a second; peak memory {watch.peak_mb():.0f} MB")
    print("resident memory [MB] along the way: " + ", ".join(f"{size:.0f}" for size in watch.along()))


def write_movie(path: Path, n_frames: int, size: int) -> None:
    """Labels of a disc through which a front goes from the left, linearly in time."""
    y, x = np.mgrid[:size, :size]
    disc = np.hypot(y - size / 2, x - size / 2) < 0.4 * size
    pristine, product = DEFAULT_SCHEME.names.index("pristine"), DEFAULT_SCHEME.names.index("converted")
    wrong = [disc & (np.random.default_rng(seed).random((size, size)) < 0.05) for seed in range(NOISES)]
    with write_label_zarr(path, (n_frames, size, size), DEFAULT_SCHEME, Calibration(0.5, 0.1, "made", "made")) as out:
        for index in range(n_frames):
            front = size * (0.1 + 0.8 * (index / n_frames - 0.05))
            reacted = disc & ((x < front) ^ wrong[index % NOISES])
            frame = np.where(disc, np.uint8(pristine), np.uint8(0))
            frame[reacted] = product
            out.append(frame)
            if index % 500 == 0:
                print(f"\rwriting {index} of {n_frames}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


class _MemoryWatch:
    """Resident memory of a process, looked at every few seconds until it ends."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._sizes: list[float] = []
        self._peak = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def peak_mb(self) -> float:
        """Largest resident size that the system recorded."""
        return self._peak

    def along(self, count: int = 10) -> list[float]:
        """Resident sizes at so many moments, evenly along the way."""
        places = np.linspace(0, len(self._sizes) - 1, min(count, len(self._sizes))).astype(int)
        return [self._sizes[place] for place in places]

    def _look(self) -> None:
        while True:
            try:
                lines = dict(line.split(":", 1) for line in self._status.read_text().splitlines() if ":" in line)
                self._sizes.append(int(lines["VmRSS"].split()[0]) / 1024)
                self._peak = int(lines["VmHWM"].split()[0]) / 1024
            except (OSError, KeyError):
                return
            time.sleep(EVERY_S)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--folder", type=Path, help="where the movie is written; a temporary folder if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
