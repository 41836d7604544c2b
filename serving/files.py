"""Uploads and results: a folder, or anything that fsspec speaks to, such as s3://BUCKET/PREFIX."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import fsspec

__all__ = ["FileStore"]

_KEY = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)*")
_CHUNK = 2**20


class FileStore:
    """Files by key, such as `results/ID/report.html`.

    Args:
        url: A folder, or an address of fsspec.
        options: Of the file system, such as an endpoint; secrets come from the environment.
    """

    def __init__(self, url: str, options: dict[str, Any] | None = None) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url, **(options or {}))
        self._fs.makedirs(self._root, exist_ok=True)

    def put_tree(self, folder: Path, key: str) -> None:
        """Copy a folder, and what is in it, to be found under a key."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(path, f"{key}/{path.relative_to(folder).as_posix()}")

    def put(self, path: Path, key: str) -> None:
        """Copy a file; it is there whole or not at all."""
        target = self._path(key)
        self._fs.makedirs(posixpath.dirname(target), exist_ok=True)
        self._fs.put_file(str(path), f"{target}.part")
        self._fs.mv(f"{target}.part", target)

    def get(self, key: str, path: Path) -> None:
        """Copy a file back."""
        self._fs.get_file(self._path(key), str(path))

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        return _KEY.fullmatch(key) is not None and bool(self._fs.isfile(self._path(key)))

    def size(self, key: str) -> int:
        """Bytes of a file."""
        return int(self._fs.size(self._path(key)))

    def chunks(self, key: str) -> Iterator[bytes]:
        """A file, piece by piece."""
        with self._fs.open(self._path(key), "rb") as stream:
            while chunk := cast("IO[bytes]", stream).read(_CHUNK):
                yield chunk

    def names(self, key: str) -> list[str]:
        """Files directly under a key, without folders."""
        if not self._fs.isdir(self._path(key)):
            return []
        found = self._fs.ls(self._path(key), detail=True)
        return sorted(posixpath.basename(entry["name"]) for entry in found if entry["type"] == "file")

    def remove(self, key: str) -> None:
        """Delete a file or a tree, if it is there."""
        if self._fs.exists(self._path(key)):
            self._fs.rm(self._path(key), recursive=True)

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key) or ".." in key.split("/"):
            raise ValueError(f"{key!r} is no key")
        return f"{self._root.rstrip('/')}/{key}"
