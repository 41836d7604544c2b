"""Each content is measured once, with a model and settings; a poisoned file fails alone; nothing finished is lost."""

import errno
import json
import shutil

import numpy as np
import pytest

from ionfront.analysis.archive import Archive, NoRoomError, OneByOne, Settings, batch, jobs, runs_of, write_table
from ionfront.analysis.archive.content import content_of
from ionfront.analysis.archive.jobs import Measure, Outcome
from ionfront.core import ModelFileError, UsageError


class Counting(OneByOne):
    """Notes which movies are measured."""

    def __init__(self):
        super().__init__()
        self.measured = []

    def submit(self, job):
        if isinstance(job, Measure):
            self.measured.append(job.run.name)
        super().submit(job)


@pytest.fixture
def measure(archive, model, settings, about):
    """Measures sources; what came of it, and which movies were really measured."""

    def measure(*sources, settings=settings, model=model, workers=None, **more):
        workers = workers or Counting()
        done = batch(archive, runs_of([str(source) for source in sources], about), model, settings, workers, **more)
        return done, getattr(workers, "measured", [])

    return measure


def test_the_same_content_is_measured_once_and_a_poisoned_file_fails_alone(measure, movies, archive):
    done, measured = measure(movies)
    assert sorted(measured) == ["first.npy", "poisoned.tif", "second.npy"]
    assert (done.measured, done.known) == (2, 1)
    assert list(done.failed) == [str(movies / "poisoned.tif")]
    assert "holds no image" in done.failed[str(movies / "poisoned.tif")]
    first, same = (next(e for e in archive.entries() if e.run.name == name) for name in ("first.npy", "the same.npy"))
    assert archive.place(first.key) == archive.place(same.key)
    kinetics = json.loads((archive.place(first.key) / "kinetics.json").read_text())
    assert kinetics["cycles"][0]["transitions"][0]["law"] == "linear"
    assert kinetics["source"] in (first.run.source, same.run.source)


def test_what_is_known_is_not_measured_again_and_what_failed_only_if_asked(measure, quick, movies):
    measure(movies)
    done, measured = measure(movies)
    assert measured == []
    assert (done.measured, done.known, len(done.failed)) == (0, 3, 1)
    _, measured = measure(movies, again=True)
    assert measured == ["poisoned.tif"]
    (movies / "moved").mkdir()
    (movies / "second.npy").rename(movies / "moved" / "other name.npy")
    done, measured = measure(movies / "moved")
    assert measured == []
    assert done.known == 1


def test_what_changes_is_measured_anew(measure, quick, movies, grey, comparing_onnx, archive, settings, about):
    measure(movies / "first.npy")
    np.save(movies / "first.npy", grey[:-1])
    _, measured = measure(movies / "first.npy")
    assert measured == ["first.npy"]
    about["pixel_size_nm"] = 0.25
    _, measured = measure(movies / "first.npy")
    assert measured == ["first.npy"]
    _, measured = measure(movies / "first.npy", settings=Settings(settings.model, binning=2))
    assert measured == ["first.npy"]
    other = archive.keep_model(comparing_onnx)
    _, measured = measure(movies / "first.npy", settings=Settings(other.stem), model=other)
    assert measured == ["first.npy"]


def test_a_movie_that_is_gone_is_told_of_and_looked_for_the_next_time(measure, quick, movies, tmp_path):
    table = movies / "runs.csv"
    table.write_text("source\nfirst.npy\nlate.npy\n")
    done, _ = measure(table)
    assert "No such file" in done.failed[str(movies / "late.npy")]
    (movies / "second.npy").rename(movies / "late.npy")
    done, _ = measure(table)
    assert (done.measured, done.known, done.failed) == (1, 1, {})


def test_a_full_disk_ends_it_and_what_was_measured_is_kept(measure, quick, movies, monkeypatch):
    real, calls = jobs.analyze, []

    def filling(*told, **more):
        calls.append(told)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*told, **more)

    monkeypatch.setattr(jobs, "analyze", filling)
    with pytest.raises(NoRoomError, match="make room"):
        measure(movies / "first.npy", movies / "second.npy")
    monkeypatch.setattr(jobs, "analyze", real)
    done, _ = measure(movies / "first.npy", movies / "second.npy")
    assert (done.measured, done.known) == (1, 1)


