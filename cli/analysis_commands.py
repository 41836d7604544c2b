"""Commands that look at movies: demo, analyze, segment, fronts, suggest, compare."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ionfront.analysis import (
    Analysis,
    analyze,
    compare,
    fronts_of_labels,
    read_run,
    segment,
    suggest,
)
from ionfront.core import UsageError
from ionfront.datasets import random_scene, write_synthetic

from .console import frame_progress, say, say_json, say_kinetics, warn
from .model_option import Model

__all__ = [
    "analyze_command",
    "compare_command",
    "demo_command",
    "fronts_command",
    "segment_command",
    "suggest_command",
]

DEMO_SEED = 20_260_001
"""Between the seeds of training (from 0) and of validation (from 1,000,000,000): no model has seen its movie."""

PixelSize = Annotated[float | None, typer.Option(help="Edge of a pixel [nm], in place of the file's.")]
FrameTime = Annotated[float | None, typer.Option(help="Time between frames [s], in place of the file's.")]
Binning = Annotated[
    int, typer.Option(help="Work on means of so many times so many pixels: faster, less noise, coarser.")
]
Log = Annotated[
    Path | None,
    typer.Option(help="Log of the potentiostat: a table with units in its header, BioLogic .mpt or .mpr, Gamry .DTA."),
]
LogOffset = Annotated[float, typer.Option(help="What the movie's clock shows when the log's shows zero [s].")]
FindOffset = Annotated[
    bool,
    typer.Option(
        "--find-log-offset",
        help="Find that offset: the reaction advances as charge passes. The log must cover the movie.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for movie and results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Which reaction to make up.")] = DEMO_SEED,
    overwrite: Overwrite = False,
) -> None:
    """The main job, on a movie made on the spot: synthesise, analyze, report."""
    scene = random_scene(seed, size_px=320, n_frames=60, shape="flake", law="mixed", n_fronts=2)
    movie = write_synthetic(scene, out, "movie", overwrite=overwrite)
    say(f"A synthetic reaction movie, which no model has seen: {movie}")
    with frame_progress("Analyzing frames") as progress:
        run = analyze(movie, out / "results", overwrite=overwrite, progress=progress)
    _summarise(run)
    for front in scene.truth()["fronts"]:
        say(f"  truth: {front['from']}->{front['to']}  {front['law']}  {front['velocity_nm_s']:.4g} nm/s")


def analyze_command(
    movie: Annotated[Path, typer.Argument(help="TIFF, MRC, DM3/DM4, EMD, SER, Zarr, NPY, AVI, MP4, or a folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; MOVIE-ionfront if not given.")] = None,
    model: Model = None,
    pixel_size_nm: PixelSize = None,
    frame_time_s: FrameTime = None,
    average_frames: Annotated[
        int | None,
        typer.Option(
            help="Average so many frames, an odd number, around each; chosen by noise and drift if not given."
        ),
    ] = None,
    binning: Binning = 1,
    skip_unchanged: Annotated[
        bool, typer.Option("--skip-unchanged", help="Infer only what has changed: faster on long, slow movies.")
    ] = False,
    host: Annotated[str, typer.Option(help="Host material, for the record, e.g. Bi2Te3.")] = "",
    ion: Annotated[str, typer.Option(help="Ion that reacts with it, e.g. Na.")] = "",
    log: Log = None,
    log_offset_s: LogOffset = 0.0,
    find_log_offset: FindOffset = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """A movie in, reaction kinetics out: report.html, kinetics.json, fronts.csv, labels.zarr, arrival.tif and more."""
    out = out or Path(f"{movie.name.split('.')[0]}-ionfront")
    with frame_progress("Analyzing frames") as progress:
        run = analyze(
            movie,
            out,
            model=model,
            pixel_size_nm=pixel_size_nm,
            frame_time_s=frame_time_s,
            average_frames=average_frames,
            binning=binning,
            skip_unchanged=skip_unchanged,
            material=_material(host, ion),
            log=log,
            log_offset_s=None if find_log_offset else log_offset_s,
            overwrite=overwrite,
            progress=progress,
        )
    say_json(run.kinetics) if as_json else _summarise(run)


def segment_command(
    source: Annotated[Path, typer.Argument(help="Image, movie, folder of images, or labelled data set.")],
    out: Annotated[Path, typer.Option(help="Label image, folder of label images, or .zarr for a movie.")],
    model: Model = None,
    probabilities: Annotated[bool, typer.Option(help="Also write the probability of each phase.")] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Label every pixel with its phase."""
    with frame_progress("Segmenting frames") as progress:
        count = segment(source, out, model=model, probabilities=probabilities, overwrite=overwrite, progress=progress)
    say_json({"frames": count, "out": str(out)}) if as_json else say(f"{count} frames labelled: {out}")


