"""The training record in MLflow: everything logged by name, nothing pickled, one model registered as a candidate."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnx
from lightning.pytorch.loggers import MLFlowLogger
from matplotlib.figure import Figure
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from ionfront.models import read_info

__all__ = ["ALIAS", "Run", "Tracking", "git_revision", "recorded"]

ALIAS = "candidate"
_REQUIREMENTS = ["onnx", "onnxruntime", "numpy"]  # named, or MLflow spends many seconds guessing them


@dataclass(frozen=True)
class Tracking:
    """Where a training run is recorded.

    Attributes:
        uri: MLflow tracking URI; "none" records nothing.
        experiment: MLflow experiment.
        run_name: Name of the run; None lets MLflow find one.
        registered_name: Name under which the model is registered, alias "candidate".
    """

    uri: str = "sqlite:///mlflow.db"
    experiment: str = "segmenter"
    run_name: str | None = None
    registered_name: str = "ionfront-segmenter"


class Run:
    """One open MLflow run."""

    def __init__(self, settings: Tracking) -> None:
        self._settings = settings
        # MLflow would otherwise keep the registry of another run in this process.
        self._client = mlflow.MlflowClient(tracking_uri=settings.uri, registry_uri=settings.uri)
        run = self._client.create_run(_experiment_id(self._client, settings), run_name=settings.run_name)
        self.run_id: str = run.info.run_id

    def logger(self) -> MLFlowLogger:
        """A Lightning logger that writes curves into this run."""
        return MLFlowLogger(self._settings.experiment, tracking_uri=self._settings.uri, run_id=self.run_id)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Settings, nested or flat."""
        for key, value in _flat(params).items():
            self._client.log_param(self.run_id, key, str(value)[:6000])

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Facts about the run."""
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, value)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Final numbers."""
        for key, value in metrics.items():
            self._client.log_metric(self.run_id, key, value)

    def log_text(self, text: str, name: str) -> None:
        """A text artifact."""
        self._client.log_text(self.run_id, text, name)

    def log_json(self, value: Any, name: str) -> None:
        """A JSON artifact."""
        self.log_text(json.dumps(value, indent=1), name)

    def log_figure(self, figure: Figure, name: str) -> None:
        """A picture artifact."""
        self._client.log_figure(self.run_id, figure, name)

    def register(self, model_file: Path, signature: ModelSignature | None = None) -> str:
        """Register a model file in the ONNX flavour with alias "candidate"; returns its version.

        Args:
            model_file: The file.
            signature: What it takes and gives; None for a segmenter.
        """
        name = self._settings.registered_name
        with _current(self._settings.uri), mlflow.start_run(run_id=self.run_id):
            logged = mlflow.onnx.log_model(
                onnx.load_model(model_file),
                name=self._settings.experiment,
                registered_model_name=name,
                signature=signature or _signature(read_info(model_file).architecture.channels),
                pip_requirements=_REQUIREMENTS,
                save_as_external_data=False,
            )
        version = str(logged.registered_model_version)
        self._client.set_registered_model_alias(name, ALIAS, version)
        return version

    def close(self, *, failed: bool = False) -> None:
        """Mark the run as finished or failed."""
        self._client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")


@contextmanager
def recorded(settings: Tracking) -> Iterator[Run | None]:
    """A run, None when tracking is turned off; marked as finished at the end, or as failed."""
    if settings.uri == "none":
        yield None
        return
    run = Run(settings)
    try:
        yield run
    except BaseException:
        run.close(failed=True)
        raise
    run.close()


def git_revision(folder: Path) -> str:
    """Commit that is checked out in `folder`, marked where files differ from it; empty outside a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _experiment_id(client: Any, settings: Tracking) -> str:
    found = client.get_experiment_by_name(settings.experiment)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(settings.experiment, artifact_location=_artifacts(settings.uri)))


def _artifacts(uri: str) -> str | None:
    """Beside a SQLite file, whatever the working directory; a server has its own place."""
    prefix = "sqlite:///"
    if not uri.startswith(prefix):
        return None
    return (Path(uri.removeprefix(prefix)).absolute().parent / "mlartifacts").as_uri()


@contextmanager
def _current(uri: str) -> Iterator[None]:
    """MLflow's flavours know one tracking server, the current one; it is put back afterwards."""
    before, registry_before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    variable = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        mlflow.set_registry_uri(registry_before)
        os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow sets it along
        if variable is not None:
            os.environ["MLFLOW_TRACKING_URI"] = variable


def _signature(channels: int) -> ModelSignature:
    frame = TensorSpec(np.dtype(np.float32), (-1, channels, -1, -1), "frame")
    logits = TensorSpec(np.dtype(np.float32), (-1, -1, -1, -1), "logits")
    return ModelSignature(Schema([frame]), Schema([logits]))


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
