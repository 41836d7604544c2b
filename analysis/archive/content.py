"""What a movie holds, as a digest: the same content is known wherever it lies, and one that was changed is not."""

import errno
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ionfront.core import UsageError

from .runs import is_address

__all__ = ["NO_ROOM", "content_of", "fetched_into", "stamp_of"]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What a system says where a disk is full."""

_DIGESTS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5")  # as S3, HTTP, Azure and Google have them
_TIMES = ("mtime", "LastModified", "Last-Modified", "last_modified", "updated", "modify", "created")


def stamp_of(source: str) -> str:
    """Changes when a movie is written to: sizes and times of its files, or what a server says of them; quick.

    Raises:
        OSError: It is not there.
    """
    if is_address(source):
        return _digest(sorted((name, str(mark)) for name, mark in _marks(source)))
    files = _files(Path(source))
    return _digest([(name, (stat := file.stat()).st_size, stat.st_mtime_ns) for name, file in files])


def content_of(source: str) -> str:
    """SHA-256 of all that a movie holds, which is read for it; from elsewhere what its server says of its content.

    Raises:
        OSError: It cannot be read.
    """
    if is_address(source):
        return stamp_of(source)
    return _digest([(name, _sha256(file)) for name, file in _files(Path(source))])


def fetched_into(source: str, folder: Path) -> Path:
    """A copy of what lies elsewhere.

    Raises:
        OSError: It cannot be fetched.
        UsageError: There is no room for it.
    """
    import fsspec

    system, path = fsspec.core.url_to_fs(source)
    target: Path = folder / path.rstrip("/").rsplit("/", 1)[-1]
    try:
        system.get(path, str(target), recursive=bool(system.isdir(path)))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UsageError(
            f"there is no room for it in {folder.parent} of its worker: have TMPDIR name a larger disk there."
        ) from error
    return target


def _files(path: Path) -> list[tuple[str, Path]]:
    """Names within the movie, and files; of a file by itself only the format counts: it may be called anything."""
    if path.is_file():
        return [(path.suffix.lower(), path)]
    if not path.is_dir():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())


def _marks(source: str) -> Iterator[tuple[str, Any]]:
    import fsspec

    system, path = fsspec.core.url_to_fs(source)
    if not system.isdir(path):
        yield Path(path).suffix.lower(), _mark(system.info(path), source)
        return
    for name, info in system.find(path, detail=True).items():
        yield name[len(path) :].lstrip("/"), _mark(info, source)


def _mark(info: dict[str, Any], address: str) -> list[Any]:
    """A digest of the content where a server has one; else size, time and address, so that no two are taken for one."""
    digest = next((info[name] for name in _DIGESTS if info.get(name)), None)
    if digest is not None:
        return [info["size"], digest]
    return [info["size"], *(str(info[name]) for name in _TIMES if info.get(name)), address]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
