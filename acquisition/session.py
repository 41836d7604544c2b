"""A live measurement that survives its process: what is said of a frame is on disk before it is said."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionfront.analysis.clip import clip_colours
from ionfront.analysis.record import write_record
from ionfront.analysis.tables import write_arrival, write_fronts, write_local
from ionfront.core import IonFrontError, UsageError
from ionfront.models import Segmenter

from .aside import Looks
from .journal import Journal
from .live import LiveFront
from .look import Material
from .snapshot import from_bytes, to_bytes
from .triggers import Decision, Rule, Triggers

__all__ = ["RESULT_FILES", "Session", "SessionSettings"]

RESULT_FILES = ("kinetics.json", "fronts.csv", "arrival.tif", "speed.tif")
_AGAIN_S = 2.0  # of analysis that a crash may cost once more, or
_CHECKPOINT_SHARE = 0.05  # as long as a checkpoint takes no more of the time than this


@dataclass(frozen=True)
class SessionSettings:
    """How a live measurement is made; as `LiveFront` and `Triggers` have them.

    Attributes:
        name: For people.
        zero_s: What the camera's clock showed at the time 0.
    """

    name: str = "live"
    pixel_size_nm: float | None = None
    material: Material = field(default_factory=Material)
    binning: int = 1
    average_frames: int = 1
    skip_unchanged: bool = False
    start_s: float | None = None
    rules: tuple[Rule, ...] = ()
    dry_run: bool = False
    zero_s: float = 0.0

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def read(cls, record: dict[str, Any]) -> "SessionSettings":
        """What `record` gave."""
        rules = tuple(Rule.read(rule) for rule in record["rules"])
        return cls(**record | {"material": Material(**record["material"]), "rules": rules})


class Session:
    """Frames by number, each answered once.

    Args:
        journal: New, or of a session that broke off, which is then gone on with.
        segmenter: The model that it was begun with.
        looks: As for `LiveFront`.

    Attributes:
        settings: How it is made.
        decided: At the last frame that was taken.

    Raises:
        UsageError: It is over, was begun with another model, or its journal is damaged.
    """

    def __init__(self, journal: Journal, segmenter: Segmenter, looks: Callable[[], Looks] | None = None) -> None:
        if journal.closed is not None:
            raise UsageError(f"{journal.folder.name} is closed: begin a new session.")
        if journal.settings["model"]["sha256"] != segmenter.sha256:
            raise UsageError(f"{journal.folder.name} was begun with another model: it needs that one to go on.")
        self.settings = settings = SessionSettings.read(journal.settings["session"])
        self.decided: tuple[Decision, ...] = ()
        self._journal = journal
        self._live = LiveFront(
            segmenter,
            pixel_size_nm=settings.pixel_size_nm,
            material=settings.material,
            binning=settings.binning,
            average_frames=settings.average_frames,
            skip_unchanged=settings.skip_unchanged,
            start_s=settings.start_s,
            looks=None if looks is None else looks(),
        )
        self._triggers = Triggers(settings.rules, dry_run=settings.dry_run)
        self._saved_frame = 0
        self._since_s, self._checkpoint_s = 0.0, 0.0  # of analysis since the last checkpoint, and what that took
        self._go_on()

    @classmethod
    def begin(
        cls,
        folder: Path,
        settings: SessionSettings,
        segmenter: Segmenter,
        looks: Callable[[], Looks] | None = None,
    ) -> "Session":
        """A new one, in a folder that is not there yet."""
        info = segmenter.info
        model = {"name": info.name, "version": info.version, "sha256": segmenter.sha256}
        tints = {info.phases[phase]: colour for phase, colour in clip_colours(info.scheme).items()}
        begun = {
            "created_s": time.time(),
            "model": model,
            "phases": info.phases,
            "tints": tints,
            "session": settings.record(),
        }
        journal = Journal.begin(folder, begun)
        try:
            return cls(journal, segmenter, looks)
        except IonFrontError:
            shutil.rmtree(folder)
            raise

    @property
    def journal(self) -> Journal:
        """What was said so far."""
        return self._journal

    @property
    def frames(self) -> int:
        """How many were acknowledged."""
        return self._journal.acknowledged

    @property
    def passed(self) -> int:
        """How many have come by, with those that did not get as far."""
        return self._journal.passed

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """All that were made so far."""
        return self._journal.decisions

    @property
    def live(self) -> LiveFront:
        """The measurement."""
        return self._live

    def push(
        self, number: int, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0
    ) -> dict[str, Any]:
        """Take a frame; what is said of it. One that was acknowledged already is not taken again: its answer is.

        Args:
            number: Of the frame, from 0.
            frame, time_s, dose_e_nm2, missed: As for `LiveFront.push`.

        Returns:
            `number`, `time_s`, `dose_e_nm2`, `missed`, `state` as `FrontState.record` has it, and `decisions`.

        Raises:
            UsageError: A frame before it is missing. Nothing has changed then.
            IonFrontError: As `LiveFront.push`. Likewise.
            OSError: It could not be written down. The session cannot go on: open its folder again.
        """
        if number < self._journal.acknowledged:
            return self._journal.answer(number)
        if number > self._journal.acknowledged:
            raise UsageError(f"frame {number} came, and {self._journal.acknowledged} is the next: send that one first.")
        image = np.asarray(frame)
        self._journal.keep_frame(number, image)
        try:
            state = self._live.push(image, time_s, dose_e_nm2=dose_e_nm2, missed=missed)
        except IonFrontError:
            self._journal.drop_frame(number)
            raise
        decided = tuple(self._triggers.see(state))
        answer = {
            "number": number,
            "time_s": float(time_s),
            "dose_e_nm2": dose_e_nm2,
            "missed": missed,
            "state": state.record(),
            "decisions": [decision.record() for decision in decided],
        }
        self._journal.acknowledge(answer)
        self.decided = decided
        self._checkpoint_if_due(number + 1, state.seconds)
        return answer

    def checkpoint(self) -> None:
        """Keep the measurement, so that going on after a crash takes no frames before this one."""
        self._keep(self._journal.acknowledged)

    def close(self) -> str:
        """No frame comes any more: measure all of it, write `RESULT_FILES`, and end; takes seconds.

        Returns:
            What kept it from being measured; empty where nothing did.
        """
        folder, why = self._journal.folder, ""
        try:
            self._live.finish()
            result = self._live.result()
        except UsageError as error:
            why = str(error)
        else:
            calibration = self._live.calibration
            write_record(folder / "kinetics.json", self._live.kinetics(self.name, result), overwrite=True)
            write_fronts(folder / "fronts.csv", result, calibration)
            write_arrival(folder / "arrival.tif", result, calibration)
            write_local(folder / "speed.tif", result, calibration)
        self._live.close()
        self._journal.close(why)
        return why

    def leave(self) -> None:
        """Let go of it without an end: whoever opens its folder goes on."""
        if self._journal.acknowledged > self._saved_frame:
            self.checkpoint()
        self._live.close()

    @property
    def name(self) -> str:
        """For people."""
        return str(self._journal.settings["session"]["name"])

    def _checkpoint_if_due(self, frames: int, took_s: float) -> None:
        self._since_s += took_s
        if self._since_s > max(_AGAIN_S, self._checkpoint_s / _CHECKPOINT_SHARE):
            self._keep(frames)

    def _keep(self, frames: int) -> None:
        """The measurement after so many frames."""
        begun = time.monotonic()
        state = {"frames": frames, "live": self._live.save(), "triggers": self._triggers.save()}
        self._journal.checkpoint(to_bytes(state), frames)
        self._saved_frame = frames
        self._since_s, self._checkpoint_s = 0.0, time.monotonic() - begun

    def _go_on(self) -> None:
        """From the last checkpoint, over the frames since that were acknowledged."""
        content = self._journal.last_checkpoint()
        if content is not None:
            state = from_bytes(content)
            self._live.restore(state["live"])
            self._triggers.restore(state["triggers"])
            self._saved_frame = state["frames"]
        for answer in self._journal.answers(self._saved_frame, self._journal.acknowledged):
            image = self._journal.frame(answer["number"])
            told = {name: answer[name] for name in ("time_s", "dose_e_nm2", "missed")}
            state = self._live.push(image, **told)
            self._triggers.see(state)
            self._checkpoint_if_due(answer["number"] + 1, state.seconds)  # who crashes now again gets on all the same
        # looks come when they come: what was decided then stays, and is not decided again
        self._triggers.mark(decision["rule"] for decision in self._journal.decisions)
