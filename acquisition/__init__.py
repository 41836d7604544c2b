"""The live monitor that sits in an acquisition loop, and its adapters to acquisition software."""

from .aside import Aside, Inline, Looks
from .live import LiveFront
from .look import FrontSeen, Look, Material
from .state import FrontNow, FrontState

__all__ = ["Aside", "FrontNow", "FrontSeen", "FrontState", "Inline", "LiveFront", "Look", "Looks", "Material"]
