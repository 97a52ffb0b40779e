"""What a start of a real gateway makes of each damage, against the verdict on the same directory before it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.database.refusals import NEWEST

from . import (  # noqa: F401  (each registers its damages)
    damaged_agents,
    damaged_configs,
    damaged_copies,
    damaged_entries,
    damaged_files,
    damaged_hosts,
    damaged_jobs,
    damaged_pages,
    damaged_pairs,
    damaged_places,
    damaged_records,
    damaged_rows,
    damaged_schemas,
    damaged_secrets,
    damaged_settings,
    damaged_siblings,
    damaged_strays,
    damaged_tables,
)
from .damages import AGENT, DAMAGES, KEY, QUARANTINE, SECOND, STATE, sql
from .gateways import environment, start, write_config
from .install import cache_dir, command
from .pieces import DATABASES
from .record import told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.conformance
ELSEWHERE = "it may be there where the gateway runs, so the verdict is at risk"
INTENDED = {
    "database-lease-of-this-process": "9.5 starts next to it; that process may be a gateway, so nothing is written",
    **dict.fromkeys(
        (
            "config-bind-custom-of-another-host",
            "config-password-a-reference-to-an-unset-variable",
            "config-password-missing",
            "config-tailscale-served",
            "config-token-a-reference-to-an-unset-variable",
        ),
        ELSEWHERE,
    ),
    "everything-of-another-user": "it was started as root; a gateway is taken to run as who owns the directory",
    "config-token-of-a-file-of-another-user": "a gateway of that user may read it, so the verdict is at risk",
    "config-token-of-a-program-of-another-user": "a gateway of that user may run it, so the verdict is at risk",
}
"""Differences that are meant, and why."""
AGENTS = ("main", "second")
SCHEDULER_S = 20
"""Seconds after which the scheduler has started, or has said why it did not."""
RUNNING = "refuses while one runs"
"""What a start next to a gateway that runs has to do; the verdict itself is on the start after that one."""
SET_ASIDE = re.compile(r"Sessions remain unavailable|state\.\n(?:- .*\n)*?- .*/agents/second/agent/")
"""Printed by a start that does without the sessions of an agent, whose file stays as it is."""


@dataclass(frozen=True, slots=True)
class Base:
    """Directories that a real gateway made: stopped cleanly, and killed with its logs. `state` is where each was
    and where every damaged copy goes: jobs are filed under the path."""

    release: str
    command: list[str]
    state: Path
    stopped: Path
    killed: Path


@pytest.fixture(scope="module", params=DATABASES)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    release = str(request.param)
    found = command(cache_dir(), release)
    if found is None:
        pytest.skip(f"openclaw {release} is not installed (make conformance)")
    folder = tmp_path_factory.mktemp("gateway")
    made = Base(release, found, folder / "state", folder / "stopped", folder / "killed")
    write_config(made.state, AGENTS)
    for agent in AGENTS:
        sessions_of_files(made.state, agent)
    jobs_of_files(made.state)
    if release != NEWEST:  # they import no session store at a start
        doctor = [*found, "doctor", "--fix", "--non-interactive"]
        subprocess.run(doctor, env=environment(made.state), check=True, capture_output=True)
    assert start(made.command, made.state).up
    columns = "(device_id, public_key, created_at_ms, approved_at_ms)"
    sql(made.state / STATE, f"INSERT INTO device_pairing_paired {columns} VALUES ('phone', 'x', 1, 1)")
    shutil.copytree(made.state, made.stopped, symlinks=True)
    assert start(made.command, made.state, kill=True).up
    shutil.copytree(made.state, made.killed, symlinks=True)
    return made


def sessions_of_files(state: Path, agent: str) -> None:
    """A store and transcripts of the file era, which the first start imports."""
    folder = state / "agents" / agent / "sessions"
    folder.mkdir(parents=True)
    now, store = int(time.time() * 1000), {}
    for number in range(1001, 1007):
        session = f"{'ab'[agent == 'main'] * 8}-0000-4000-8000-00000000{number}"
        store[f"agent:{agent}:telegram:direct:{number}"] = {
            "sessionId": session,
            "updatedAt": now - number * 1000,
            "chatType": "direct",
            "status": "done",
        }
        lines = [
            {"type": "session", "version": 3, "id": session, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/"}
        ]
        lines += [
            {
                "type": "message",
                "id": f"{number}{turn:04}",
                "parentId": f"{number}{turn - 1:04}" if turn else None,
                "timestamp": "2026-01-01T00:00:00.000Z",
                "message": {"role": ("user", "assistant")[turn % 2], "content": [{"type": "text", "text": "hello"}]},
            }
            for turn in range(8)
        ]
        (folder / f"{session}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "sessions.json").write_text(json.dumps(store, indent=2))


def jobs_of_files(state: Path) -> None:
    folder = state / "cron"
    folder.mkdir()
    now = int(time.time() * 1000)
    jobs = [
        {
            "id": f"00000000-0000-4000-8000-00000000000{number}",
            "agentId": "main",
            "name": f"job {number}",
            "enabled": True,
            "createdAtMs": now,
            "updatedAtMs": now,
            "schedule": {"kind": "every", "everyMs": 86_400_000},
            "sessionTarget": "isolated",
            "wakeMode": "now",
            "payload": {"kind": "agentTurn", "message": "x"},
            "state": {},
        }
        for number in range(3)
    ]
    (folder / "jobs.json").write_text(json.dumps({"version": 1, "jobs": jobs}))


Row = tuple[str, str, str]


def rows(state: Path) -> set[Row]:
    """Session rows with their session id and what is no JSON of them, cron jobs of the user and a paired phone."""
    return set[Row]().union(*answers(state).values())


def answers(state: Path) -> dict[str, set[Row]]:
    """The rows by what was asked for; nothing where the table cannot be read."""
    found: dict[str, set[Row]] = {}
    for path, statement in _asked(state):
        copy = state.with_name("copy.sqlite")
        for suffix in ("", "-wal"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
            if (state / f"{path}{suffix}").is_file():
                shutil.copyfile(state / f"{path}{suffix}", f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as database, suppress(sqlite3.DatabaseError):
            listed = [(str(first), str(second), str(third)) for first, second, third in database.execute(statement)]
            found.setdefault(statement.split("'")[1], set()).update(listed)
    return found


def _asked(state: Path) -> Iterator[tuple[str | Path, str]]:
    agents: list[tuple[str, str | Path]] = [("main", AGENT), ("second", SECOND), *registered(state)]
    for agent, path in agents:
        yield path, f"SELECT '{agent}', session_key, current_session_id FROM session_nodes"
        torn = "session_key, entry_json FROM session_nodes WHERE NOT json_valid(entry_json)"
        yield path, f"SELECT 'torn of {agent}', {torn}"
    yield STATE, "SELECT 'job', job_id, '' FROM cron_jobs WHERE declaration_key IS NULL"
    yield STATE, "SELECT 'paired', device_id, '' FROM device_pairing_paired"
    yield STATE, "SELECT 'set aside', event_key, '' FROM diagnostic_events WHERE scope LIKE 'cron.quarantine:%'"


def registered(state: Path) -> list[tuple[str, str]]:
    """Agents and their databases that are not in the usual place, as `session.store` puts them."""
    if not (state / STATE).is_file():
        return []
    with closing(sqlite3.connect(f"file:{state / STATE}?mode=ro", uri=True)) as database:
        try:
            listed = database.execute("SELECT agent_id, path FROM agent_databases").fetchall()
        except sqlite3.DatabaseError:
            return []
    return [(str(agent), str(path)) for agent, path in listed if not str(path).endswith("openclaw-agent.sqlite")]


def kept_store(state: Path) -> str | None:
    """The cron store of a config, which a start has taken out of it."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{state / STATE}?mode=ro", uri=True)) as database:
        asked = "SELECT value_json FROM config_machine_state WHERE state_key = 'cron.store'"
        return next((json.loads(value) for (value,) in database.execute(asked)), None)
    return None


