"""Archives: thousands of movies, many workers, one table. Needs the extra `archive`."""

from .batch import Done, OneByOne, Workers, batch
from .overview import write_overview
from .questions import QUESTIONS, Question, answer, sql
from .runs import Run, runs_of
from .store import Archive, Entry, NoRoomError, Settings
from .table import COLUMNS, TIME_STAMPS, read_table, rows_alike, write_table

__all__ = [
    "COLUMNS",
    "QUESTIONS",
    "TIME_STAMPS",
    "Archive",
    "Done",
    "Entry",
    "NoRoomError",
    "OneByOne",
    "Question",
    "Run",
    "Settings",
    "Workers",
    "answer",
    "batch",
    "read_table",
    "rows_alike",
    "runs_of",
    "sql",
    "write_overview",
    "write_table",
]
