"""The live monitor that sits in an acquisition loop, and its adapters to acquisition software."""

from .aside import Aside, Inline, Looks
from .journal import Journal
from .live import LiveFront
from .look import FrontSeen, Look, Material
from .session import RESULT_FILES, Session, SessionSettings
from .state import FrontNow, FrontState
from .triggers import CONDITIONS, Condition, Decision, Rule, Triggers

__all__ = [
    "CONDITIONS",
    "RESULT_FILES",
    "Aside",
    "Condition",
    "Decision",
    "FrontNow",
    "FrontSeen",
    "FrontState",
    "Inline",
    "Journal",
    "LiveFront",
    "Look",
    "Looks",
    "Material",
    "Rule",
    "Session",
    "SessionSettings",
    "Triggers",
]
