"""The live monitor that sits in an acquisition loop, and its adapters to acquisition software."""

from .actions import Action, Actions, webhook
from .advice import Advice, DoseAdvisor, Option
from .aside import Aside, Inline, Looks
from .frames import Frame, FrameQueue, Recorder
from .journal import Journal
from .live import LiveFront
from .look import FrontSeen, Look, Material
from .monitor import Counts, Monitor
from .nexus import write_nexus
from .nexus_facts import NexusFacts, read_facts
from .recent import RecentFrames
from .recorder import Recorded, StoreRecorder
from .session import RESULT_FILES, Session, SessionSettings
from .state import FrontNow, FrontState
from .triggers import CONDITIONS, Condition, Decision, Rule, Triggers

__all__ = [
    "CONDITIONS",
    "RESULT_FILES",
    "Action",
    "Actions",
    "Advice",
    "Aside",
    "Condition",
    "Counts",
    "Decision",
    "DoseAdvisor",
    "Frame",
    "FrameQueue",
    "FrontNow",
    "FrontSeen",
    "FrontState",
    "Inline",
    "Journal",
    "LiveFront",
    "Look",
    "Looks",
    "Material",
    "Monitor",
    "NexusFacts",
    "Option",
    "RecentFrames",
    "Recorded",
    "Recorder",
    "Rule",
    "Session",
    "SessionSettings",
    "StoreRecorder",
    "Triggers",
    "read_facts",
    "webhook",
    "write_nexus",
]
