"""What an import lost is put back for the next start, and an import that did not end is undone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.planner.build import build_plan
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import tools
from tests.world import HOUR, NOW, StateDir, row

if TYPE_CHECKING:
    from pathlib import Path

KEY, SESSION, AT = ROWS[1]
ARCHIVED = "agents/main/session-sqlite-import-archive"
RUN = "session-sqlite-migration-runs/session-sqlite-1-5aafea3b.json"
HEADER = f'{{"type":"session","version":3,"id":"{SESSION}","timestamp":"2026-01-01T00:00:00.000Z","cwd":"/w"}}'


def said(number: int) -> str:
    message = {"role": ("user", "assistant")[number % 2], "content": [{"type": "text", "text": "Hm. \\ud83e"}]}
    told = {"type": "message", "id": f"{number:08x}", "parentId": None, "timestamp": "2026-01-01T00:00:01.000Z"}
    return json.dumps(told | {"message": message})


def imported(state: StateDir, lines: list[str], in_database: list[str], *, completed: bool = True) -> Path:
    """A directory whose import took those lines of a transcript."""
    statement = "INSERT INTO transcript_events VALUES (?, ?, ?, ?)"
    events = [(SESSION, seq, line, AT) for seq, line in enumerate(in_database)]
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS, more=[(statement, events)]), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 2, agents=("main",), started="2026.9.6"), HOUR)
    state.beside("old.jsonl.reset.2026-01-01T00-00-00.000Z")
    issue = {"code": "transcript_malformed", "message": f"/srv/{SESSION}.jsonl: SyntaxError"}
    ended = {"completedAt": "2026-01-01T00:00:00.000Z"} if completed else {}
    state.file(RUN, {"runId": "run", "targets": [{"agentId": "main", "issues": [issue]}]} | ended, HOUR)
    name = f"{KEY.replace(':', '_')}.{SESSION}.jsonl.imported-{NOW - HOUR}"
    return state.file(f"{ARCHIVED}/{name}", "".join(f"{line}\n" for line in lines), 2 * HOUR)


def cut_by_an_import(state: StateDir) -> None:
    told = [HEADER, *(said(number) for number in range(4))]
    imported(state, [*told[:2], told[2][:40], *told[3:]], told[:2])


def laid(state: StateDir) -> Path:
    return state.root / f"agents/main/sessions/{SESSION}.jsonl"


def test_a_cut_transcript_is_laid_down_without_the_broken_line(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    doctor = Doctor(state)
    fix = state.only("migration-losses").fix
    assert fix is not None and fix.repairs == ("import",)
    doctor.there_and_back("import")
    doctor.apply("import")
    assert laid(state).read_text().splitlines() == [HEADER, said(0), said(2), said(3)]
    found = state.only("migration-losses")
    assert (found.severity.word, found.fix) == ("info", None)


def test_the_plan_names_the_archive_with_the_rest_and_its_times_stay(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    (archive,) = (state.root / ARCHIVED).iterdir()
    doctor = Doctor(state)
    assert [each.names for each in doctor.plan("import").cautions if "are not JSON" in each.text] == [(archive.name,)]
    doctor.apply("import")
    assert laid(state).stat().st_mtime_ns == archive.stat().st_mtime_ns


def test_it_is_in_a_plan_that_names_nothing(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    (step,) = steps(Doctor(state).plan(), "import")
    assert (step.action, step.conversations) == ("put back", 1)


def test_a_lost_header_is_made_again(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    archive = imported(state, ["{torn", said(0), said(1)], [])
    archive.with_name(f"x.other.jsonl.imported-{NOW}").write_text(HEADER + "\n")
    Doctor(state).apply("import")
    first, *rest = laid(state).read_text().splitlines()
    told = json.loads(first)
    assert (told["type"], told["id"], told["cwd"]) == ("session", SESSION, "/w")
    assert told["timestamp"] == "2026-01-01T00:00:01.000Z"
    assert rest == [said(0), said(1)]


def test_nul_bytes_and_a_last_line_without_newline(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    archive = imported(state, [], [])
    archive.write_bytes(f"{HEADER}\n\0\0{said(0)}\n\0\0\n{said(1)}".encode())
    Doctor(state).apply("import")
    assert laid(state).read_bytes() == f"{HEADER}\n{said(0)}\n{said(1)}\n".encode()


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    laid(state).write_bytes(b"{}")
    assert Doctor(state).plan("import").empty


def test_without_a_sessions_directory_it_says_what_to_do(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    (state.root / "agents/main/sessions/old.jsonl.reset.2026-01-01T00-00-00.000Z").unlink()
    (state.root / "agents/main/sessions").rmdir()
    assert state.only("migration-losses").fix is None
    (refused,) = Doctor(state).plan("import").refusals
    assert "mkdir" in refused.hint
    (state.root / "agents/main/sessions").write_bytes(b"no directory")
    assert state.only("migration-losses").fix is None
    plan = Doctor(state).plan("import")
    assert plan.empty
    assert [each.reason.endswith("sessions is not a directory.") for each in plan.refusals] == [True]


def test_other_releases_were_not_seen_to_take_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.8.1")
    cut_by_an_import(state)
    state.file(STATE, state_database(15, 2, agents=("main",), started="2026.8.1"), HOUR)
    assert state.examine().config.release.version == "2026.8.1"
    doctor = Doctor(state)
    plan = doctor.plan("import")
    assert plan.empty
    assert [(each.repair, each.hint) for each in plan.refusals] == [("import", "Update first.")]
    assert not steps(doctor.plan(), "import")
    found = state.only("migration-losses")
    assert found.fix is None and (found.by_hand or "").startswith("Update the gateway to 2026.9.6")


def half(state: StateDir, rows: dict[str, object]) -> Doctor:
    imported(state, [HEADER], [], completed=False)
    state.store(rows)
    return Doctor(state)


def entry(index: int) -> dict[str, object]:
    return {"sessionId": ROWS[index][1], "updatedAt": ROWS[index][2]}


def test_an_unfinished_import_is_taken_back_only_where_it_is_named(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    rows = {ROWS[0][0]: entry(0), ROWS[1][0]: entry(1), "agent:main:telegram:direct:9": row(9)}
    doctor = half(state, rows)
    assert not [step for step in steps(doctor.plan(), "import") if step.action == "move to the vault"]
    doctor.there_and_back("import")
    doctor.apply("import")
    assert not (state.root / AGENT).exists() and len(doctor.rows()) == 3
    assert "database-missing" not in doctor.rules()
    assert "imports sessions.json" in state.only("migration-unfinished").consequence


def test_a_database_with_a_newer_row_than_the_file_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    doctor = half(state, {ROWS[0][0]: entry(0), ROWS[1][0]: entry(1) | {"updatedAt": AT - HOUR}})
    plan = doctor.plan("import")
    assert plan.empty
    assert "1 session that the file has not, or has older" in plan.refusals[0].reason


def test_the_shared_memory_of_an_undone_database_goes_with_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    doctor = half(state, {ROWS[0][0]: entry(0), ROWS[1][0]: entry(1)})
    state.file(f"{AGENT}-shm", b"x" * 32_768, HOUR)
    doctor.apply("import")
    assert not list((state.root / AGENT).parent.glob("openclaw-agent.sqlite*"))


def test_a_database_that_has_more_than_the_file_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    doctor = half(state, {ROWS[0][0]: entry(0)})
    plan = doctor.plan("import")
    assert plan.empty
    assert "1 session that the file has not" in plan.refusals[0].reason


def test_an_archive_without_a_record_is_named_and_nothing_is_laid_down(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    told = [HEADER, said(0)]
    path = imported(state, told, told[:1])
    doctor = Doctor(state)
    assert steps(doctor.plan("import"), "import")
    seen = state.judge()
    size = path.stat().st_size
    path.write_text("{torn\n" * (size // 6 + 1))
    late = build_plan(seen.examination, seen.findings, [Repair.IMPORT], Options(), tools().fs, tools().progress)
    assert [each.reason for each in late.refusals] == ["None of its lines is a record."], "it changed after the scan"
    for plan in (late, doctor.plan("import")):
        assert not laid(state).exists() and not steps(plan, "import")


def test_what_a_start_has_retired_again_is_not_put_back_a_third_time(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    cut_by_an_import(state)
    doctor = Doctor(state)
    doctor.apply("import")
    (archive,) = (state.root / ARCHIVED).iterdir()
    laid(state).rename(archive.with_name(f"{archive.name[:-1]}{int(archive.name[-1]) ^ 1}"))
    found = state.only("migration-losses")
    assert found.fix is None
    assert found.by_hand is not None and "passed over" in found.by_hand
    assert doctor.plan("import").empty


def test_a_transcript_of_which_only_a_broken_line_is_missing_is_not_put_back(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    told = [HEADER, *(said(number) for number in range(4))]
    imported(state, [*told[:3], told[3][:-3], told[4]], [*told[:3], told[4]])
    found = state.only("migration-losses")
    assert found.evidence["undecidedLines"] == 1
    assert found.fix is None
    assert Doctor(state).plan("import").empty
