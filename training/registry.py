"""The model registry of MLflow: versions and aliases of one registered model, and their files. No torch here."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from ionfront.core import ModelFileError, UsageError, atomic_output

__all__ = ["DEFAULT_URI", "Registry", "fetch_model", "follow_model"]

DEFAULT_URI = "sqlite:///mlflow.db"
_SCHEME = "models:/"


@dataclass(frozen=True)
class Registry:
    """Versions of one registered model.

    Attributes:
        uri: MLflow tracking URI.
        name: Name of the registered model.
    """

    uri: str = DEFAULT_URI
    name: str = "ionfront-segmenter"

    def find(self, reference: str) -> str | None:
        """Version with this alias or number; None if there is none."""
        if not self._exists():
            return None
        client = mlflow.MlflowClient(self.uri, self.uri)
        try:
            if reference.isdecimal():
                return str(client.get_model_version(self.name, reference).version)
            return str(client.get_model_version_by_alias(self.name, reference).version)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ModelFileError(f"the registry {self.uri} does not answer ({error}); check --tracking.") from error

    def file(self, version: str) -> Path:
        """The model file of a version, fetched where the registry is not on this machine.

        Raises:
            ModelFileError: It has no ONNX file.
        """
        try:
            folder = mlflow.artifacts.download_artifacts(f"{_SCHEME}{self.name}/{version}", tracking_uri=self.uri)
        except (MlflowException, OSError) as error:
            raise ModelFileError(
                f"version {version} of {self.name} cannot be had from {self.uri} ({error}): are its files there?"
            ) from error
        files = sorted(Path(folder).glob("*.onnx"))
        if len(files) != 1:
            raise ModelFileError(f"version {version} of {self.name} has {len(files)} ONNX files; one is needed.")
        return files[0]

    def move_alias(self, alias: str, version: str) -> None:
        """Let `alias` mean this version, and no other."""
        mlflow.MlflowClient(self.uri, self.uri).set_registered_model_alias(self.name, alias, version)

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Facts about a version, for whoever looks at the registry."""
        for key, value in tags.items():
            mlflow.MlflowClient(self.uri, self.uri).set_model_version_tag(self.name, version, key, value)

    def _exists(self) -> bool:
        """Whether there is a registry to ask; MLflow would make a SQLite file that is not there."""
        prefix = "sqlite:///"
        return not self.uri.startswith(prefix) or Path(self.uri.removeprefix(prefix)).is_file()


def fetch_model(address: str) -> Path:
    """The file of `models:/NAME@ALIAS` or `models:/NAME/VERSION`, in the registry that MLFLOW_TRACKING_URI names.

    Raises:
        UsageError: The address is of another form, or there is no such version.
        ModelFileError: The version has no model file.
    """
    registry, reference = _addressed(address)
    return registry.file(_found(registry, reference))


def follow_model(address: str, folder: Path) -> Callable[[], Path]:
    """The same, to be asked again and again: a version is fetched once, and kept in a folder.

    Args:
        address: As `fetch_model` takes it.
        folder: Where files are kept, one folder for each version.

    Raises:
        UsageError: The address is of another form.
    """
    registry, reference = _addressed(address)

    def current() -> Path:
        version = _found(registry, reference)
        kept = folder / registry.name / version / "model.onnx"
        if not kept.is_file():
            with atomic_output(kept, overwrite=True) as draft:
                shutil.copyfile(registry.file(version), draft)
        return kept

    return current


def _addressed(address: str) -> tuple[Registry, str]:
    """Registry and version or alias of an address."""
    name, separator, reference = address.removeprefix(_SCHEME).replace("@", "/", 1).partition("/")
    if not (address.startswith(_SCHEME) and separator and name and reference):
        raise UsageError(f"'{address}' names no registered model; write models:/NAME@ALIAS or models:/NAME/VERSION.")
    return Registry(os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_URI), name), reference


def _found(registry: Registry, reference: str) -> str:
    """The version that a reference means now."""
    version = registry.find(reference)
    if version is None:
        raise UsageError(
            f"{registry.uri} has no model '{registry.name}' with version or alias '{reference}'; another registry is "
            "named by MLFLOW_TRACKING_URI."
        )
    return version
