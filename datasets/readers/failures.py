"""One kind of error for whatever a damaged file makes a library raise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ionfront.core import IonFrontError, MissingExtraError, MovieError

__all__ = ["reading"]


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn any failure inside into a MovieError that names the file and what it was read as."""
    try:
        yield
    except MovieError as error:
        raise error if str(path) in str(error) else MovieError(f"{path}: {error}") from error
    except IonFrontError:
        raise
    except ImportError as error:
        raise MissingExtraError(
            f'{path} needs a library that is not installed ({error}): pip install "ionfront[formats]".'
        ) from error
    except Exception as error:  # file libraries raise anything at all on damaged bytes
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
        raise MovieError(
            f"{path} cannot be read as {what} ({reason}). It may be cut short, damaged or named wrongly: "
            "open it in the program that wrote it and save it again."
        ) from error