def fronts_command(
    labels: Annotated[Path, typer.Argument(help="Label movie: OME-Zarr, TIFF stack, NPY or folder of label images.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; LABELS-fronts if not given.")] = None,
    phases: Annotated[str, typer.Option(help="Phase names by label id, e.g. background,pristine,converted.")] = "",
    order: Annotated[str, typer.Option(help="Phases in the order of the reaction, e.g. pristine,converted.")] = "",
    pixel_size_nm: PixelSize = None,
    frame_time_s: FrameTime = None,
    host: Annotated[str, typer.Option(help="Host material, for the record.")] = "",
    ion: Annotated[str, typer.Option(help="Ion that reacts with it.")] = "",
    log: Log = None,
    log_offset_s: LogOffset = 0.0,
    find_log_offset: FindOffset = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Kinetics of a label movie made by any tool."""
    out = out or Path(f"{labels.name.split('.')[0]}-fronts")
    with frame_progress("Following fronts") as progress:
        run = fronts_of_labels(
            labels,
            out,
            phases=_names(phases),
            reaction_order=_names(order),
            pixel_size_nm=pixel_size_nm,
            frame_time_s=frame_time_s,
            material=_material(host, ion),
            log=log,
            log_offset_s=None if find_log_offset else log_offset_s,
            overwrite=overwrite,
            progress=progress,
        )
    say_json(run.kinetics) if as_json else _summarise(run)


def compare_command(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders that analyze or fronts wrote; the first side comes first.")
    ],
    side: Annotated[
        list[str] | None,
        typer.Option(help="What a run is a repeat of, once for each run; its ion and host if not given."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for compare.html and compare.json.")] = Path("comparison"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Li against Na against K: repeats pooled, ratios of speed, exponent and completed fraction with intervals."""
    sides = side or [""] * len(runs)
    if len(sides) != len(runs):
        raise UsageError(f"--side was given {len(sides)} times for {len(runs)} runs; give it once for each, in order.")
    found = compare([read_run(run, name) for run, name in zip(runs, sides, strict=True)], out, overwrite=overwrite)
    if as_json:
        say_json(found.record)
        return
    for sentence in found.sentences:
        say(sentence)
    for warning in found.record["warnings"]:
        warn(warning)
    say(str(out / "compare.html"))


def suggest_command(
    movie: Annotated[Path, typer.Argument(help="TIFF, MRC, DM3/DM4, EMD, SER, Zarr, NPY, AVI, MP4, or a folder.")],
    model: Model = None,
    count: Annotated[int, typer.Option(min=1, help="How many frames.")] = 5,
    data: Annotated[Path | None, typer.Option(help="Labelled data set, whose frames are not named again.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the frames and the model's labels of them, to be corrected.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """The frames of a movie that are most worth labelling next: the model is unsure of them, and they differ."""
    with frame_progress("Looking at frames") as progress:
        found = suggest(movie, count, model=model, data=data, out=out, overwrite=overwrite, progress=progress)
    if as_json:
        say_json([asdict(item) | {"why": item.why} for item in found])
        return
    for item in found:
        say(f"frame {item.frame}  at {item.time:g} {item.time_unit}  {item.why}")
    if out is not None:
        say(f"Frames and the model's labels, to be corrected: {out}")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    if "" in names:
        raise UsageError(f"'{text}' has an empty name; give names with single commas between them.")
    return names


def _material(host: str, ion: str) -> dict[str, str]:
    return {key: value for key, value in (("host", host), ("ion", ion)) if value}


def _summarise(run: Analysis) -> None:
    """Every warning, what was found in words, and where the report is."""
    say_kinetics(run.kinetics)
    say(f"Report: {run.report.resolve()}")
