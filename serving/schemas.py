"""What requests and answers look like; units are in the names."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ionfront.acquisition import Condition, Material, Rule, SessionSettings
from ionfront.physics import GeometryName

__all__ = [
    "AnalysisOptions",
    "Arrival",
    "ForecastAnswer",
    "ForecastRequest",
    "FrameAnswer",
    "FrameQuery",
    "JobAnswer",
    "LookAnswer",
    "ModelRecord",
    "MovieRequest",
    "PredictAnswer",
    "PredictRequest",
    "SegmentSummary",
    "SessionAnswer",
    "SessionRequest",
    "UploadQuery",
]

Ion = Literal["Li", "Na", "K"]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelRecord(_Strict):
    """Which model answered."""

    name: str
    version: str
    sha256: str = Field(description="Digest of the model file.")


class SegmentSummary(_Strict):
    """What a frame shows, in the header X-Result as JSON; the labels are the body."""

    model: ModelRecord
    phases: tuple[str, ...] = Field(description="Names by label id.")
    area_px: dict[str, int] = Field(description="Pixels of each phase.")
    confidence: float = Field(description="Mean calibrated probability of the labels given, 0 to 1.")
    strangeness: float | None = Field(description="How unlike the frames trained on: 0 is usual, over 1 foreign.")
    out_of_domain: bool | None = Field(description="Whether it is foreign; null where the model cannot tell.")
    seconds: float = Field(description="What the network took.")


class ExperimentBody(_Strict):
    """Where it reacts."""

    geometry: GeometryName | None = Field(default=None, description="null: as it was seen, or else a flake's.")
    size_nm: Positive = 200.0
    bias_v: Number = 1.0
    temperature_k: Positive = 298.15
    contact_ohm_m2: Positive | None = None


class Reaction(ExperimentBody):
    """A host with an ion, in an experiment."""

    host: Name
    ion: Ion


class PredictRequest(_Strict):
    """One reaction or many."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"reactions": [{"host": "Bi2Te3", "ion": "Na", "geometry": "open_concave"}]}]},
    )
    reactions: Annotated[tuple[Reaction, ...], Field(min_length=1, max_length=1000)]


class Interval(_Strict):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Part(_Strict):
    """One part of log10 of a speed; parts add up."""

    part: str
    log10: float
    rests_on: str


class StepAnswer(_Strict):
    """What is expected of one step."""

    host: str
    ion: str
    step: int
    mechanism: str
    product: str
    velocity_nm_s: Interval
    exponent: Interval
    law_probabilities: dict[str, float]
    probability_through: float
    contributions_log10: tuple[Part, ...]
    out_of_domain: tuple[str, ...]


class PredictAnswer(_Strict):
    """Steps of each reaction, in the order in which reactions came."""

    model: ModelRecord
    reactions: tuple[tuple[StepAnswer, ...], ...]


class AnalysisOptions(_Strict):
    """How a movie is analyzed; what is left out, its file says, or the program chooses."""

    pixel_size_nm: Positive | None = None
    frame_time_s: Positive | None = None
    average_frames: Annotated[int, Field(ge=1, le=99)] | None = None
    skip_unchanged: bool = False
    host: Name | None = None
    ion: Ion | None = None

    def arguments(self) -> dict[str, Any]:
        """As `analyze` takes them."""
        material = {name: value for name in ("host", "ion") if (value := getattr(self, name)) is not None}
        told = {name: getattr(self, name) for name in AnalysisOptions.model_fields if name not in ("host", "ion")}
        return {name: value for name, value in told.items() if value is not None} | {"material": material}


class UploadQuery(AnalysisOptions):
    """A movie that comes with the request."""

    name: str = Field(description="File name with its ending, which says how it is read.")


class MovieRequest(AnalysisOptions):
    """A movie that lies on the server already."""

    path: Annotated[str, Field(min_length=1, max_length=2000, description="Under one of the server's roots.")]


class JobAnswer(_Strict):
    """How far a movie is."""

    id: str
    movie: str
    state: Literal["arriving", "queued", "running", "done", "failed", "cancelled"]
    frames_done: int
    frames: int = Field(description="0 until the movie has been opened.")
    error: str
    created_s: float = Field(description="Unix time.")
    files: tuple[str, ...] = Field(description="Results to fetch from /movies/ID/files/NAME.")


