"""Each class of damage of docs/database.md that has a remedy: damage, the repair named for it, a start of the real
gateway, and the rows and events of before, one by one."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from . import damaged_files, damaged_rows  # noqa: F401  (each registers its damages)
from .damages import (
    AGENT,
    DAMAGES,
    KEY,
    PAGE,
    SECOND,
    STATE,
    STORE,
    damage,
    entry,
    fill_log,
    poke,
    settle,
    sql,
    write_store,
)
from .gateways import start
from .record import told
from .test_repairs import (
    Ground,
    away,
    copied,
    ground,  # noqa: F401  (a fixture)
    listed,
    pending,
    repaired,
    sound,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.conformance


@dataclass(frozen=True, slots=True)
class Remedy:
    """The repair, and how many sessions, events and jobs no database holds any more. `added`: keys that come
    besides."""

    repair: str
    sessions: int = 0
    events: int = 0
    jobs: int = 0
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """Sessions as (key, session id), events as (session id, seq, text), and ids of cron jobs under their path."""

    sessions: frozenset[tuple[str, str]]
    events: frozenset[tuple[str, int, str]]
    jobs: frozenset[tuple[str, str]]


@damage()
def leftover_scalar(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:x": 7, "agent:main:telegram:direct:y": {"updatedAt": 5}})


@damage()
def leftover_with_a_mark(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    (state / STORE).write_bytes(b"\xef\xbb\xbf" + (state / STORE).read_bytes())


@damage()
def leftover_with_two_names(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    os.link(state / STORE, state / "elsewhere.json")


@damage()
def first_page_zeroed(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, 0, bytes(PAGE))


@damage()
def state_header_garbage(state: Path) -> None:
    settle(state / STATE)
    poke(state / STATE, 0, random.Random(7).randbytes(16))


@damage()
def row_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", f"DELETE FROM session_nodes WHERE session_key = '{KEY}'")


@damage()
def moved(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET store_key = '/home/old/.openclaw/cron/jobs.json'")


@damage()
def log_of_another_agent_stopped(state: Path) -> None:
    settle(state / AGENT)
    fill_log(state / SECOND)
    shutil.copyfile(state / f"{SECOND}-wal", state / f"{AGENT}-wal")
    settle(state / SECOND)


@damage()
def database_gone_beside_a_copy(state: Path) -> None:
    """The recovery of the official doctor renames the damaged file; nobody has put anything in its place."""
    settle(state / AGENT)
    poke(state / AGENT, 0, bytes(16))
    (state / AGENT).rename(state / f"{AGENT}.corrupt-{int(time.time() * 1000)}")


NEW = ("agent:main:telegram:direct:9999",)
REMEDIES = {
    "leftover-older": Remedy("leftover"),
    "leftover-same-rows": Remedy("leftover"),
    "leftover-torn": Remedy("leftover", added=tuple(f"agent:main:telegram:direct:{n}" for n in range(3))),
    "leftover-of-0-bytes": Remedy("leftover"),
    "leftover-array": Remedy("leftover"),
    "leftover-braces": Remedy("leftover"),
    "leftover-with-a-mark": Remedy("leftover", added=NEW),
    "leftover-null": Remedy("leftover", added=("agent:main:telegram:direct:y",)),
    "leftover-unsafe-id": Remedy("leftover"),
    "leftover-scalar": Remedy("leftover"),
    "leftover-with-two-names": Remedy("leftover", added=NEW),
    "leftover-missing-key": Remedy("leftover", added=NEW),
    "leftover-of-a-third-agent": Remedy("leftover"),
    "older-version-in-header": Remedy("schema"),
    "recorded-version-lowered": Remedy("schema"),
    "version-0-with-tables": Remedy("schema"),
    "state-version-lowered": Remedy("schema"),
    "header-garbage": Remedy("salvage"),
    "first-page-zeroed": Remedy("salvage"),
    "table-page-zeroed": Remedy("salvage"),
    "cut-in-half": Remedy("salvage", events=103),
    "last-page-cut": Remedy("salvage"),
    "schema-text-torn": Remedy("salvage"),
    "two-tables-with-one-root": Remedy("salvage"),
    "page-count-too-large": Remedy("salvage"),
    "windows-missing": Remedy("salvage"),
    "sessions-table-missing": Remedy("salvage"),
    "column-missing": Remedy("salvage"),
    "trigger-added": Remedy("schema"),
    "second-agent-garbage": Remedy("salvage"),
    "middle-of-the-events-zeroed": Remedy("salvage", events=18),
    "index-page-zeroed": Remedy("salvage"),
    "database-gone-beside-a-copy": Remedy("salvage"),
    "log-of-another-agent-stopped": Remedy("logs"),
    "event-of-no-session": Remedy("schema", added=("agent:main:recovered:gone",)),
    "window-missing": Remedy("schema"),
    "row-missing": Remedy("schema"),
    "state-event-of-no-parent": Remedy("schema"),
    "trigger-missing": Remedy("schema"),
    "unique-index-added": Remedy("schema"),
    "state-unique-index-added": Remedy("schema"),
    "search-index-damaged": Remedy("salvage"),
    "quarantined": Remedy("quarantine"),
    "quarantined-state": Remedy("quarantine"),
    "quarantine-garbage": Remedy("quarantine"),
    "state-header-garbage": Remedy("salvage"),
    "state-jobs-page-zeroed": Remedy("salvage", jobs=3),
    "moved": Remedy("jobs"),
}


@pytest.mark.parametrize("ground", ["2026.9.6"], indirect=True)
@pytest.mark.parametrize("name", REMEDIES)
def test_a_damage_is_repaired_and_the_gateway_starts(name: str, ground: Ground) -> None:  # noqa: F811
    remedy, state = REMEDIES[name], ground.state
    shutil.rmtree(state)
    shutil.copytree(ground.stopped, state, symlinks=True)
    before = content(state)
    DAMAGES[name].hurt(state)
    recovered = by_sqlite(state, ground.state.with_name("recovered.sqlite"))
    done = repaired(state, remedy.repair)
    assert done["error"] is None, done["error"]
    assert done["details"]["receipt"] is not None, done["details"]["plan"]
    outcome = start(ground.command, state)
    after = content(state)
    wanted = _figures(
        len(before.sessions) - remedy.sessions,
        len(before.events) - remedy.events,
        len(before.jobs) - remedy.jobs,
        before,
    )
    there = _figures(
        len(before.sessions & after.sessions),
        len(before.events & after.events),
        len(before.jobs & after.jobs),
        before,
    )
    kept = {key for key, _ in before.sessions} | set(remedy.added)
    wrong = [there if outcome.up else "does not start", *(_wrong(ground, after, kept) if outcome.up else ())]
    case = f"{name}, {remedy.repair}"
    agree = told(ground.release, "classes_repaired", case, wanted, "; ".join(wrong), _of_sqlite(recovered))
    assert agree, (wrong, outcome.log[-2000:])


def _figures(sessions: int, events: int, jobs: int, whole: Content) -> str:
    return (
        f"{sessions} of {len(whole.sessions)} sessions, {events} of {len(whole.events)} events, "
        f"{jobs} of {len(whole.jobs)} jobs"
    )


def _wrong(made: Ground, after: Content, kept: set[str]) -> Iterator[str]:
    there = {key for key, _ in after.sessions}
    if there != kept:
        yield f"{len(there - kept)} sessions too many, {len(kept - there)} too few"
    if not (shown := listed(made)) >= there:
        yield f"lists {len(shown)} sessions of {len(there)}"
    if left := pending(made.state):
        yield f"{left} rows are not validated"
    for path in (AGENT, SECOND, STATE):
        if (answer := sound(made.state / path)) != ["ok"]:
            yield f"{path.name}: {answer[0]}"


def _of_sqlite(recovered: int | None) -> str:
    return "" if recovered is None else f".recover of sqlite3 brings {recovered} sessions of main back"


def content(state: Path) -> Content:
    """What the databases hold, their logs laid over; nothing of one that cannot be read."""
    return Content(
        frozenset(
            (str(key), str(session))
            for path in (AGENT, SECOND)
            for key, session in _rows(state / path, "SELECT session_key, current_session_id FROM session_nodes")
        ),
        frozenset(
            (str(session), int(str(seq)), str(text))
            for path in (AGENT, SECOND)
            for session, seq, text in _rows(state / path, "SELECT session_id, seq, event_json FROM transcript_events")
        ),
        frozenset(
            (str(key), str(job))
            for key, job in _rows(
                state / STATE, "SELECT store_key, job_id FROM cron_jobs WHERE declaration_key IS NULL"
            )
        ),
    )


def _rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(copied(path)) as database:
        try:
            found = database.execute(statement).fetchall()
        except sqlite3.DatabaseError:
            found = []
    away(path)
    return found


def by_sqlite(state: Path, new: Path) -> int | None:
    """Session rows that `.recover` of the sqlite3 tool brings back, None where the tool is not here."""
    if shutil.which("sqlite3") is None or not (state / AGENT).is_file():
        return None
    new.unlink(missing_ok=True)
    copied(state / AGENT).close()
    copy = (state / AGENT).with_name("copy-of.sqlite")
    script = subprocess.run(["sqlite3", copy, ".recover"], capture_output=True, check=False).stdout
    subprocess.run(["sqlite3", new], input=script, capture_output=True, check=False)
    away(state / AGENT)
    return len(_rows(new, "SELECT session_key FROM session_nodes"))
