"""From a movie on disk to a report: the offline pipeline."""

from .compare_report import Compared, compare
from .comparison import Run, read_run
from .measure import Progress
from .pipeline import Analysis, analyze, fronts_of_labels
from .report_words import summary_sentences
from .segment import segment
from .suggest import Suggestion, suggest

__all__ = [
    "Analysis",
    "Compared",
    "Progress",
    "Run",
    "Suggestion",
    "analyze",
    "compare",
    "fronts_of_labels",
    "read_run",
    "segment",
    "suggest",
    "summary_sentences",
]