def cron_runs(state: Path) -> bool:
    """Whether jobs run at all, by the config."""
    cron = json.loads((state / "openclaw.json").read_text()).get("cron")
    return not (isinstance(cron, dict) and cron.get("enabled") is False)


def stranded(state: Path) -> bool:
    """Whether cron jobs of the user are filed under another path, where they do not run."""
    mine = kept_store(state) or f"{state}/cron/jobs.json"
    with closing(sqlite3.connect(f"file:{state / STATE}?mode=ro", uri=True)) as database:
        keys = {key for (key,) in database.execute("SELECT store_key FROM cron_jobs WHERE declaration_key IS NULL")}
    return bool(keys - {mine})


def staked(held: set[Row], visible: dict[str, set[Row]]) -> set[Row]:
    """What a start can lose: of a table that can still be read the rows in it, of another one all it held."""
    return set[Row]().union(*visible.values(), {row for row in held if row[0] not in visible})


def gone(stake: set[Row], now: set[Row]) -> set[Row]:
    """What was at stake and is there no more. A session that goes on under another key of its agent, as that of
    `session.mainKey` does, is there."""
    kept = {(source, session) for source, _, session in now if session}
    return {row for row in stake - now if (row[0], row[2]) not in kept}


def moved(lost: set[Row], state: Path) -> set[Row]:
    """What another agent's database has now, under a key of that agent or none."""
    found: set[tuple[str, str]] = set()
    for agent, path in (("main", AGENT), ("second", SECOND)):
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{state / path}?mode=ro", uri=True)) as database:
            found |= {(agent, str(each)) for (each,) in database.execute("SELECT session_id FROM session_windows")}
    return {row for row in lost if any(session == row[2] and agent != row[0] for agent, session in found)}


