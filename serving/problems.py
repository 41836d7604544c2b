"""What goes wrong, as clients are told: a JSON problem body (problem details, RFC 9457)."""

from collections.abc import Mapping
from typing import Any

from ionfront.core import IonFrontError

__all__ = ["MEDIA_TYPE", "RequestError"]

MEDIA_TYPE = "application/problem+json"


class RequestError(IonFrontError):
    """An answer that is not what was asked for.

    Attributes:
        status: Of HTTP.
        title: What kind of problem, the same each time.
        detail: What was seen, what was needed, what to do next.
        headers: To send along, such as Retry-After.
    """

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return RequestError, (self.status, self.title, self.detail, self.headers)

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON."""
        return {"status": self.status, "title": self.title, "detail": self.detail, "request_id": request_id}
