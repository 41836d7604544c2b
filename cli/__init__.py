"""The `ionfront` command: thin and typed, every command one call into a room below."""

from .app import main

__all__ = ["main"]
