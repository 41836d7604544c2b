"""What goes wrong around the service, and what is lost by it.

    python benchmarks/service_faults.py [--kills 50] [--only kills|database|disk]

Kills: the server is killed with its worker (SIGKILL) at random moments, and begun anew, while one client
sends frames to a session and another sends movies. Database: PostgreSQL is stopped at once (`immediate`) and started
again under load. Disk: sessions and movies in a file system that is filled to the last byte (root is needed for it).
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from ionfront.datasets import random_scene, write_synthetic
from ionfront.serving.client import Client, ClientSession, ServiceError

FRAME_PX = 128
PATIENCE_S = 120.0


def main() -> None:
    options = _options()
    parts = {"kills": lambda folder: _kills(folder, options.kills), "database": _database, "disk": _disk}
    for name, part in parts.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="ionfront-faults-") as folder:
                part(Path(folder))


class Server:
    """One that can be killed and begun again at the same port."""

    def __init__(self, folder: Path, *more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address, self.log = f"http://127.0.0.1:{self.port}", folder / "log.txt"
        self._command = [sys.executable, "-c", "from ionfront.cli import main; main()", "serve"]
        self._command += ["--port", str(self.port), "--data", str(folder / "data"), *more]
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        """Begin, and wait until it answers."""
        with self.log.open("a") as out:
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=out, cwd=self._folder, start_new_session=True
            )
        for _ in range(600):
            try:
                if httpx.get(f"{self.address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def kill(self) -> None:
        """With its worker, at once."""
        begun = [json.loads(line)["pid"] for line in self.log.read_text().splitlines() if '"serving": "begins"' in line]
        os.kill(begun[-1], signal.SIGKILL)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """As a person would."""
        self._process.terminate()
        self._process.wait(60)


def _kills(folder: Path, count: int) -> None:
    server, rng = Server(folder), random.Random(0)
    movie = write_synthetic(random_scene(7, size_px=96, n_frames=16, n_fronts=1), folder, "movie")
    ended = threading.Event()
    answers: list[dict[str, Any]] = []
    jobs: list[str] = []
    with Client(server.address, patience_s=PATIENCE_S) as client:
        session = client.begin_session(name="killed", pixel_size_nm=1.0)
        work = [
            threading.Thread(target=_send_frames, args=(session, answers, ended)),
            threading.Thread(target=_send_movies, args=(server.address, movie, jobs, ended)),
        ]
        for thread in work:
            thread.start()
        for number in range(count):
            time.sleep(rng.uniform(1.0, 6.0))
            server.kill()
            server.begin()
            print(f"killed {number + 1} times, {len(answers)} frames acknowledged", end="\r", file=sys.stderr)
        time.sleep(5)
        ended.set()
        for thread in work:
            thread.join()
        said = {answer["number"]: answer for first in range(0, len(answers), 1000) for answer in session.answers(first)}
        lost = sum(said.get(answer["number"]) != answer for answer in answers)
        twice = len(answers) - len({answer["number"] for answer in answers})
        gaps = sum(answer["state"]["frame"] != answer["number"] for answer in said.values())
        whole, states = 0, Counter[str]()
        for job_id in jobs:
            job = client.wait(job_id)
            states[job["state"]] += 1
            whole += job["state"] == "done" and _is_whole(client, job)
        print(
            f"\n| killed {count} times | {len(answers)} frames acknowledged | {lost} lost | {twice} taken twice | "
            f"{gaps} out of place | {dict(states)} of {len(jobs)} movies | {whole} of those done are whole |"
        )
        print(f"session closed: {session.close()['state']}, frames {session.state()['frames']}")
    server.end()


def _send_frames(session: ClientSession, answers: list[dict[str, Any]], ended: threading.Event) -> None:
    scene = random_scene(5, size_px=FRAME_PX, n_frames=60, n_fronts=1)
    frames = [scene.frame(number)[0] for number in range(60)]
    while not ended.is_set():
        answers.append(session.push(frames[session.frames % 60], float(session.frames)))


def _send_movies(address: str, movie: Path, jobs: list[str], ended: threading.Event) -> None:
    with Client(address, patience_s=PATIENCE_S) as client:
        while not ended.is_set():
            try:
                jobs.append(client.upload(movie, frame_time_s=1.0)["id"])
            except ServiceError:  # an upload that broke off is the client's to repeat; it is none of the jobs
                time.sleep(0.5)
            ended.wait(8)


def _is_whole(client: Client, job: dict[str, Any]) -> bool:
    json.loads(client.file(job["id"], "kinetics.json"))
    return client.file(job["id"], "report.html").rstrip().endswith(b"</html>")


def _database(folder: Path) -> None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        print("PostgreSQL is not installed: the database is left alone")
        return
    with _postgres(found[-1], folder) as (url, control):
        server = Server(folder, "--database", url, "--keys")
        key = subprocess.run(
            [sys.executable, "-c", "from ionfront.cli import main; main()", "keys", "add", "me", "--database", url],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
        ).stdout.strip()
        counts: dict[str, Counter[str]] = {"up": Counter(), "away": Counter(), "back": Counter()}
        now, ended = ["up"], threading.Event()
        thread = threading.Thread(target=_ask_all, args=(server.address, key, counts, now, ended))
        thread.start()
        time.sleep(5)
        control("stop", "-m", "immediate")
        now[0] = "away"
        time.sleep(20)
        control("start")
        time.sleep(3)
        now[0] = "back"
        time.sleep(8)
        ended.set()
        thread.join()
        for state, count in counts.items():
            print(f"| database {state} | {dict(sorted(count.items()))} |")
        server.end()


def _ask_all(address: str, key: str, counts: dict[str, Counter[str]], now: list[str], ended: threading.Event) -> None:
    frame = np.random.default_rng(0).integers(0, 4000, (FRAME_PX, FRAME_PX)).astype("<u2")
    raw = {"X-Shape": f"{FRAME_PX},{FRAME_PX}", "X-Dtype": "<u2"}
    with httpx.Client(base_url=f"{address}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        while not ended.is_set():
            state = now[0]
            segment = client.post("/segment?form=raw", content=frame.tobytes(), headers=raw).status_code
            movies = client.get("/movies").status_code
            counts[state] += Counter([f"segment {segment}", f"movies {movies}"])


@contextmanager
def _postgres(tools: Path, folder: Path) -> Iterator[tuple[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "postgres"
    data.mkdir()
    user: tuple[str, ...] = ()
    if os.getuid() == 0:  # it refuses to run as root
        folder.chmod(0o755)
        shutil.chown(data, "postgres")
        user = ("runuser", "-u", "postgres", "--")

    def run(tool: str, *arguments: str) -> None:
        subprocess.run([*user, str(tools / tool), "-D", str(data), *arguments], check=True, stdout=subprocess.DEVNULL)

    def control(*arguments: str) -> None:
        run("pg_ctl", "-w", "-l", str(data / "log"), "-o", f"-p {port} -k {data} -h 127.0.0.1", *arguments)

    run("initdb", "-U", "ionfront", "--auth", "trust")
    control("start")
    try:
        yield f"postgresql+psycopg://ionfront@127.0.0.1:{port}/postgres", control
    finally:
        control("stop", "-m", "fast")


def _disk(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96M", "tmpfs", str(data)], check=False)
    if mounted.returncode:
        print("no file system can be mounted here: the disk is left alone")
        return
    server = Server(folder)
    try:
        _fill(server, data)
    finally:
        server.end()
        subprocess.run(["umount", str(data)], check=True)


def _fill(server: Server, data: Path) -> None:
    scene = random_scene(5, size_px=FRAME_PX, n_frames=60, n_fronts=1)
    with Client(server.address, patience_s=2) as client:
        session = client.begin_session(name="full", pixel_size_nm=1.0)
        answers = [session.push(scene.frame(number)[0], float(number)) for number in range(5)]
        counts: Counter[str] = Counter()
        for moment in ("filled", "room again"):
            filler = data / "filler"
            if moment == "filled":
                with filler.open("wb", buffering=0) as file, suppress(OSError):
                    while file.write(bytes(2**12)):
                        pass
            else:
                filler.unlink()
            for _ in range(5):
                frame = scene.frame(session.frames)[0]
                try:
                    answers.append(session.push(frame, float(session.frames)))
                    counts[f"{moment}: frame 200"] += 1
                except ServiceError as error:
                    counts[f"{moment}: frame {error.status}"] += 1
                client.segment(frame)
                counts[f"{moment}: segment 200"] += 1
        lost = sum(one != other for one, other in zip(answers, session.answers(), strict=True))
        print(f"| disk full | {dict(counts)} | {lost} of {len(answers)} acknowledged frames lost |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--only", choices=["kills", "database", "disk"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