def bytes_of_agents(state: Path) -> dict[str, bytes]:
    paths = {"main": state / AGENT, "second": state / SECOND}
    return {agent: path.read_bytes() for agent, path in paths.items() if path.is_file()}


def without_log(state: Path) -> set[Row]:
    """Session rows of the main agent's file alone, for a start that refuses and still folds a log in."""
    copy = state.with_name("alone.sqlite")
    copy.unlink(missing_ok=True)
    if not (state / AGENT).is_file():
        return set()
    shutil.copyfile(state / AGENT, copy)
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as database:
        try:
            return {("main", str(key), "") for (key,) in database.execute("SELECT session_key FROM session_nodes")}
        except sqlite3.DatabaseError:
            return set()


def predicted(state: Path, now: int | None = None) -> tuple[str, list[str], str]:
    """`starts`, `loses`, `hangs`, `refuses, exit 78`, or another verdict; RUNNING where one is told to run. With the
    rules and the reason."""
    env = {**os.environ, "OPENCLAW_STATE_DIR": str(state), "HOME": str(state.with_name("state-home"))}
    done = subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", "scan", "--json", *(["--now", str(now)] if now else [])],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(done.stdout)
    verdict = document["verdict"]
    word = {"yes": "starts", "no": "refuses"}.get(verdict["start"], verdict["start"])
    if verdict["start"] == "at-risk" and verdict["effect"] == "loses":
        word = "loses"
    if "does not come up" in verdict["reason"]:
        word = "hangs"
    if word == "refuses" and (code := re.search(r"exit \d+", verdict["reason"])):
        word = f"refuses, {code[0]}"
    if document["gateway"]["liveness"] == "live":
        word = RUNNING
    return word, [each["rule"] for each in document["findings"]], verdict["reason"]


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_a_start_does_what_the_verdict_said(name: str, base: Base) -> None:
    hurt = DAMAGES[name]
    if base.state.is_symlink():
        base.state.unlink()
    shutil.rmtree(base.state, ignore_errors=True)
    shutil.copytree(base.killed if hurt.hot else base.stopped, base.state, symlinks=True)
    held = rows(base.state)
    hurt.hurt(base.state)
    at_stake = staked(held, answers(base.state))
    kept_apart = without_log(base.state)
    files = bytes_of_agents(base.state)
    said, rules, reason = predicted(base.state)
    try:
        outcome = start(
            base.command,
            base.state,
            stay_s=SCHEDULER_S if re.search("job|auth|profiles|old-file", name) else 0,
            by_config=hurt.by_config,
        )
    except TimeoutError:
        assert told(base.release, "database_classes", name, said, "hangs"), (rules, reason)
        return
    now, aside = rows(base.state), False
    lost = gone(at_stake, now) if outcome.up else kept_apart - without_log(base.state)
    if any(row[0] == "set aside" for row in now - at_stake):
        lost = {row for row in lost if row[0] != "job"}  # kept with its text among those set aside
        aside = outcome.up
    taken = moved(lost, base.state) if outcome.up else set()
    lost -= taken
    happened = (
        "loses" if lost else "at-risk" if taken else "starts" if outcome.up else f"refuses, exit {outcome.code}"
    )
    if happened == "starts" and stranded(base.state):
        happened = "at-risk"
    if aside and happened == "starts":
        happened = "at-risk"  # the job does not run
    after = bytes_of_agents(base.state)
    closed = SET_ASIDE.search(outcome.log) and all(files.get(row[0]) == after.get(row[0], b"") for row in lost)
    if outcome.up and (closed or (cron_runs(base.state) and "[cron] failed to start" in outcome.log)):
        happened = "at-risk"
    if said == RUNNING and not outcome.up:
        happened = RUNNING
    agreed = told(
        base.release, "database_classes", name, said, happened, "" if said == happened else INTENDED.get(name, "")
    )
    assert agreed, (rules, reason, len(lost), outcome.code, outcome.log[-2000:])


def test_the_names_of_the_databases_are_those_of_the_release(base: Base) -> None:
    for path in (AGENT, SECOND, STATE, QUARANTINE):
        assert (base.stopped / path).exists()
    assert ("main", KEY) in {(agent, key) for agent, key, _ in rows(base.stopped)}
