"""A job for workers to die of; in a file of its own, so that they find it."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from ionfront.analysis.archive.jobs import Outcome


@dataclass(frozen=True)
class Deadly:
    """Its worker dies of it so many times; it leaves a file each time."""

    name: str
    folder: Path
    times: int = 0

    def __call__(self):
        deaths = len(list(self.folder.glob(f"{self.name}-*")))
        (self.folder / f"{self.name}-{os.getpid()}").touch()
        if deaths < self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome()
