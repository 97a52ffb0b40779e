"""A store that began anew, beside files that know the conversations of before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from tests.repair.doctor import Doctor, steps
from tests.world import DAY, NOW, RoomyFs, header, job, row, said, session_id

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from tests.world import StateDir

BACKUP = "sessions.json.bak.1799000000000"
TEMP = "sessions.json.0b4a4d1e-1111-4222-8333-444455556666.tmp"
PEOPLE = {f"agent:main:telegram:direct:{n}": row(n) for n in range(1, 5)}


def begun_anew(state: StateDir, copy: str = BACKUP, rows: object = PEOPLE) -> None:
    """Four conversations in a copy with their transcripts, and one new session in the store."""
    for number in range(1, 5):
        state.transcript(number, header(session_id(number)) + said("hello"))
    state.beside(copy, rows, age=DAY)
    state.transcript(9, header(session_id(9)) + said("hello"))
    state.store({"agent:main:main": row(9)})


def found(state: StateDir) -> tuple[str, ...]:
    (store,) = state.examine().stores
    return tuple(key for copy in store.copies for key in copy.keys)


@pytest.mark.parametrize("copy", [BACKUP, TEMP])
def test_conversations_that_only_a_copy_has_are_told_and_can_be_brought_back(copy: str, state: StateDir) -> None:
    begun_anew(state, copy)
    finding = state.only("store-copy-has-more")
    assert (finding.severity, finding.count) == (Severity.WARNING, 4)
    assert finding.fix is not None
    assert finding.fix.repairs == ("salvage",)
    assert finding.evidence["files"] == [{"name": copy, "conversations": 4}]
    assert state.judge().verdict.start is Start.YES


@pytest.mark.parametrize("copy", [BACKUP, TEMP])
def test_they_are_brought_back_by_name_and_the_next_step_names_it(copy: str, state: StateDir) -> None:
    begun_anew(state, copy, PEOPLE)
    state.jobs([job("backup", state={"runningAtMs": NOW - DAY})])
    assert state.judge().next.command == typed("repair", "salvage"), "others are by name too"
    doctor = Doctor(state)
    assert not steps(doctor.plan(), "salvage")
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert not state.findings("store-copy-has-more")
    (store,) = state.examine().stores
    assert store.sessions is not None
    assert sorted(store.sessions.table.all_keys()) == ["agent:main:main", *PEOPLE]


def test_of_a_torn_copy_the_whole_rows_count(state: StateDir) -> None:
    text = json.dumps(PEOPLE, indent=2).encode()
    begun_anew(state, rows=text[: text.index(b"direct:4")])
    assert len(found(state)) == 3


def test_what_the_store_still_has_is_not_lost(state: StateDir) -> None:
    begun_anew(state)
    state.store({"agent:main:main": row(9), "agent:main:telegram:direct:1": row(9)})
    assert len(found(state)) == 3


def test_a_conversation_that_was_set_aside_is_not_brought_back(state: StateDir) -> None:
    begun_anew(state)
    folder = state.root / "agents" / "main" / "sessions"
    for number in (1, 2):
        (folder / f"{session_id(number)}.jsonl").rename(
            folder / f"{session_id(number)}.jsonl.deleted.2026-03-20T10-11-12.345Z"
        )
    assert len(found(state)) == 2


def test_runs_and_other_files_are_no_conversations(state: StateDir) -> None:
    begun_anew(state, rows={f"agent:main:cron:job:run:{n}": row(n) for n in range(1, 5)})
    assert found(state) == ()
    state.beside(BACKUP, {"version": 1, "jobs": [{"id": n} for n in range(1, 5)]})
    assert found(state) == ()


def test_copies_are_not_read_where_few_transcripts_are_unindexed(state: StateDir) -> None:
    """They may be as large as the store."""
    begun_anew(state)
    for number in range(11, 16):
        state.transcript(number, header(session_id(number)) + said("hello"))
    state.store({f"agent:main:telegram:direct:{n + 10}": row(n + 10) for n in range(1, 6)})
    assert found(state) == ()


def test_a_directory_is_no_copy(state: StateDir) -> None:
    begun_anew(state)
    copy = state.root / "agents" / "main" / "sessions" / BACKUP
    copy.unlink()
    copy.mkdir()
    assert found(state) == ()
    assert state.examine().unread_copies == ()


class Forbids(RoomyFs):
    """Does not let the backup be read."""

    def open(self, path: Path) -> BinaryIO:
        if path.name == BACKUP:
            raise PermissionError(13, "Permission denied")
        return super().open(path)


UNREAD = "Everything was read but for 1 damaged copy next to a store"


@pytest.mark.parametrize("rows", [b"not a store", b"{" + bytes(4096)])
def test_a_copy_of_which_nothing_can_be_read_is_said(rows: bytes, state: StateDir) -> None:
    begun_anew(state, rows=rows)
    assert not state.findings("store-copy-has-more")
    ((path, why),) = state.examine().unchecked
    assert path.endswith(BACKUP)
    assert why.startswith("it may have more conversations than the store: ")
    assert state.judge().verdict.reason.startswith(UNREAD)


def test_of_a_torn_copy_it_is_said_that_it_may_have_more(state: StateDir) -> None:
    text = json.dumps(PEOPLE, indent=2).encode()
    begun_anew(state, rows=text[: text.index(b"direct:4")])
    assert state.only("store-copy-has-more").evidence["files"] == [{"name": BACKUP, "conversations": 3}]
    assert state.judge().verdict.reason.startswith(UNREAD)


def test_a_copy_that_the_system_does_not_let_read_is_said(state: StateDir) -> None:
    begun_anew(state)
    assert [why for _, why in state.examine(fs=Forbids()).unchecked] == [
        "it may have more conversations than the store: Permission denied"
    ]


def test_of_a_sound_store_it_is_said_that_conversations_are_in_no_index(state: StateDir) -> None:
    state.healthy()
    assert state.judge().verdict.reason == "Everything was read, nothing is wrong."
    for number in range(31, 34):
        state.transcript(number, header(session_id(number)) + said("hello"))
    told = state.judge().verdict.reason
    assert told == "Everything was read, nothing stops a start. 3 conversations are in no index."
