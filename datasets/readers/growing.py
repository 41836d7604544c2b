"""What a reader of a movie gives that another program is still writing."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

__all__ = ["Found", "Growing", "Untouched"]


class Found(NamedTuple):
    """A frame.

    Attributes:
        image: Grey values, shape (y, x).
        time_s: When it was taken; None where the file holds no times.
        dose_e_nm2: Electrons for each nm^2 that it cost; None where the file does not tell.
        missed: How many were lost before it.
    """

    image: NDArray[Any]
    time_s: float | None = None
    dose_e_nm2: float | None = None
    missed: int = 0


class Growing(Protocol):
    """Frames of a file, as they become whole.

    Attributes:
        pixel_size_nm: Edge of a pixel; None where the file does not tell.
        timed: Whether it holds times.
    """

    pixel_size_nm: float | None
    timed: bool

    def begin_after(self, passed: int) -> int:
        """The number of the first frame to take, when so many have gone by with those that were lost."""

    def whole(self) -> int:
        """How many frames are whole now."""

    def frame(self, number: int) -> Found:
        """One of them, from 0.

        Raises:
            MovieError: It cannot be read.
        """


class Untouched:
    """Whether files have been left alone since they were looked at last."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, int]] = {}

    def since_last(self, paths: list[Path]) -> bool:
        """Whether all of these are as they were then."""
        now = {path: (stat.st_size, stat.st_mtime_ns) for path in paths for stat in [path.stat()]}
        before, self._seen = self._seen, now
        return now == before
