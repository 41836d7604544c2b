"""Bluesky: fronts as a device that runs read, frames out of a run's documents, and a plan that follows a front."""

from .device import FrontDevice
from .documents import FrameDocuments
from .movie import MovieDetector
from .plan import follow_front, prepared

__all__ = ["FrameDocuments", "FrontDevice", "MovieDetector", "follow_front", "prepared"]
