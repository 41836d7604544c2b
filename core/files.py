"""Outputs that are whole or absent: written beside their place and renamed when done."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputExistsError

__all__ = ["atomic_output"]


@contextmanager
def atomic_output(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes its place, on any failure it is removed.

    Works for files and for folders (a Zarr store).

    Raises:
        OutputExistsError: `path` exists and `overwrite` was not asked for.
    """
    path = Path(os.path.abspath(path))  # "." has no name to put a draft beside
    if path.exists() and not overwrite:
        raise OutputExistsError(
            f"{path} exists already; finished results are never overwritten unasked. "
            "Choose another output, or say --overwrite."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield draft
        _replace(draft, path)
    finally:
        _remove(draft)


def _replace(draft: Path, path: Path) -> None:
    if not path.is_dir():
        os.replace(draft, path)
        return
    # A folder cannot be replaced in one step: the old one steps aside, and comes back if the new one cannot come.
    aside = draft.with_name(f"{draft.name}.old")
    os.replace(path, aside)
    try:
        os.replace(draft, path)
    except BaseException:
        os.replace(aside, path)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
