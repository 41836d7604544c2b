"""Bad input at the service: requests made up from its description, mutated bodies of every format; a table on stdout.

    python benchmarks/bad_input.py [--bodies 20000] [--examples 200]

It starts `ionfront serve` with a model that does next to nothing, and counts the answers; what must not be among them
are those from 500 on (but 503 and 504, which say that there was no time), broken connections and a server that is gone.
"""

import argparse
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import hypothesis
import numpy as np
import schemathesis
import tifffile
from imagecodecs import png_encode

from serving import npy_bytes, resident_mb, served, tiff_bytes, write_nothing

RNG = random.Random(0)
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80")
SHAPES = ("64,96", "96,64", "6144", "0,0", "-1,6144", "64,96,1", "1e3,4", "", "64;96", "99999999999999999999,1")
ODD = ({"number": "-1"}, {"number": "999"}, {"number": "0"}, {"time_s": "nan"}, {"time_s": "-5"}, {"time_s": "1e308"})
ODD += ({"dose_e_nm2": "-1"}, {"dose_e_nm2": "3"}, {"dose_e_nm2": "1e308"}, {"number": "x"}, {"unknown": "1"})
DTYPES = ("<u2", ">u2", "u1", "<f4", "O", "<c8", "S4", "M8[s]", "", "{'a': 1}", "u2,u2", "<u99", "V8")


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "nothing.onnx"
        write_nothing(model)
        with served(model, Path(folder) / "data", "--body-mib", "4", "--megapixels", "1") as (address, process):
            print("| what | requests | 2xx | 4xx | 503, 504 | other 5xx | no answer | longest [ms] | memory [MB] |")
            print("|---|---|---|---|---|---|---|---|---|")
            _report("from the description", _described(address, options.examples), process.pid)
            for part in range(4):
                _report(f"mutated bodies, {part + 1} of 4", _mutated(address, options.bodies // 4), process.pid)
            _report("mutated frames of a session", _session(address, options.bodies // 4), process.pid)


def _report(what: str, found: tuple[Counter[int], float], pid: int) -> None:
    counts, longest = found
    busy = counts[503] + counts[504]
    by = {hundred: sum(n for status, n in counts.items() if status // 100 == hundred) for hundred in (0, 2, 4, 5)}
    row = (what, sum(counts.values()), by[2], by[4], busy, by[5] - busy, by[0], f"{1e3 * longest:.0f}")
    print("| " + " | ".join(map(str, row)) + f" | {resident_mb(pid):.0f} |", flush=True)


def _described(address: str, examples: int) -> tuple[Counter[int], float]:
    """Requests that fit the description, and such as do not."""
    schema = schemathesis.openapi.from_url(f"{address}/v1/openapi.json")
    schema.config.update(base_url=f"{address}/v1")
    counts: Counter[int] = Counter()
    longest = 0.0
    for operation in (result.ok() for result in schema.get_all_operations()):
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            @hypothesis.settings(
                max_examples=examples, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
            )
            def ask(case: schemathesis.Case) -> None:
                nonlocal longest
                start = time.perf_counter()
                try:
                    status = case.call(timeout=60).status_code
                except Exception:
                    status = 0
                counts[status] += 1
                if status == 0 or (status >= 500 and status not in (503, 504)):
                    print(f"  {status}: {case.as_curl_command()[:400]}")
                longest = max(longest, time.perf_counter() - start)

            with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # nothing can be wrong about it
                ask()
    return counts, longest


def _mutated(address: str, bodies: int) -> tuple[Counter[int], float]:
    return _sent(address, bodies, lambda: ("/v1/segment", {}))


def _session(address: str, frames: int) -> tuple[Counter[int], float]:
    """Frames of one session, most with the next number and a later time, some with any."""
    begun = httpx.post(f"{address}/v1/sessions", json={"pixel_size_nm": 1.0}).json()["id"]
    path = f"/v1/sessions/{begun}"

    def following() -> tuple[str, dict[str, str]]:
        number = httpx.get(address + path).json()["frames"]
        right = {"number": str(number), "time_s": str(float(number))}
        odd = RNG.choice(ODD) if RNG.random() < 0.3 else {}
        return f"{path}/frames", right | odd

    counted = _sent(address, frames, following)
    closed = httpx.post(f"{address}{path}/close").json()
    print(f"  {closed['frames']} frames were acknowledged")
    return counted


def _sent(address: str, bodies: int, target: Callable[[], tuple[str, dict[str, str]]]) -> tuple[Counter[int], float]:
    whole = _whole()
    counts: Counter[int] = Counter()
    longest = 0.0
    with httpx.Client(base_url=address, timeout=60) as client:
        for _ in range(bodies):
            body, headers = RNG.choice(whole)
            path, query = target()
            start = time.perf_counter()
            try:
                answer = client.post(path, params=query, content=_mutation(body), headers=_headers(headers))
                counts[answer.status_code] += 1
            except httpx.HTTPError:
                counts[0] += 1
            longest = max(longest, time.perf_counter() - start)
    return counts, longest


def _whole() -> list[tuple[bytes, dict[str, str]]]:
    frame = np.random.default_rng(0).integers(0, 4000, (64, 96)).astype("<u2")
    small = (frame // 16).astype("u1")
    raw = {"X-Shape": "64,96", "X-Dtype": "<u2"}
    bodies = [bytes(png_encode(image)) for image in (frame, small, np.stack([small] * 3, axis=-1))]
    bodies += [npy_bytes(image) for image in (frame, frame.astype(">f8"), small, np.asfortranarray(frame))]
    bodies += [tiff_bytes(frame), tiff_bytes(small)]
    for options in (
        {"compression": "zlib", "tile": (32, 32)},
        {"compression": "lzw"},
        {"bigtiff": True, "rowsperstrip": 8},
        {"compression": "zlib", "predictor": True},
    ):
        with tempfile.TemporaryDirectory() as folder:
            tifffile.imwrite(Path(folder) / "x.tif", frame, **options)
            bodies.append((Path(folder) / "x.tif").read_bytes())
    return [(body, {}) for body in bodies] + [(frame.tobytes(), raw)] * 3


def _mutation(body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(RNG.choice((1, 1, 2, 4, 16))):
        at = RNG.randrange(min(len(changed), RNG.choice((64, 512, len(changed)))) or 1)
        match RNG.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([RNG.randrange(256)])
            case 1:
                changed[at : at + 4] = RNG.choice(EXTREMES)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + RNG.randrange(1, 9)]
            case 4:
                changed[at:at] = RNG.randbytes(RNG.randrange(1, 9))
            case 5:
                other = RNG.randrange(len(changed) or 1)
                changed[at : at + 16] = changed[other : other + 16]
        if not changed:
            break
    return bytes(changed)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if not headers or RNG.random() < 0.5:
        return headers
    return {"X-Shape": RNG.choice(SHAPES), "X-Dtype": RNG.choice(DTYPES)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--examples", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
