"""The live monitor that sits in an acquisition loop, and its adapters to acquisition software."""

from .aside import Aside, Inline, Looks
from .live import LiveFront
from .look import FrontSeen, Look, Material
from .state import FrontNow, FrontState
from .triggers import CONDITIONS, Condition, Decision, Rule, Triggers

__all__ = [
    "CONDITIONS",
    "Aside",
    "Condition",
    "Decision",
    "FrontNow",
    "FrontSeen",
    "FrontState",
    "Inline",
    "LiveFront",
    "Look",
    "Looks",
    "Material",
    "Rule",
    "Triggers",
]
