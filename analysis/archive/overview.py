"""index.html: what an archive holds, in figures and tables, with a way to the report of every run."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from ionfront.core import atomic_output

from ..page import rendered
from ..plots import svg_data_uri
from ..plots_archive import laws_by_size, reaction_name, speeds_by_reaction, speeds_by_size
from ..report_pictures import Picture
from ..wording import format_quantity
from .questions import answer, fronts_of
from .table import read_table

__all__ = ["write_overview"]


@dataclass(frozen=True)
class _Line:
    """A run as the page lists it."""

    name: str
    source: str
    report: str
    reacts: str
    speed: str
    law: str
    warnings: int


def write_overview(folder: Path) -> Path:
    """Write index.html into an archive, by its table."""
    table = read_table(folder).to_pandas()
    path = folder / "index.html"
    with atomic_output(path, overwrite=True) as draft:
        draft.write_text(_page(folder.name, table), encoding="utf-8")
    return path


def _page(name: str, table: pd.DataFrame) -> str:
    fronts, means, failed = fronts_of(table), answer(table, "speeds"), answer(table, "failures")
    measured = table[table["error"] == ""]
    return rendered(
        "archive.html",
        title=name,
        version=version("ionfront"),
        warnings=[f"{len(failed)} runs have no results; why is said below."] if len(failed) else [],
        summary=_sentences(table, measured, fronts),
        pictures=_pictures(fronts, means, answer(table, "laws")) if len(fronts) else [],
        speeds=[
            {
                "name": reaction_name(row),
                "movies": row["movies"],
                "fronts": row["fronts"],
                "speed": format_quantity(*(row[f"velocity_nm_s{end}"] for end in ("", "_low", "_high"))),
            }
            for row in means.to_dict("records")
        ],
        runs=[_line(rows) for _, rows in measured.groupby("source")],
        outliers=answer(table, "outliers").to_dict("records"),
        failures=failed.to_dict("records"),
    )


def _sentences(table: pd.DataFrame, measured: pd.DataFrame, fronts: pd.DataFrame) -> list[str]:
    runs, movies = table["source"].nunique(), measured["key"].nunique()
    still = measured.loc[measured["particle"].isna(), "key"].nunique()
    hosts = ", ".join(sorted(set(fronts["host"]) - {""})) or "hosts that nobody named"
    return [
        f"{runs} runs, {movies} different movies measured, {still} of them without a reaction.",
        f"{len(fronts)} fronts with a speed in nm/s, in {hosts}.",
    ]


def _pictures(fronts: pd.DataFrame, means: pd.DataFrame, laws: pd.DataFrame) -> list[Picture]:
    found = [
        Picture(
            svg_data_uri(speeds_by_reaction(fronts, means)),
            "Speeds of all fronts by reaction, with means.",
            "Dots: fronts, blue in insertion. Diamonds: means over all that could have been filmed, with 95 %.",
            "speeds",
        ),
        Picture(
            svg_data_uri(speeds_by_size(fronts)),
            "Speeds of all fronts against the size of their particle.",
            "Diameter of a disc with the particle's area.",
            "sizes",
        ),
    ]
    if len(laws):
        words = "Mean probability of each rate law, in thirds of the particles by size."
        found.append(Picture(svg_data_uri(laws_by_size(laws)), words, words, "laws"))
    return found


def _line(rows: pd.DataFrame) -> _Line:
    first = rows.iloc[0]
    source = str(first["source"])
    quick = rows.sort_values("velocity_nm_s", ascending=False, na_position="last").iloc[0]
    ends = [float(quick[f"velocity_nm_s{end}"]) for end in ("", "_low", "_high")]
    reacts = "" if pd.isna(first["host"]) else f"{first['host']} + {first['ion']}"
    return _Line(
        name="/".join(source.rstrip("/").split("/")[-2:]),
        source=source,
        report=f"{first['results']}/report.html",
        reacts=reacts,
        speed="" if pd.isna(ends[0]) else format_quantity(*ends),
        law="" if pd.isna(quick["law"]) else str(quick["law"]).replace("_", "-"),
        warnings=len(str(first["warnings"]).splitlines()) if first["warnings"] else 0,
    )