@pytest.mark.parametrize(("error", "lasting"), [(OSError(errno.EIO, "I/O error"), False), (ZeroDivisionError(), True)])
def test_errors_of_the_disk_pass_and_those_of_a_movie_do_not(measure, movies, monkeypatch, archive, error, lasting):
    def failing(*told, **more):
        raise error

    monkeypatch.setattr(jobs, "analyze", failing)
    done, _ = measure(movies / "first.npy")
    assert len(done.failed) == 1
    _, measured = measure(movies / "first.npy")
    assert measured == ([] if lasting else ["first.npy"])
    assert list((archive.folder / "results").glob("*/*")) == []


def test_a_poisoned_file_under_two_names_is_tried_once(measure, quick, movies):
    shutil.copy(movies / "poisoned.tif", movies / "poisoned too.tif")
    done, measured = measure(movies / "poisoned.tif", movies / "poisoned too.tif")
    assert len(measured) == 1
    assert len(done.failed) == 2


def test_workers_that_die_with_a_movie_are_no_fault_of_the_archive(measure, quick, movies):
    class Dying(OneByOne):
        def outcomes(self):
            for job, outcome in super().outcomes():
                yield job, Outcome(error="the workers died") if isinstance(job, Measure) else outcome

    done, _ = measure(movies / "first.npy", workers=Dying())
    assert list(done.failed.values()) == ["the workers died"]


def test_an_archive_is_held_by_one_at_a_time_and_drafts_of_the_dead_are_cleared(tmp_path):
    archive = Archive(tmp_path / "lab")
    draft = archive.folder / "results" / "ab" / ".abcdef-12345678"
    draft.mkdir(parents=True)
    with archive.held():
        assert not draft.exists()
        other = Archive(tmp_path / "lab")
        with pytest.raises(UsageError, match="another `ionfront batch`"), other.held():
            pass
        other.close()
    archive.close()


def test_a_folder_with_something_else_is_no_archive(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="something else"):
        Archive(tmp_path)
    with pytest.raises(UsageError, match="no archive"):
        Archive.existing(tmp_path)


def test_movies_come_from_s3(measure, bucket, archive):
    done, measured = measure(f"{bucket}/2026")
    assert (done.measured, done.known, len(done.failed)) == (2, 1, 1)
    _, measured = measure(f"{bucket}/2026/*.npy")
    assert measured == []
    write_table(archive)
    assert all(entry.run.source.startswith(f"{bucket}/2026/") for entry in archive.entries())


def test_no_room_for_a_copy_is_no_full_archive(measure, bucket, movies, monkeypatch):
    def full(*told, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("s3fs.S3FileSystem._get_file", full)
    done, _ = measure(f"{bucket}/2026/first.npy", movies / "second.npy")
    assert done.measured == 1
    assert "TMPDIR" in done.failed[f"{bucket}/2026/first.npy"]


def test_what_a_lost_worker_had_begun_is_cleared_away(measure, quick, movies, archive, settings, about):
    (run,) = runs_of([str(movies / "first.npy")], about)
    key = settings.key(run, content_of(run.source))
    other = archive.place(f"{key[:2]}other")
    drafts = [archive.place(key).with_name(f".{key}-12345678"), other.with_name(f".{other.name}-12345678")]
    for draft in drafts:
        draft.mkdir(parents=True)
    measure(movies / "first.npy")
    assert [draft.exists() for draft in drafts] == [False, True]


def test_results_are_found_without_the_register(measure, quick, movies, archive, settings, model, about):
    measure(movies / "first.npy")
    register = archive.folder / "archive.sqlite"
    register.write_bytes(b"no database" * 100)
    with pytest.raises(UsageError, match="is damaged"):
        Archive(archive.folder)
    register.unlink()
    anew = Archive(archive.folder)
    done = batch(anew, runs_of([str(movies / "first.npy")], about), model, settings, OneByOne())
    anew.close()
    assert (done.measured, done.known) == (0, 1)


def test_what_cannot_work_is_told_before_anything_is_read(tmp_path, archive, movies):
    for told in ({"binning": 0}, {"average_frames": 4}):
        with pytest.raises(UsageError):
            Settings("model", **told)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(ModelFileError):
        archive.keep_model(tmp_path / "broken.onnx")
    with pytest.raises(UsageError, match="pixel_size_nm is 0"):
        runs_of([str(movies)], {"pixel_size_nm": 0.0})
