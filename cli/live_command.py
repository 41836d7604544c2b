"""The command that follows an experiment while it runs: live."""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from ionfront.acquisition import (
    Action,
    Actions,
    FrameQueue,
    Inline,
    Journal,
    Looks,
    Material,
    RecentFrames,
    Rule,
    Session,
    SessionSettings,
    StoreRecorder,
)
from ionfront.acquisition.adapters import action
from ionfront.acquisition.sources import Source
from ionfront.core import MovieError, OutputExistsError, UsageError
from ionfront.models import Precision, Segmenter, load_segmenter

from .analysis_commands import Binning, FrameTime, PixelSize
from .console import known_name, live_view, say, say_kinetics, warn
from .live_advice import LiveAdvice
from .live_served import ClosedThereError, Measurement, ServedSession, server_client
from .live_source import live_recorder, live_source
from .live_table import live_table
from .model_option import Model

__all__ = ["live_command"]

_FRAMES_PER_LOOK = 10


def live_command(
    source: Annotated[
        str,
        typer.Argument(help="Folder that frames are being written into, a movie to replay, or a stream: docs/live.md."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the measurement, results and all.")] = Path("live"),
    model: Model = None,
    pixel_size_nm: PixelSize = None,
    frame_time_s: FrameTime = None,
    host: Annotated[str | None, typer.Option(help="Host, for forecasts, such as Bi2Te3.")] = None,
    ion: Annotated[str | None, typer.Option(help="Ion, for forecasts: Li, Na or K.")] = None,
    bias_v: Annotated[float, typer.Option(help="Bias against the alkali metal [V].")] = 1.0,
    binning: Binning = 1,
    average_frames: Annotated[int, typer.Option(help="Average so many frames, an odd number, around each.")] = 1,
    skip_unchanged: Annotated[bool, typer.Option("--skip-unchanged", help="Infer only what has changed.")] = False,
    rules: Annotated[Path | None, typer.Option(help="TOML file with rules; docs/live.md has them.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide and say so, but do nothing.")] = False,
    hook: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=URL: rules whose action is NAME send their decision there; or what a PV or camera is set to."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="The file (Zarr, TIFF, MRC) is still being written: take what comes.")
    ] = False,
    speed: Annotated[
        float,
        typer.Option(help="Of a replay, times the movie's own; 0 for no waiting, with a look at every tenth frame."),
    ] = 1.0,
    idle_s: Annotated[float, typer.Option(help="A source without a new frame for so long is done [s].")] = 60.0,
    waiting: Annotated[int, typer.Option(help="How many frames of a stream may wait; then the oldest is let go.")] = 4,
    stop_late: Annotated[bool, typer.Option("--stop-late", help="End it, rather than let a frame go.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="Keep every frame of a stream, also those let go: STORE.ome.zarr.")
    ] = None,
    keep_last_s: Annotated[
        float | None,
        typer.Option(help="Rules whose action is `keep` write so much [s] of a stream into OUT/kept."),
    ] = None,
    precision: Annotated[str, typer.Option(help="Arithmetic on the CPU: f32, or bf16, which is faster.")] = "f32",
    speed_error: Annotated[
        float | None,
        typer.Option(help="Say once a minute what dose still gives the speed of a front to this share of it: 0.2."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Have it measured by `ionfront serve` there (http://…), whose page shows it meanwhile."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="To that server.", envvar="IONFRONT_KEY")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the measurement in the folder.")] = False,
) -> None:
    """Follow fronts while the experiment runs: positions, laws, forecasts and decisions, written as they come."""
    hooks = _hooks(hook or [])
    if server is not None and (model is not None or precision != "f32" or speed_error is not None):
        raise UsageError("the server has a model of its own: leave out --model, --precision and --speed-error.")
    if out.exists() and not resume:
        raise OutputExistsError(f"{out} exists already: choose another --out, or --resume what is in it.")
    asked = _rules(rules)
    recorder = live_recorder(source, record, keep_last_s, go_on=resume)
    queue = FrameQueue(waiting, late="stop" if stop_late else "skip", recorder=recorder, idle_s=idle_s)
    with server_client(server, key) as client, ExitStack() as undone:
        go_on: Callable[[], Measurement]
        begin: Callable[[SessionSettings], Measurement]
        if client is None:
            segmenter = load_segmenter(model, precision=known_name("precision", precision, get_args(Precision)))
            looks = (lambda: Inline(_FRAMES_PER_LOOK)) if speed == 0 else None
            go_on = partial(_gone_on, out, segmenter, looks)
            begin = partial(Session.begin, out, segmenter=segmenter, looks=looks)
        else:
            go_on, begin = partial(ServedSession, client, out), partial(ServedSession.begin, client, out)
        session = go_on() if resume else None
        if session is not None:
            undone.callback(session.leave)
        found = live_source(
            source,
            queue,
            first=0 if session is None else session.passed,
            zero_s=None if session is None else session.settings.zero_s,
            follow=follow,
            pixel_size_nm=pixel_size_nm,
            frame_time_s=frame_time_s,
            speed=speed,
            idle_s=idle_s,
        )
        if recorder is not None:
            recorder.describe(found.pixel_size_nm, found.zero_s)
        actions = _actions(hooks, recorder, out)
        actions.check(asked if session is None else session.settings.rules)
        if session is None:
            settings = SessionSettings(
                name=found.name,
                pixel_size_nm=found.pixel_size_nm,
                material=Material(host, ion, bias_v=bias_v),  # type: ignore[arg-type]
                binning=binning,
                average_frames=average_frames,
                skip_unchanged=skip_unchanged,
                rules=asked,
                dry_run=dry_run,
                zero_s=found.zero_s,
            )
            session = begin(settings)
            undone.callback(session.leave)
        advice = LiveAdvice(session, speed_error) if isinstance(session, Session) and speed_error is not None else None
        try:
            with live_view() as view, _recording(recorder, record):
                _follow(found, session, actions, advice, lambda table: view.update(table, refresh=True))
        except KeyboardInterrupt:
            say("Stopped; measuring what there is.")
        except ClosedThereError:
            say("Closed at the server; fetching what it measured.")
        if advice is not None:
            advice.close()
        why = session.close()
        undone.pop_all()
    actions.close()
    if why:
        raise UsageError(why)
    _summarise(session, out)


def _gone_on(out: Path, segmenter: Segmenter, looks: Callable[[], Looks] | None) -> Session:
    return Session(Journal(out), segmenter, looks)


def _actions(named: dict[str, Action], recorder: StoreRecorder | RecentFrames | None, out: Path) -> Actions:
    if isinstance(recorder, RecentFrames):
        named["keep"] = recorder.keep_in(out / "kept")
    return Actions(named, lambda done: warn(_failed(done)) if done["error"] else None)


@contextmanager
def _recording(recorder: StoreRecorder | RecentFrames | None, path: Path | None) -> Iterator[None]:
    """Ends it, and says what became of the frames."""
    try:
        yield
    finally:
        if isinstance(recorder, StoreRecorder):
            done = recorder.close()
            lost = f"; {done.lost} are lost ({done.last_loss})" if done.lost else ""
            say(f"Recorded {done.kept} frames in {path}{lost}.")


def _follow(
    source: Source, session: Measurement, actions: Actions, advice: LiveAdvice | None, show: Callable[[Table], None]
) -> None:
    """Every frame that comes; one that cannot be used ends nothing."""
    unseen, refusal = 0, ""
    for frame in source.frames:
        missed = frame.missed + unseen
        try:
            answer = session.push(session.frames, frame.image, frame.time_s, dose_e_nm2=frame.dose_e_nm2, missed=missed)
        except (MovieError, UsageError) as error:
            unseen, refusal = missed + 1, str(error)
            continue
        unseen = 0
        if advice is not None:
            advice.see(frame)
        for decision in session.decided:
            actions(decision)
        show(live_table(answer, session.decisions, refusal, "" if advice is None else advice.sentence))


def _rules(path: Path | None) -> tuple[Rule, ...]:
    if path is None:
        return ()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))["rules"]
        return tuple(Rule.read(rule) for rule in told)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path} holds no rules ({error}); docs/live.md shows how they are written.") from error


def _hooks(told: list[str]) -> dict[str, Action]:
    pairs = [one.partition("=") for one in told]
    if wrong := [one for one, (name, separator, _) in zip(told, pairs, strict=True) if not (name and separator)]:
        raise UsageError(f"--hook {wrong[0]} is not of the form NAME=URL, or NAME=pva:PV=VALUE and the like.")
    return {name: action(what) for name, _, what in pairs}


def _failed(done: dict[str, Any]) -> str:
    return f"{done['action']}, for rule {done['rule']}: {done['error']}"


def _summarise(session: Measurement, out: Path) -> None:
    kinetics = json.loads((out / "kinetics.json").read_text(encoding="utf-8"))
    say_kinetics(kinetics)
    for made in session.decisions:
        say(f"  decided: {made['rule']} at {made['time_s']:.4g} s. {made['because']}")
    say(f"Results: {out.resolve()}")
