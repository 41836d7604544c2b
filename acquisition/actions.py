"""What rules do: callables by name, done once for each decision beside the frames, and what came of each noted."""

import json
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ionfront.core import UsageError

from .triggers import Decision, Rule

__all__ = ["Action", "Actions", "webhook"]

Action = Callable[[Decision], None]


class Actions:
    """Does what decisions say, one after another, in a thread of its own; one that fails stops nothing else.

    Args:
        named: What is done, by name.
        note: Told of each when it is over: `rule`, `action`, and `error`, empty where it went well.
    """

    def __init__(self, named: Mapping[str, Action], note: Callable[[dict[str, Any]], None] = lambda done: None) -> None:
        self._named, self._note = dict(named), note
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="actions")

    def check(self, rules: Iterable[Rule]) -> None:
        """Refuse rules that name what there is not.

        Raises:
            UsageError: One does.
        """
        for rule in rules:
            if unknown := [name for name in rule.actions if name not in self._named]:
                known = ", ".join(self._named) or "none"
                raise UsageError(f"rule {rule.name} names the actions {unknown}; there are: {known}.")

    def __call__(self, decision: Decision) -> None:
        """Begin what a decision says; nothing where it is a dry run."""
        if not decision.dry_run:
            for name in decision.actions:
                self._pool.submit(self._do, name, decision)

    def close(self) -> None:
        """Wait for what was begun."""
        self._pool.shutdown()

    def _do(self, name: str, decision: Decision) -> None:
        error = ""
        try:
            self._named[name](decision)
        except Exception as caught:  # an action is somebody else's code
            error = f"{type(caught).__name__}: {caught}"
        self._note({"rule": decision.rule, "action": name, "error": error})


def webhook(url: str, timeout_s: float = 5.0) -> Action:
    """An action that sends the decision as JSON (POST) to an address.

    Args:
        url: http:// or https://.
        timeout_s: How long to wait for its answer.

    Raises:
        UsageError: An address of another kind.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url!r} is no address of a webhook; http:// or https:// is needed.")

    def send(decision: Decision) -> None:
        body = json.dumps(decision.record()).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout_s):
            pass

    return send
