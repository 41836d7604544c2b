"""What Prometheus may know of the service, beside what BentoML tells it of requests."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["IN_LINE", "MODEL", "REFUSED", "SESSIONS", "count_frame", "stage"]

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

STAGES = Histogram("ionfront_stage_seconds", "Time of a frame in each stage.", ["stage"], buckets=_BUCKETS)
FRAMES = Counter("ionfront_frames", "Frames segmented, by whether they look like those trained on.", ["domain"])
REFUSED = Counter("ionfront_refused", "Requests that were refused, by status.", ["status"])
IN_LINE = Gauge(
    "ionfront_in_line", "Pieces of work that wait or are being done.", ["line"], multiprocess_mode="livesum"
)
SESSIONS = Gauge("ionfront_sessions", "Live measurements in memory.", multiprocess_mode="livesum")
MODEL = Gauge("ionfront_model", "1 for the model that answers.", ["name", "version", "sha256"], multiprocess_mode="max")


def count_frame(foreign: bool | None) -> None:
    """One frame more, by whether it is unlike those trained on; None where nobody knows."""
    FRAMES.labels({None: "unknown", True: "foreign", False: "usual"}[foreign]).inc()


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        STAGES.labels(name).observe(time.perf_counter() - start)