class ForecastRequest(Reaction):
    """A front so far, and where it is to come."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "host": "NiO",
                    "ion": "Li",
                    "size_nm": 300,
                    "time_s": [0, 5, 10, 15, 20],
                    "position_nm": [0, 14, 29, 41, 55],
                    "places_nm": [150, 270],
                    "error_nm": 1.0,
                }
            ]
        },
    )
    step: Annotated[int, Field(ge=1, le=9)] = 1
    time_s: Annotated[tuple[Number, ...], Field(max_length=100_000)]
    position_nm: Annotated[tuple[Number | None, ...], Field(max_length=100_000)]
    places_nm: Annotated[tuple[Number, ...], Field(min_length=1, max_length=100)]
    error_nm: Positive
    start_s: Number = 0.0


class Arrival(_Strict):
    """When a front comes to a place."""

    place_nm: float
    time_s: Interval | None = Field(description="If it gets there; null where none of what is possible does.")
    probability_reached: float

    @classmethod
    def forecast(cls, place_nm: float, when_s: Sequence[float], chance: float) -> "Arrival":
        """From the median, low and high end of a time, NaN where nothing gets there, and the chance that it does."""
        known = all(map(math.isfinite, when_s))
        interval = Interval(value=when_s[0], low=when_s[1], high=when_s[2]) if known else None
        return cls(place_nm=place_nm, time_s=interval, probability_reached=min(max(chance, 0.0), 1.0))


class ForecastAnswer(_Strict):
    """Arrivals, in the order in which places came."""

    model: ModelRecord
    arrivals: tuple[Arrival, ...]


class RuleBody(_Strict):
    """When to decide something; it is decided once."""

    name: Name
    when: Condition
    value: Number = Field(default=0.0, description="nm, a share, a number of fronts, nm/s, a factor, s, or e/nm2.")
    actions: tuple[Name, ...] = ()
    into: Name | None = Field(default=None, description="Only fronts whose product is this phase.")
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.5
    frames: Annotated[int, Field(ge=1, le=1000)] = Field(default=2, description="In how many frames in a row.")


class SessionRequest(_Strict):
    """How a live measurement is made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "Bi2Te3, grid 4",
                    "pixel_size_nm": 0.5,
                    "host": "Bi2Te3",
                    "ion": "Na",
                    "rules": [{"name": "halfway", "when": "fraction", "value": 0.5, "actions": ["blank the beam"]}],
                }
            ]
        },
    )
    name: Annotated[str, Field(min_length=1, max_length=1000)] = Field(default="live", description="Or a path.")
    pixel_size_nm: Positive | None = Field(default=None, description="null: lengths are in pixels.")
    host: Name | None = None
    ion: Ion | None = None
    geometry: GeometryName = "flake"
    bias_v: Number = 1.0
    temperature_k: Positive = 298.15
    contact_ohm_m2: Positive | None = None
    binning: Annotated[int, Field(ge=1, le=64)] = 1
    average_frames: Annotated[int, Field(ge=1, le=15)] = 1
    skip_unchanged: bool = False
    start_s: Number | None = Field(default=None, description="When the bias was put on; null: at the first frame.")
    rules: Annotated[tuple[RuleBody, ...], Field(max_length=100)] = ()
    dry_run: bool = False

    def settings(self) -> SessionSettings:
        """As a session takes them."""
        told = self.model_dump()
        material = {name: told.pop(name) for name in ("host", "ion", "geometry", "bias_v", "temperature_k")}
        material["contact_ohm_m2"] = told.pop("contact_ohm_m2")
        rules = tuple(Rule(**rule) for rule in told.pop("rules"))
        return SessionSettings(**told, material=Material(**material), rules=rules)


class SessionAnswer(_Strict):
    """A live measurement, as far as it is."""

    id: str
    name: str
    state: Literal["open", "closing", "closed"]
    why: str = Field(description="What kept a closed one from being measured; empty where nothing did.")
    created_s: float = Field(description="Unix time.")
    frames: int = Field(description="Acknowledged; the number of the next frame.")
    model: ModelRecord
    phases: tuple[str, ...] = Field(description="Names by label id.")
    tints: dict[str, str] = Field(description="Colours of phases in the picture.")
    settings: dict[str, Any]
    last: dict[str, Any] | None = Field(description="What was said of the newest frame; see the frames' answers.")
    fired: tuple[dict[str, Any], ...] = Field(description="All decisions so far.")
    files: tuple[str, ...] = Field(description="Results of a closed one, to fetch from /sessions/ID/files/NAME.")


class FrameQuery(_Strict):
    """Which frame comes."""

    number: Annotated[int, Field(ge=0)] = Field(description="From 0, without gaps; one that comes twice counts once.")
    time_s: Number = Field(description="When it was taken; later than the one before.")
    dose_e_nm2: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    missed: Annotated[int, Field(ge=0)] = Field(default=0, description="Frames before it that were lost or let go.")


class FrameAnswer(_Strict):
    """What is known after a frame; on disk before it is said."""

    number: int
    time_s: float
    dose_e_nm2: float | None
    missed: int
    state: dict[str, Any] = Field(description="Fronts with positions, speeds, laws and forecasts; areas of phases.")
    decisions: tuple[dict[str, Any], ...] = Field(description="Rules that fired at this frame, and why.")


class FrontCourse(_Strict):
    """A front's course so far; lengths in the answer's unit."""

    before: str
    after: str
    particle: int
    depth: float
    time_s: tuple[float, ...]
    position: tuple[float, ...]
    fitted: tuple[float | None, ...]
    ahead: tuple[Arrival, ...] = Field(description="Forecast, when it comes to places up to the end of the particle.")


class LookAnswer(_Strict):
    """The newest look at all fronts."""

    looked_s: float | None = Field(description="Time of the frame up to which it looks; null before the first look.")
    length_unit: Literal["nm", "px"]
    fronts: tuple[FrontCourse, ...]
