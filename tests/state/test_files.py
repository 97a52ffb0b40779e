from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.files import ClassTotals, FileClass, FileRecord, NodeKind
from gatewaydoctor.state.history.files import DirectoryIndex, list_files, totals
from gatewaydoctor.system.fs import FileStat, OsReadFs

if TYPE_CHECKING:
    from collections.abc import Iterator

STAMP = "2026-03-20T10-11-12.345Z"
STAMP_MS = 1774001472345


def test_a_directory_is_listed_with_classes_sizes_and_ages(tmp_path: Path) -> None:
    for name, size, mtime in (
        ("sessions.json", 2, 1000),
        ("a.jsonl", 10, 2000),
        ("b.jsonl", 5, 3000),
        (f"c.jsonl.deleted.{STAMP}", 7, 4000),
        ("x.jsonl.deleted.2026-13-31T10-11-12Z", 1, 5000),
    ):
        (tmp_path / name).write_bytes(b"x" * size)
        os.utime(tmp_path / name, (mtime / 1000, mtime / 1000))
    (tmp_path / "skills-prompts").mkdir()
    (tmp_path / "d.jsonl").symlink_to("a.jsonl")
    listing = list_files(OsReadFs(), tmp_path)
    assert listing.problem is None
    by_name = {record.name: record for record in listing.files}
    assert by_name["a.jsonl"] == FileRecord("a.jsonl", FileClass.TRANSCRIPT, 10, 2000, None, NodeKind.FILE, 1)
    assert by_name["d.jsonl"].node is NodeKind.SYMLINK
    assert by_name["skills-prompts"].node is NodeKind.DIRECTORY
    # An archive is as old as its name says; where the name says nothing sensible, as its mtime says.
    assert by_name[f"c.jsonl.deleted.{STAMP}"].at == STAMP_MS
    assert by_name["x.jsonl.deleted.2026-13-31T10-11-12Z"].at == 5000
    found = totals(record for record in listing.files if record.node is NodeKind.FILE)
    assert found[FileClass.TRANSCRIPT] == ClassTotals(2, 15, 2000, 3000)
    assert found[FileClass.ARCHIVE_DELETED] == ClassTotals(2, 8, 5000, STAMP_MS)
    assert FileClass.PROMPTS not in totals(listing.files)


def test_owners_and_modes_are_counted(tmp_path: Path) -> None:
    for name, mode in (("a.jsonl", 0o600), ("b.jsonl", 0o600), ("c.jsonl", 0o644)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    owners = list_files(OsReadFs(), tmp_path).owners
    assert [(owner.mode, owner.count) for owner in owners] == [(0o600, 2), (0o644, 1)]
    assert {owner.uid for owner in owners} == {os.getuid()}


def test_a_directory_that_is_not_there_is_a_value(tmp_path: Path) -> None:
    listing = list_files(OsReadFs(), tmp_path / "none")
    assert listing.files == ()
    assert listing.problem is not None
    assert listing.problem.missing


class _BreaksOff(OsReadFs):
    """Lists one file, then fails as a dying disk does."""

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        yield "a.jsonl", FileStat(1, 0, 0o100600, 0, 0, 1, 0, 0)
        raise OSError(5, "Input/output error")


class _Forbids(OsReadFs):
    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        raise PermissionError(13, "Permission denied")


def test_a_listing_that_breaks_off_keeps_what_it_saw() -> None:
    listing = list_files(_BreaksOff(), Path("/state"))
    assert [record.name for record in listing.files] == ["a.jsonl"]
    assert listing.problem is not None
    assert listing.problem.reason == "Input/output error"


def test_one_entry_that_cannot_be_asked_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (tmp_path / name).touch()

    class Entry:
        def __init__(self, item: os.DirEntry[str]) -> None:
            self.name, self._item = item.name, item

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            if self.name == "b.jsonl":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return self._item.stat(follow_symlinks=follow_symlinks)

    with os.scandir(tmp_path) as found:
        items = sorted(map(Entry, found), key=lambda item: item.name)
    monkeypatch.setattr(OsReadFs, "_scan", lambda _self, _directory: contextlib.nullcontext(iter(items)))
    listing = list_files(OsReadFs(), tmp_path)
    assert [record.name for record in listing.files] == ["a.jsonl", "c.jsonl"]
    assert listing.problem is not None
    assert listing.problem.reason == os.strerror(errno.EIO)


def test_a_directory_that_may_not_be_listed() -> None:
    problem = list_files(_Forbids(), Path("/state")).problem
    assert problem is not None
    assert (problem.reason, problem.missing) == ("Permission denied", False)


def test_a_file_that_vanishes_meanwhile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl").touch()

    class Vanishing(OsReadFs):
        def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
            for name, stat in super().entries(directory):
                for other in {"a.jsonl", "b.jsonl"} - {name}:
                    (directory / other).unlink(missing_ok=True)
                yield name, stat

    listing = list_files(Vanishing(), tmp_path)
    assert len(listing.files) == 1
    assert listing.problem is None


def _record(name: str) -> FileRecord:
    from gatewaydoctor.state.history.names import classify

    return FileRecord(name, classify(name), 1, 0, None, NodeKind.FILE, 1)


UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"


@pytest.mark.parametrize(
    ("names", "transcript", "archive"),
    [
        ([f"{UUID}.jsonl", f"{UUID}-topic-1.jsonl"], f"{UUID}.jsonl", None),
        ([f"{UUID}-topic-1.jsonl", f"{UUID}-topic-2.jsonl"], f"{UUID}-topic-2.jsonl", None),
        ([f"2026-03-20T10-11-12-345Z_{UUID}.jsonl"], f"2026-03-20T10-11-12-345Z_{UUID}.jsonl", None),
        (
            [f"{UUID}.jsonl.reset.2026-03-21T00-00-00Z", f"{UUID}.jsonl.deleted.2026-03-20T00-00-00Z"],
            None,
            f"{UUID}.jsonl.reset.2026-03-21T00-00-00Z",
        ),
        (["other.jsonl", f"{UUID}.trajectory.jsonl", f"{UUID}.jsonl.lock"], None, None),
    ],
)
def test_an_index_finds_a_sessions_files(names: list[str], transcript: str | None, archive: str | None) -> None:
    index = DirectoryIndex(_record(name) for name in names)
    assert index.transcript_of(UUID) == transcript
    assert index.archive_of(UUID) == archive
    assert all(name in index for name in names)
    assert "nothing.jsonl" not in index


def test_surrogate_names_are_listed(tmp_path: Path) -> None:
    (Path(os.fsencode(tmp_path).decode()) / os.fsdecode(b"\xff\xfe\n.jsonl")).touch()
    listing = list_files(OsReadFs(), tmp_path)
    assert [(record.name, record.cls) for record in listing.files] == [("\udcff\udcfe\n.jsonl", FileClass.TRANSCRIPT)]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_no_file_can_have_is_not_found(tmp_path: Path, name: str) -> None:
    fs, path = OsReadFs(), tmp_path / name
    asked = (fs.stat, fs.lstat, fs.open, fs.readlink, lambda there: fs.head_and_tail(there, 1, 1), fs.space)
    for ask in (*asked, lambda there: list(fs.names(there)), lambda there: list(fs.entries(there))):
        with pytest.raises(FileNotFoundError):
            ask(path)
