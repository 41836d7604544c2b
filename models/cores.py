"""How many cores a container lets this process use."""

import math
from pathlib import Path

__all__ = ["core_quota"]


def core_quota(file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    """Cores' worth of time that a control group grants, rounded up; None where it grants all.

    OpenVINO takes the cores that it may be scheduled on, and so too many threads for a quota. The file holds
    microseconds of time and of the period (Linux, cgroup v2, `cpu.max`).
    """
    try:
        granted, period = file.read_text().split()
        return max(1, math.ceil(int(granted) / int(period)))
    except (OSError, ValueError):  # no such limit: no file, or "max"
        return None
