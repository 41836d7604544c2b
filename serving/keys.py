"""API keys: shown once, kept as digests, checked in constant time."""

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Sequence
from typing import Literal, get_args

from .store import DATABASE_AWAY, Key, Store

__all__ = ["SCOPES", "KeyRing", "Scope"]

Scope = Literal["infer", "movies"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_PREFIX = "ionfront"
_SECRET_BYTES = 32
_REMEMBERED_S = 10.0
_TRUSTED_S = 1800.0
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


class KeyRing:
    """Keys in a store.

    A key is `ionfront_ID_SECRET`. The secret has 256 random bits, so that a plain digest of it cannot be turned back.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, Key | None]] = {}

    def add(self, name: str, scopes: Sequence[Scope]) -> str:
        """A new key; this is the only time that it is told."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        key = Key(
            id=secrets.token_hex(6), created_s=time.time(), name=name, digest=_digest(secret), scopes=",".join(scopes)
        )
        self._store.add_key(key)
        return f"{_PREFIX}_{key.id}_{secret}"

    def scopes(self, told: str) -> tuple[str, ...] | None:
        """What a key is good for; None where it is none, or was revoked."""
        prefix, _, rest = told.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._key(key_id) if prefix == _PREFIX else None
        right = hmac.compare_digest(_digest(secret), _NOBODY if key is None else key.digest)
        return tuple(key.scopes.split(",")) if right and key is not None else None

    def _key(self, key_id: str) -> Key | None:
        """From memory where it was asked for a moment ago: a revoked key is good for ten more seconds.

        While the database is away, one that was good lately stays so: an experiment goes on.
        """
        now = time.monotonic()
        asked, key = self._known.get(key_id, (-math.inf, None))
        if now - asked > _REMEMBERED_S:
            try:
                key = self._store.key(key_id)
            except DATABASE_AWAY:
                if now - asked > _TRUSTED_S:
                    raise
            else:
                if key is not None:
                    self._known[key_id] = (now, key)
        return None if key is None or key.revoked else key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
