from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.model.gateway.files import FileClass
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.place.census import KEPT, disk_space, hard_linked, take_census
from gatewaydoctor.system.fs import FileStat, OsReadFs

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Owned(OsReadFs):
    """Everything is of uid 1000, but what is named root-*."""

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        if directory.name == "closed":
            raise PermissionError(13, "Permission denied")
        for name, stat in super().entries(directory):
            yield name, msgspec.structs.replace(stat, uid=0 if name.startswith("root-") else 1000, gid=1000)


def test_owners_modes_and_what_sticks_out(tmp_path: Path) -> None:
    for name, mode in (
        ("agents/main/sessions/a.jsonl", 0o600),
        ("agents/main/sessions/root-b.jsonl", 0o600),
        ("agents/main/sessions/c.jsonl", 0o400),
        ("agents/main/agent/auth-profiles.json", 0o604),
        ("agents/main/agent/notes", 0o604),
        ("credentials/oauth.json", 0o644),
        ("credentials/telegram/token", 0o644),
        ("openclaw.json", 0o640),
        ("workspace/root-mine", 0o600),
        (".gatewaydoctor/runs/root-vault", 0o600),
        ("closed/x", 0o600),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(mode)
    (tmp_path / "link").symlink_to("/nowhere")
    census = take_census(_Owned(), tmp_path)

    def names(found: tuple[object, ...]) -> set[str]:
        return {each.path.relative_to(tmp_path).as_posix() for each in found}  # type: ignore[attr-defined]

    assert census.majority == 1000
    assert census.foreign == 1
    assert names(census.strangers) == {"agents/main/sessions/root-b.jsonl"}
    assert names(census.exposed) == {
        "agents/main/agent/auth-profiles.json",
        "credentials/oauth.json",
        "credentials/telegram/token",
    }
    assert names(census.closed) == {"agents/main/sessions/c.jsonl"}
    assert names(census.unreadable) == {"closed"}
    assert sum(owner.count for owner in census.owners if owner.uid == 0) == 1


def test_what_is_kept_is_capped(tmp_path: Path) -> None:
    for number in range(KEPT + 20):
        (tmp_path / f"root-{number}").touch()
    for number in range(KEPT + 30):
        (tmp_path / f"{number}").touch()
    census = take_census(_Owned(), tmp_path)
    assert (census.foreign, len(census.strangers)) == (KEPT + 20, KEPT)


def test_an_empty_or_absent_tree(tmp_path: Path) -> None:
    assert take_census(OsReadFs(), tmp_path).majority is None
    assert take_census(OsReadFs(), tmp_path / "none").unreadable[0].missing


def test_hard_links_of_stores_and_transcripts(tmp_path: Path) -> None:
    for name in ("sessions.json", "a.jsonl", "b.jsonl", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "elsewhere").mkdir()
    for name in ("sessions.json", "a.jsonl", "c.txt"):
        os.link(tmp_path / name, tmp_path / "elsewhere" / name)
    found = list(hard_linked(list_files(OsReadFs(), tmp_path).files))
    assert {(record.name, record.cls, record.links) for record in found} == {
        ("sessions.json", FileClass.STORE, 2),
        ("a.jsonl", FileClass.TRANSCRIPT, 2),
    }


def test_room_is_told_once_per_volume(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    volumes = disk_space(OsReadFs(), [tmp_path, tmp_path / "a", tmp_path / "none"])
    ((path, space),) = volumes.values()
    assert path == tmp_path
    assert 0 < space.available <= space.total
    assert space.available % 512 == 0
    assert Path(path).stat().st_dev in volumes


def test_a_listing_stands_for_a_walk(tmp_path: Path) -> None:
    sessions = tmp_path / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    for number in range(5):
        (sessions / f"s{number}.jsonl").write_text("{}")
    fs = OsReadFs()
    listed = {sessions: list_files(fs, sessions)}
    assert take_census(fs, tmp_path, listed) == take_census(fs, tmp_path)
    (sessions / "s1.jsonl").chmod(0o000)
    closed = take_census(fs, tmp_path, {sessions: list_files(fs, sessions)}).closed
    assert [each.path.name for each in closed] == ["s1.jsonl"]
