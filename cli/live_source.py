"""Where `ionfront live` takes its frames from, and what keeps them."""

from pathlib import Path

from ionfront.acquisition import FrameQueue, RecentFrames, StoreRecorder
from ionfront.acquisition.adapters import attach, is_stream
from ionfront.acquisition.growing import followed
from ionfront.acquisition.sources import Source, replayed, watched_folder
from ionfront.core import UsageError
from ionfront.datasets.readers import is_image_folder

from .console import warn

__all__ = ["live_recorder", "live_source"]


def live_source(
    told: str,
    queue: FrameQueue,
    *,
    first: int,
    zero_s: float | None,
    follow: bool,
    pixel_size_nm: float | None,
    frame_time_s: float | None,
    speed: float,
    idle_s: float,
) -> Source:
    """Frames to come; arguments as the command has them, but for two.

    Args:
        first: How many frames have gone by before.
        zero_s: What the camera's clock showed at the time 0; None in the beginning.

    Raises:
        MovieError: There is nothing to be followed.
    """
    if is_stream(told):
        return attach(told, queue, pixel_size_nm=pixel_size_nm, zero_s=zero_s)
    path = Path(told)
    if follow:
        return followed(
            path,
            first=first,
            pixel_size_nm=pixel_size_nm,
            frame_time_s=frame_time_s,
            zero_s=zero_s,
            idle_s=idle_s,
        )
    if is_image_folder(path):
        return watched_folder(path, first=first, pixel_size_nm=pixel_size_nm, frame_time_s=frame_time_s, idle_s=idle_s)
    return replayed(path, speed=speed or None, first=first, pixel_size_nm=pixel_size_nm, frame_time_s=frame_time_s)


def live_recorder(
    source: str, record: Path | None, keep_last_s: float | None, *, go_on: bool
) -> StoreRecorder | RecentFrames | None:
    """What keeps the frames of a stream; None where nothing is to.

    Raises:
        UsageError: Both ways are asked for, or the frames are on disk already.
    """
    if record is None and keep_last_s is None:
        return None
    if not is_stream(source):
        raise UsageError(f"{source} is on disk already: --record and --keep-last-s keep the frames of a stream.")
    if record is None:
        return RecentFrames(last_s=keep_last_s)
    if keep_last_s is not None:
        raise UsageError("--record keeps every frame, so there is nothing left for --keep-last-s: give one of them.")
    return StoreRecorder(record, go_on=go_on, tell=warn)
