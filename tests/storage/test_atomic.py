"""Files and folders appear complete or not at all."""

import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from molgraph.errors import InputError
from molgraph.storage.atomic import atomic_folder, atomic_path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")


def write_and_raise(context, name, error):
    """Start to write a file inside an atomic context, then fail."""
    with context as temporary:
        (temporary / name if name else temporary).write_text("half")
        raise error


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let the system refuse to write longer files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_appears_only_at_the_end(tmp_path):
    target = tmp_path / "hits.csv.gz"
    target.write_text("old")
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.name.endswith("hits.csv.gz")
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["hits.csv.gz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_file_leaves_the_old_one(tmp_path, error):
    target = tmp_path / "hits.csv"
    target.write_text("old")
    with pytest.raises(error):
        write_and_raise(atomic_path(target), "", error)
    assert names(tmp_path) == ["hits.csv"]
    assert target.read_text() == "old"


def test_a_new_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("x")
    assert stat.S_IMODE((tmp_path / "atomic").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "there" / "real.csv")
    with atomic_path(link) as temporary:
        temporary.write_text("x")
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.csv").read_text() == "x"


def test_a_missing_folder_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"folder .*nowhere does not exist; make it first$"):
        atomic_path(tmp_path / "nowhere" / "hits.csv").__enter__()
    with pytest.raises(InputError, match=r"folder .*nowhere does not exist; make it first$"):
        atomic_folder(tmp_path / "nowhere" / "model").__enter__()


@pytest.mark.parametrize("target", ["/dev/null", "."])
def test_devices_and_folders_are_refused(target):
    with pytest.raises(InputError, match="not an ordinary file"):
        atomic_path(target).__enter__()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_denied_permission_is_one_clear_line(tmp_path, monkeypatch):
    def denied(self, *, exist_ok):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(InputError, match=r"hits.csv: cannot be written \(Permission denied\); check"):
        atomic_path(tmp_path / "hits.csv").__enter__()


def test_a_full_disk_is_one_clear_line(tmp_path):
    target = tmp_path / "hits.csv"
    with (
        pytest.raises(InputError, match=r"hits.csv: .*no space left in .*; free some"),
        largest_file(1000),
        atomic_path(target) as temporary,
    ):
        temporary.write_bytes(bytes(5000))
    folder = tmp_path / "model"
    with (
        pytest.raises(InputError, match=r"model: .*no space left in .*; free some"),
        largest_file(1000),
        atomic_folder(folder) as temporary,
    ):
        (temporary / "weights").write_bytes(bytes(5000))
    assert names(tmp_path) == []


def test_other_errors_of_the_body_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "hits.csv"):
        (tmp_path / "input that is not there").read_text()
    assert names(tmp_path) == []


def test_a_folder_appears_only_at_the_end(tmp_path):
    target = tmp_path / "model"
    with atomic_folder(target) as folder:
        (folder / "members").mkdir()
        (folder / "members" / "0").write_text("weights")
        assert not target.exists()
    assert (target / "members" / "0").read_text() == "weights"
    assert names(tmp_path) == ["model"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "model").mkdir()
    with atomic_folder(tmp_path / "model") as folder:
        (folder / "card").write_text("x")
    assert names(tmp_path / "model") == ["card"]


def test_a_full_folder_is_refused_or_replaced(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(InputError, match="exists and is not empty; give another"):
        atomic_folder(target).__enter__()
    with atomic_folder(target, replaces=["old", "new"]) as folder:
        (folder / "new").write_text("new")
        assert names(target) == ["old"]
    assert names(target) == ["new"]
    assert names(tmp_path) == ["model"]


def test_foreign_files_in_a_folder_are_never_deleted(tmp_path):
    target = tmp_path / "model"
    for name in ("old", ".DS_Store", ".tmp-0a1b-old"):  # the last two are nobody's work
        write(target / name)
    with atomic_folder(target, replaces=["o*", "n?w"]) as folder:
        (folder / "new").write_text("new")
    for name in ("assay.csv", "thesis.tex", "data", "notes", "old"):
        write(target / name)
    before = names(target)
    with pytest.raises(
        InputError, match=r"model: to replace the folder would delete assay\.csv, data, notes and 1 more"
    ):
        atomic_folder(target, replaces=["o*", "n?w"]).__enter__()
    assert names(target) == before


def test_foreign_files_added_in_the_meantime_are_never_deleted(tmp_path):
    target = tmp_path / "model"
    context = atomic_folder(target, replaces=["new"])
    write(context.__enter__() / "new")
    write(target / "thesis.tex")
    with pytest.raises(InputError, match=r"would delete thesis\.tex"):
        context.__exit__(None, None, None)
    assert names(target) == ["thesis.tex"]
    assert names(tmp_path) == ["model"]


def test_a_folder_that_was_filled_in_the_meantime_is_kept(tmp_path):
    target = tmp_path / "model"
    context = atomic_folder(target)
    (context.__enter__() / "mine").write_text("x")
    target.mkdir()
    (target / "other").write_text("x")
    with pytest.raises(InputError, match="exists and is not empty"):
        context.__exit__(None, None, None)
    assert names(target) == ["other"]
    assert names(tmp_path) == ["model"]


def test_a_file_of_the_folder_name_is_refused(tmp_path):
    (tmp_path / "model").write_text("x")
    with pytest.raises(InputError, match="a file of that name exists"):
        atomic_folder(tmp_path / "model", replaces=["old", "new"]).__enter__()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_the_old_one(tmp_path, error):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(error):
        write_and_raise(atomic_folder(target, replaces=["old", "new"]), "half", error)
    assert names(tmp_path) == ["model"]
    assert names(target) == ["old"]


def test_an_interrupt_between_the_two_renames_restores_the_old_folder(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    rename = Path.rename
    calls = []

    def interrupted(self, to):
        calls.append(self.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, to)

    context = atomic_folder(target, replaces=["old", "new"])
    (context.__enter__() / "new").write_text("new")
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        context.__exit__(None, None, None)
    assert names(tmp_path) == ["model"]
    assert names(target) == ["old"]
