"""From a movie on disk to a report: the offline pipeline."""

from .measure import Progress
from .pipeline import Analysis, analyze, fronts_of_labels
from .report_words import summary_sentences
from .segment import segment
from .suggest import Suggestion, suggest

__all__ = [
    "Analysis",
    "Progress",
    "Suggestion",
    "analyze",
    "fronts_of_labels",
    "segment",
    "suggest",
    "summary_sentences",
]
