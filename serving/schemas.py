"""What requests and answers look like; units are in the names."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ionfront.physics import GeometryName

__all__ = [
    "AnalysisOptions",
    "ForecastAnswer",
    "ForecastRequest",
    "JobAnswer",
    "ModelRecord",
    "MovieRequest",
    "PredictAnswer",
    "PredictRequest",
    "SegmentSummary",
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


class ForecastAnswer(_Strict):
    """Arrivals, in the order in which places came."""

    model: ModelRecord
    arrivals: tuple[Arrival, ...]
