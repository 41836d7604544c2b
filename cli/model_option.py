"""A model on the command line: a file, or one of the registry, which is fetched first."""

from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import MissingExtraError

__all__ = ["Model", "local_model"]


def local_model(model: Path | None) -> Path | None:
    """The file of a model; `models:/NAME@ALIAS` and `models:/NAME/VERSION` are looked up in MLflow's registry."""
    address = "" if model is None else model.as_posix()
    if not address.startswith("models:/"):
        return model
    try:
        from ionfront.training.registry import fetch_model
    except ImportError as error:
        raise MissingExtraError(
            f"{address} is in a model registry, for which {error.name} is missing: pip install 'ionfront[train]'."
        ) from error
    return fetch_model(address)


Model = Annotated[
    Path | None,
    typer.Option(
        help="Model file (.onnx), or models:/NAME@champion of MLflow; the bundled one if not given.",
        callback=local_model,
    ),
]
