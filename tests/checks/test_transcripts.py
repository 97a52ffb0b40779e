"""Transcripts nothing reaches, damaged and huge ones, and what piles up beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.examine.world import Where
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.outcome.finding import Severity
from tests.repair import agentdb
from tests.world import DAY, HOUR, SECOND, StateDir, header, row, said, session_id, talk

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "agent:main:main"
UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
BOOTED = said("You are running a boot check. Follow BOOT.md.")


def test_unindexed_transcripts_are_sorted_by_what_is_in_them(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.transcript(2)
    state.transcript(3, header(session_id(3)) + said("[cron:j x] go"))
    state.transcript(4, header(session_id(4)))
    state.beside("notes.jsonl", b'"just text"\n')
    judgement = state.judge()
    (found,) = judgement.of("transcript-unindexed")
    assert (found.severity, found.count) == (Severity.INFO, 4)
    assert found.evidence["content"] == {"human-turns": 1, "machine-only": 1, "header-only": 1, "not-a-transcript": 1}
    assert "1 with a conversation" in found.message


def test_beside_a_database_no_repair_is_named_that_does_not_look_at_them(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    agentdb.make(state.root, agentdb.rows(2))
    state.transcript(4, header(session_id(4)))
    (found,) = state.judge().of("transcript-unindexed")
    assert (found.count, found.fix) == (1, None)
    assert "may take them as sessions" in (found.consequence or "")


def test_an_orphan_is_none_where_another_agent_reaches_it(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.store({"agent:work:main": row(2)}, agent="work")
    state.transcript(1)
    state.transcript(2)
    state.transcript(2, agent="work")
    assert not state.findings("transcript-unindexed")
    assert not state.findings("transcript-unindexed", where=Where(state_dir=str(state.root), agent="main"))


def test_nothing_is_called_unindexed_while_some_store_is_damaged(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(2)
    assert state.findings("transcript-unindexed")
    state.store(b'{"agent:work:main": {', agent="work")
    assert not state.findings("transcript-unindexed")


STAMPS = ("2026-03-20T10-11-12.345Z", "2026-03-25T10-11-12.345Z")


@pytest.mark.parametrize(("mode", "count"), [("enforce", 2), ("warn", None)])
def test_archives_of_people_are_told_before_the_gateway_deletes_them(
    state: StateDir, mode: str, count: int | None
) -> None:
    state.maintenance(mode=mode, resetArchiveRetention="40d")
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.beside(f"{session_id(2)}.jsonl.reset.{STAMPS[1]}", talk(2))
    state.beside(f"{session_id(3)}.jsonl.deleted.{STAMPS[0]}", talk(3))
    state.beside(f"{session_id(4)}.jsonl.reset.{STAMPS[0]}", header(session_id(4)) + said("[cron:j x] go"))
    state.beside(f"{session_id(5)}.jsonl.bak.{STAMPS[0]}", talk(5))
    state.beside(f"{session_id(6)}.jsonl.deleted.1774001472345", talk(6))
    (facts,) = state.examine().stores
    assert len(facts.transcripts.archives) == 4
    if count is None:
        assert not state.findings("archived-history")
        return
    found = state.only("archived-history")
    assert (found.severity, found.count) == (Severity.INFO, count)
    assert "1 of them of resets" in found.message
    assert found.evidence["deletedFrom"] == 1774001472345 + 30 * DAY


TAILS = [
    ("torn", talk(1)[:-9], "torn-tail", "with a cut last line"),
    ("nul", talk(1) + b"\0" * 40, "nul-tail", "with NUL bytes at the end"),
    ("no newline", talk(1)[:-1], "no-newline", "without a final newline"),
]


@pytest.mark.parametrize(("data", "verdict", "words"), [case[1:] for case in TAILS], ids=[case[0] for case in TAILS])
def test_tails(state: StateDir, data: bytes, verdict: str, words: str) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1, data)
    found = state.only("transcript-torn-tail")
    assert found.severity is Severity.WARNING
    assert words in found.message
    file = found.evidence["files"][0]  # type: ignore[index]
    assert file["verdict"] == verdict
    assert file["soundEnd"] == {"torn-tail": talk(1).rindex(b"\n", 0, -1) + 1}.get(verdict, len(data.rstrip(b"\0")))


def test_records_glued_together_are_mended_by_hand(state: StateDir) -> None:
    state.store({MAIN: row(1), "agent:main:direct:p": row(2)})
    state.transcript(1, talk(1)[:-1] + said("one more"))
    found = state.only("transcript-torn-tail")
    assert "1 with joined records in the last line" in found.message
    assert (found.fix, "on its own line" in (found.by_hand or "")) == (None, True)
    state.transcript(2, talk(2)[:-9])
    found = state.only("transcript-torn-tail")
    assert "1 with a cut last line, 1 with joined records" in found.message
    assert found.fix is not None


def test_a_torn_tail_nothing_reaches_is_information(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.transcript(2, talk(2)[:-9])
    found = state.only("transcript-torn-tail")
    assert found.severity is Severity.INFO
    assert found.message.startswith("1 unindexed transcript:")


def test_a_line_may_be_half_written_while_a_gateway_lives(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1, talk(1)[:-9], age=5 * SECOND)
    assert not state.findings("transcript-torn-tail", answers=True)
    assert state.findings("transcript-torn-tail")


def test_a_first_line_that_is_no_header(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1, said("hello") + said("hello again"))
    state.transcript(2, said("hello"))
    found = state.findings("transcript-bad-header")
    assert [(each.severity, each.count) for each in found] == [(Severity.ERROR, 1), (Severity.INFO, 1)]
    state.transcript(1)
    state.transcript(2)
    assert not state.findings("transcript-bad-header")


def test_huge_transcripts(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    path = state.transcript(1)
    size = path.stat().st_size
    found = state.only("transcript-huge", Thresholds(transcript_bytes=size))
    assert found.evidence["files"] == [{"name": path.name, "bytes": size}]
    assert not state.findings("transcript-huge", Thresholds(transcript_bytes=size + 1))


@pytest.mark.parametrize(("boots", "count"), [(9, 0), (11, 1)])
def test_boot_loops(state: StateDir, boots: int, count: int) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1, talk(1) + boots * BOOTED)
    found = state.findings("transcript-boot-loop")
    assert [(each.severity, each.count) for each in found] == [(Severity.ERROR, 1)] * count
    assert all(f"up to {boots} in a row" in each.message for each in found)


@pytest.mark.parametrize("name", [f"{session_id(2)}.jsonl", f"{session_id(2)}-topic-7.jsonl", "named.jsonl"])
def test_a_boot_loop_names_the_session_to_park(state: StateDir, name: str) -> None:
    key = "agent:main:telegram:group:1:topic:7"
    more = {"sessionFile": str(state.root / "agents/main/sessions" / name)} if name == "named.jsonl" else {}
    state.store({MAIN: row(1), key: row(2, **more)})
    state.transcript(1)
    state.beside(name, talk(2) + 12 * BOOTED)
    found = state.only("transcript-boot-loop")
    assert (found.key, found.by_command) == (key, typed("park", key))
    step = state.judge().next
    assert (step.command, "hidden" in step.why) == (typed("park", key), True)


def test_archives_by_bytes_or_files(state: StateDir) -> None:
    state.store({})
    for number, reason in enumerate(("deleted", "reset", "bak")):
        state.beside(f"{session_id(number)}.jsonl.{reason}.2027-01-0{number + 1}T00-00-00.000Z", b"x" * 100)
    state.beside(f"{session_id(9)}.jsonl.bak-12-1799000000000", b"x" * 100)
    assert state.only("archive-growth", Thresholds(archive_bytes=400)).count == 4
    assert state.findings("archive-growth", Thresholds(archive_files=4))
    assert not state.findings("archive-growth", Thresholds(archive_bytes=401, archive_files=5))
    assert not state.findings("archive-growth")


def test_sidecars_and_those_without_an_owner(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.beside(f"{session_id(1)}.checkpoint.{UUID}.jsonl", b"x" * 100)
    state.beside(f"{session_id(2)}.trajectory.jsonl", b"x" * 50)
    found = state.only("sidecar-growth", Thresholds(sidecar_bytes=150))
    assert found.evidence["unowned"] == 1
    assert found.evidence["unownedBytes"] == 50
    assert "no longer belong to a session" in found.message
    assert not state.findings("sidecar-growth", Thresholds(sidecar_bytes=151))
    state.store(b"{", agent="work")
    found = state.only("sidecar-growth", Thresholds(sidecar_bytes=150))
    assert found.evidence["unowned"] is None, "an entry of the damaged store may own it"
    assert found.message.endswith(" B.")


def test_temp_files_count_once_they_are_old(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.beside(f"sessions.json.{UUID}.tmp", age=HOUR)
    state.beside(f".fs-safe-replace.12.{UUID}.tmp", age=HOUR - SECOND)
    state.jobs([])
    state.file("cron/jobs.json.12.0123456789abcdef.tmp", b"{}", age=3 * HOUR)
    found = state.findings("temp-leftover")
    assert [each.count for each in found] == [1, 1]
    assert all(each.severity is Severity.INFO for each in found)
    assert not any("only copy" in each.message for each in found)


def test_temp_files_beside_a_damaged_store_are_kept(state: StateDir) -> None:
    state.store(b"")
    state.beside(f"sessions.json.{UUID}.tmp", b"{}", age=DAY)
    assert "may hold the only copy" in state.only("temp-leftover").message


def test_several_stores_in_one_directory_give_one_finding(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.config(
        {"session": {"store": str(state.root / "all/{agentId}.json")}, "agents": {"list": [{"id": "a"}, {"id": "b"}]}}
    )
    state.file("all/a.json", {"agent:a:main": row(1)})
    state.file("all/b.json", {"agent:b:main": row(2)})
    for number in (1, 2, 3):
        state.file(f"all/{session_id(number)}.jsonl", talk(number))
    assert state.only("transcript-unindexed").count == 1


def test_a_missing_header_is_a_loss_only_where_a_session_may_use_the_file(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.transcript(2, b"\x00\xff no transcript")
    assert not state.findings("transcript-bad-header"), "no session uses it, and it is not a transcript"
    state.store(b"{", agent="work")
    found = state.only("transcript-bad-header")
    assert (found.severity, found.fix) == (Severity.WARNING, None)
    assert found.consequence.startswith("If a session uses such a file, ")
    assert "no message" in (found.by_hand or "")
    state.transcript(2, said("hello") + said("hello again"))
    assert state.only("transcript-bad-header").fix is not None
    state.transcript(1, b"\x00\xff no transcript")
    used = state.findings("transcript-bad-header")[0]
    assert (used.severity, used.fix) == (Severity.ERROR, None), "no header can be put before nothing"
