import pytest

from ionfront.core import OutputExistsError, atomic_output


def write(path, text="new", **kwargs):
    with atomic_output(path, **kwargs) as draft:
        draft.write_text(text)


def write_folder(path, text="new", **kwargs):
    with atomic_output(path, **kwargs) as draft:
        draft.mkdir()
        (draft / "inside").write_text(text)


def write_and_break(path, error=RuntimeError, **kwargs):
    with atomic_output(path, **kwargs) as draft:
        draft.write_text("half")
        raise error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_output_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "a" / "b" / "out.tif"
    with atomic_output(path) as draft:
        draft.write_text("new")
        assert not path.exists()
        assert draft.parent == path.parent
        assert draft.suffix == ".tif"
    assert path.read_text() == "new"
    assert names(path.parent) == ["out.tif"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, error):
    with pytest.raises(error):
        write_and_break(tmp_path / "out", error)
    assert names(tmp_path) == []


def test_a_failure_leaves_the_old_file(tmp_path):
    write(tmp_path / "out", "old")
    with pytest.raises(RuntimeError):
        write_and_break(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_finished_output_is_replaced_only_when_asked(tmp_path):
    write(tmp_path / "out", "old")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "old"
    write(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_folders_are_whole_or_absent(tmp_path):
    write_folder(tmp_path / "out", "old")
    with pytest.raises(OutputExistsError):
        write_folder(tmp_path / "out")
    write_folder(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "inside").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_a_folder_is_not_lost_when_nothing_came_to_replace_it(tmp_path):
    write_folder(tmp_path / "out", "old")
    with pytest.raises(FileNotFoundError), atomic_output(tmp_path / "out", overwrite=True):
        pass
    assert (tmp_path / "out" / "inside").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_two_writers_do_not_share_a_draft(tmp_path):
    with atomic_output(tmp_path / "out") as first, atomic_output(tmp_path / "out", overwrite=True) as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert names(tmp_path) == ["out"]


def test_the_folder_one_stands_in_can_be_replaced(tmp_path, monkeypatch):
    write_folder(tmp_path / "set", "old")
    monkeypatch.chdir(tmp_path / "set")
    write_folder(".", overwrite=True)
    assert (tmp_path / "set" / "inside").read_text() == "new"
