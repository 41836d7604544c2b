"""What a NeXus file is to say of specimen and microscope, and frames do not tell."""

import tomllib
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ionfront.core import UsageError

__all__ = ["NexusFacts", "read_facts"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(_Strict):
    """The specimen.

    Attributes:
        name: For people.
        atom_types: Elements in it, "Bi, Na, Te"; None takes those of host and ion.
        preparation_date: When its preparation ended, with its time zone.
    """

    name: str | None = None
    atom_types: str | None = None
    preparation_date: AwareDatetime | None = None


class Instrument(_Strict):
    """The microscope.

    Attributes:
        vendor, model: Of it.
        name, location: Of this one.
        detector: Name of the camera.
    """

    vendor: str | None = None
    model: str | None = None
    name: str | None = None
    location: str | None = None
    detector: str | None = None


class User(_Strict):
    """Who measured."""

    name: str | None = None
    affiliation: str | None = None
    email: str | None = None


class NexusFacts(_Strict):
    """All of it.

    Attributes:
        start_time: When the experiment began; None takes when its measurement did, which differs for a replay.
        description: In a sentence.
    """

    start_time: AwareDatetime | None = None
    description: str | None = None
    sample: Sample = Sample()
    instrument: Instrument = Instrument()
    user: User = User()


def read_facts(path: Path) -> NexusFacts:
    """From a TOML file with the tables `sample`, `instrument` and `user`.

    Raises:
        UsageError: It is no such file.
    """
    try:
        return NexusFacts.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} tells nothing of specimen and microscope ({error}); docs/live.md shows how."
        ) from error
