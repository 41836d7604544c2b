"""The live monitor: frames one by one in, where the fronts are out, and the kinetics of the whole movie at its end."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.analysis.kinetics_json import kinetics_record
from ionfront.analysis.measure import doubts_of_reference, measured, model_card, tracker_for_network
from ionfront.analysis.watch import DomainWatch
from ionfront.core import Calibration, MovieError, Quantity, UsageError, one_blas_thread
from ionfront.datasets import binning_factor, block_means, likeliest, reference_length
from ionfront.fronts import FrontResult, FrontTracker, position_now
from ionfront.models import Segmenter, SkippingSegmenter, load_segmenter

from .aside import Aside, Looks
from .held import Held
from .look import SIDE_PX, FrontSeen, Look, Material, View, look
from .snapshot import from_bytes, to_bytes
from .state import FrontNow, FrontState

__all__ = ["LiveFront"]

# Frames analysed in one push: those that the reference held back are caught up with, without a long wait.
_AT_A_TIME = 2
_MOST = 1e12  # s, or electrons for each nm^2: no experiment comes near, and single precision bears it


class LiveFront:
    """Takes the frames of one specimen in order.

        with LiveFront(pixel_size_nm=0.5, material=Material("Bi2Te3", "Na")) as live:
            for frame, time_s in camera:
                state = live.push(frame, time_s)

    Memory and time for a frame do not grow with their number, but for some hundred bytes for each.

    Args:
        model: Model file, or a loaded model; None takes the bundled one.
        pixel_size_nm: Edge of a pixel; None where it is not known, and lengths are then in pixels.
        material: For forecasts.
        binning: Means of so many times so many pixels are analysed in their place: faster, less noise, coarser.
        average_frames: How many frames around each one are averaged, an odd number; half of them are waited for.
        skip_unchanged: Infer only what has changed since it was last inferred.
        reference_frames: Of how many first frames the reference is the mean, for models that compare.
        start_s: When the front may have set out, as the bias was put on; None takes the first frame's time.
        looks: Works out laws, speeds and forecasts; None takes a process beside this one.

    Raises:
        ModelFileError: The model cannot be used.
        UsageError: Its labels are no reaction, or a setting is outside what makes sense.
    """

    def __init__(
        self,
        model: Path | Segmenter | None = None,
        *,
        pixel_size_nm: float | None = None,
        material: Material | None = None,
        binning: int = 1,
        average_frames: int = 1,
        skip_unchanged: bool = False,
        reference_frames: int | None = None,
        start_s: float | None = None,
        looks: Looks | None = None,
    ) -> None:
        segmenter = model if isinstance(model, Segmenter) else load_segmenter(model)
        self._segmenter = segmenter
        self._infer = SkippingSegmenter(segmenter).probabilities if skip_unchanged else segmenter.probabilities
        self._calibration = Calibration().overridden(pixel_size_nm=pixel_size_nm).binned(binning)
        self._binning = binning_factor(binning)
        self._material, self._averaged, self._start_s = material or Material(), average_frames, start_s
        references = reference_length(None) if reference_frames is None else reference_frames
        self._held = Held(average_frames, references if segmenter.compares else 0)
        self._watch = DomainWatch(segmenter.info.domain)
        self._tracker: FrontTracker | None = None
        self._shape: tuple[int, ...] = ()
        self._times: list[float] = []
        self._dose: float | None = None
        self._missed = 0
        self._seen = 0  # frames that the network was shown, and those blanked between them
        self._image: NDArray[Any] | None = None
        self._labels: NDArray[np.uint8] | None = None
        self._state: FrontState | None = None
        self._kept: Look | None = None  # of the run before, until there is a newer one
        self._looks = Aside() if looks is None else looks
        # Threads begin when needed, and end with this object: what is held may be analysed after `close`.
        self._pushes = ThreadPoolExecutor(1, thread_name_prefix="pushes")  # of `push_async`
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="beside")  # the tracker

    def __enter__(self) -> "LiveFront":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def state(self) -> FrontState | None:
        """After the newest frame; None before the first."""
        return self._state

    @property
    def labels(self) -> NDArray[np.uint8] | None:
        """Label ids of the newest frame that the network was shown, shape (y, x) as binned; None before one."""
        return self._labels

    @property
    def image(self) -> NDArray[Any] | None:
        """That frame, binned and averaged where frames are; None before one."""
        return self._image

    @property
    def segmenter(self) -> Segmenter:
        """The model."""
        return self._segmenter

    @property
    def look(self) -> Look | None:
        """The newest look at all fronts: their courses, laws and forecasts; None before the first."""
        return self._kept if self._looks.newest is None else self._looks.newest

    def look_now(self) -> Look:
        """A look at once, up to the newest frame that the network was shown; takes a second or two.

        Raises:
            UsageError: It was shown none yet.
        """
        if not self._seen:
            raise UsageError("the network was shown no frame yet, so there is nothing to look at: push further ones.")
        return look(self._view())

    @property
    def phases(self) -> tuple[str, ...]:
        """Names by label id."""
        return self._segmenter.info.phases

    def arrival_s(self) -> dict[str, NDArray[np.float32]]:
        """When each step of the half cycle under way reached each pixel, shape (y, x) as binned, NaN where not yet.

        By the step's name.

        Steps are those between neighbours in the order of the reaction, whether or not particles take each by itself.
        """
        if self._tracker is None or not self._seen:
            return {}
        return {str(transition): plane for transition, plane in self._tracker.arrival().items()}

    def push(self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> FrontState:
        """Take the next frame.

        Args:
            frame: Grey values, shape (y, x), of any real type; NaN where there are no data.
            time_s: When it was taken, after every frame before.
            dose_e_nm2: Electrons for each nm^2 that it cost, where that is known.
            missed: How many frames before it were lost on the way, let go or could not be used, to be told of.

        Raises:
            MovieError: It is no grey image, or has another size than those before. Nothing has changed then.
            UsageError: Its time does not follow, or its dose is no number from 0. Likewise.
        """
        begun = time.perf_counter()
        image = self._checked(np.asarray(frame), time_s, dose_e_nm2)
        if self._tracker is None:
            height, width = (-(-length // self._binning) for length in image.shape)
            self._tracker = tracker_for_network(self._segmenter.info.scheme, (height, width), self._averaged)
            self._shape = image.shape
        self._times.append(float(time_s))
        if dose_e_nm2 is not None:
            self._dose = (self._dose or 0.0) + dose_e_nm2
        self._missed += missed
        self._held.push(float(time_s), image if self._binning == 1 else block_means(image, self._binning))
        with one_blas_thread():
            self._analyse(self._tracker, _AT_A_TIME)
        if self._seen:
            self._looks.offer(self._view)
        self._state = self._now(self._tracker, begun)
        return self._state

    async def push_async(
        self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0
    ) -> FrontState:
        """As `push`, in a thread beside the event loop; frames are taken in the order of calls."""
        push = partial(self.push, frame, time_s, dose_e_nm2=dose_e_nm2, missed=missed)
        return await asyncio.get_running_loop().run_in_executor(self._pushes, push)

    def finish(self) -> None:
        """No frame comes any more: analyse what is held."""
        self._held.finish()
        if self._tracker is not None:
            self._analyse(self._tracker, self._held.waiting)

    def kinetics(self, source: str = "live", result: FrontResult | None = None) -> dict[str, Any]:
        """The content of kinetics.json, of the frames so far, as `ionfront analyze` would write it; takes seconds.

        Args:
            source: What to call where the frames are from.
            result: Of `result`, where that was called already.

        Raises:
            UsageError: Fewer than two frames came.
        """
        return kinetics_record(
            self.result() if result is None else result,
            self.calibration,
            source=source,
            model=model_card(self._segmenter, self._averaged),
            material=self._material.record,
            warnings=self._warnings(),
            foreign_frames=self._watch.record,
        )

    def result(self) -> FrontResult:
        """All that the frames so far say about their reaction; takes seconds.

        Raises:
            UsageError: Fewer than two frames came.
        """
        if self._tracker is None or self._seen < 2:
            raise UsageError(f"{self._seen} frames were analysed; kinetics need 2 or more: push further ones.")
        return measured(self._tracker, self.calibration)

    @property
    def calibration(self) -> Calibration:
        """Pixel size as given; frame time as frames have come."""
        if len(self._times) < 2:
            return self._calibration
        frame_time_s = float(np.median(np.diff(self._times)))
        return replace(self._calibration, frame_time_s=frame_time_s, frame_time_source="times of the frames")

    def save(self) -> bytes:
        """All that further frames need, for `restore`; after a crash, too."""
        kept = ("_held", "_tracker", "_shape", "_times", "_dose", "_missed", "_seen", "_labels")
        foreign = (self._watch.foreign, self._watch.seen, self._watch.too_small)
        return to_bytes({name: getattr(self, name) for name in kept} | {"foreign": foreign, "look": self.look})

    def restore(self, saved: bytes) -> None:
        """Go on where another one, with the same model and settings, was saved.

        Raises:
            UsageError: These are no such bytes.
        """
        state = from_bytes(saved)
        self._watch.foreign, self._watch.seen, self._watch.too_small = state.pop("foreign")
        self._kept = state.pop("look")
        for name, value in state.items():
            setattr(self, name, value)

    def close(self) -> None:
        """Let go of the process beside this one; what was measured stays."""
        self._kept = self.look
        self._pushes.shutdown()
        self._looks.close()

    def _warnings(self) -> tuple[str, ...]:
        missed = f"{self._missed} of {self._missed + len(self._times)} frames did not get as far as the measurement."
        doubts = doubts_of_reference(self._held.unmatched, self._seen)
        return (*self._watch.warnings, *doubts, *((missed,) if self._missed else ()))

    def _checked(self, frame: NDArray[Any], time_s: float, dose_e_nm2: float | None) -> NDArray[Any]:
        if frame.ndim != 2 or frame.dtype.kind not in "biuf" or min(frame.shape) < 1:
            raise MovieError(f"a frame of shape {frame.shape} and type {frame.dtype} came; a grey image is needed.")
        if self._shape and frame.shape != self._shape:
            raise MovieError(
                f"a frame of {frame.shape} pixels came after frames of {self._shape}: begin anew for another size."
            )
        last = self._times[-1] if self._times else -np.inf
        if not (time_s > last and abs(time_s) <= _MOST):
            raise UsageError(
                f"a frame of {time_s} s came after one of {last} s; times need to rise, up to {_MOST:g} s."
            )
        if dose_e_nm2 is not None and not 0 <= dose_e_nm2 <= _MOST:
            raise UsageError(f"dose_e_nm2 is {dose_e_nm2}; a number from 0 to {_MOST:g} is needed, or None.")
        return frame.astype(np.uint8) if frame.dtype.kind == "b" else frame

    def _analyse(self, tracker: FrontTracker, most: int) -> None:
        for _ in range(most):
            following = self._held.ready()
            if following is None:
                return
            time_s, image = following
            if image is None:
                tracker.push(time_s, None)
            else:
                probabilities = self._infer(self._held.behind(image))
                watched = self._beside.submit(self._watch.see, self._seen, image)
                self._image, self._labels = image, likeliest(probabilities)
                tracker.push(time_s, probabilities)
                watched.result()
            self._seen += 1

    def _view(self) -> View:
        tracker = self._tracker
        assert tracker is not None
        every = tracker.thinning(SIDE_PX)
        start_s = self._times[0] if self._start_s is None else self._start_s
        return View(
            tracker=tracker.thinned(every),
            every=every,
            pixel_size_nm=self._calibration.pixel_size_nm,
            frame=self._seen,
            time_s=self._times[self._seen - 1],
            start_s=start_s,
            material=self._material,
        )

    def _now(self, tracker: FrontTracker, begun: float) -> FrontState:
        newest = self.look
        areas = tracker.areas_px if self._seen else np.full(len(self.phases), np.nan)
        blanked = not np.isfinite(areas).all()
        pixel = self._calibration.pixel_size_nm or 1.0
        foreign = self._watch.foreign[-1:] == [self._seen - 1]
        return FrontState(
            frame=len(self._times) - 1,
            time_s=self._times[-1],
            seen_s=self._times[self._seen - 1] if self._seen else None,
            waiting=self._held.waiting,
            missed=self._missed,
            blanked=blanked and self._seen > 0,
            foreign=None if self._watch.record is None or not self._seen else foreign,
            dose_e_nm2=self._dose,
            length_unit=self._calibration.length_unit,
            area={} if blanked else dict(zip(self.phases, (areas * pixel**2).tolist(), strict=True)),
            share={} if blanked else self._shares(areas),
            half_cycle=tracker.half_cycle,
            direction=tracker.direction,
            fronts=() if newest is None else _fronts(newest, tracker, pixel, self._times[self._seen - 1]),
            looked_s=None if newest is None else newest.time_s,
            warnings=tuple(filter(None, ("" if newest is None else newest.why, self._looks.trouble))),
            seconds=time.perf_counter() - begun,
        )

    def _shares(self, areas: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Of the phases that take part in the reaction, among themselves."""
        scheme = self._segmenter.info.scheme
        reacting = areas[list(scheme.order_ids)]
        total = float(reacting.sum())
        return dict(zip(scheme.reaction_order, (reacting / total).tolist(), strict=True)) if total > 0 else {}


def _fronts(seen: Look, tracker: FrontTracker, pixel: float, time_s: float) -> tuple[FrontNow, ...]:
    """Fronts of the last look where they are now; none where the reaction has turned since."""
    if not seen.fronts or (seen.half_cycle, seen.direction) != (tracker.half_cycle, tracker.direction):
        return ()
    reached = tracker.reached(seen.every) > 0.5
    return tuple(
        _front(front, position_now(reached[front.step], front.way, pixel=pixel * seen.every), time_s)
        for front in seen.fronts
    )


def _front(front: FrontSeen, position: float, time_s: float) -> FrontNow:
    ends = front.ahead[-1] if len(front.ahead) else np.full(5, np.nan)
    return FrontNow(
        before=front.transition.before,
        after=front.transition.after,
        particle=front.particle,
        position=front.interval(position),
        depth=front.depth,
        expected=front.expected(time_s),
        speed=front.speed,
        law=front.law,
        law_probability=front.law_probability,
        completion_s=Quantity(*ends[1:4].tolist()) if np.isfinite(ends[1:4]).all() else None,
        completion_probability=float(np.clip(ends[4], 0, 1)) if np.isfinite(ends[4]) else None,
    )
