"""Secrets of every kind, and state directories of each era that have them in every file, table, name and argument."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, log_of, state_database
from tests.repair import agentdb
from tests.world import DAY, HOUR, NOW, StateDir, header, job, row, said, session_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = "Zwiebelkuchen beim Notar verschweigen"
"""What somebody wrote: never printed, with or without --redact."""

SECRETS = {
    "name": "Walpurga Oedenwald",
    "token": "sk-live-51HqZtXwvRkQp",
    "phone": "+4916055501234",
    "spaced phone": "+49 160 555 012 37",
    "dashed phone": "(212) 867-5309",
    "path": "/home/walpurga/Geheimakte/Oedenwald",
    "id": "7b1de5ad-c0de-4bad-8f00-5ca1ab1e0b57",
    "time": "2026-03-17T05:43:21.987Z",
    "number": "731946285",
    "account": "DE89370400440532013000",
    "mail": "walpurga.oedenwald@firmabeispiel.example",
    "url": "https://walpurga:Hunzter@intern.firmabeispiel.example:8443/kasse?schluessel=Qw7xYtr9",
    "address": "fd12:3456:789a:1::beef",
}
AGENT = "walpurgas-kanzlei"
MILLISECONDS = 1_773_726_201_987
_OPEN = frozenset(
    [
        "label",
        "name",
        "displayName",
        "subject",
        "title",
        "description",
        "channel",
        "to",
        "from",
        "accountId",
        "lastAccountId",
        "agentId",
    ]
)
_WRITTEN = frozenset(
    ["message", "content", "text", "prompt", "task", "summary", "error", "lastError", "frozenResultText", "delta"]
)


def pieces() -> frozenset[str]:
    """What of a secret may be in no output: words of four letters, numbers of four digits, and the whole."""
    found = {MESSAGE, AGENT, *SECRETS.values(), str(MILLISECONDS), "867-", "555 012", "43:21"}
    for secret in (*SECRETS.values(), AGENT, MESSAGE):
        found |= set(re.findall(r"[^\W\d_]{4,}", secret)) | set(re.findall(r"\d{4,}", secret))
    return frozenset(found - {"https", "home", "live", "example", "2026", "beim"})


def planted(value: object, field: str = "") -> object:
    """A JSON value with a secret in every field that anybody may fill, and fields of secret names in every object."""
    match value:
        case dict():
            more = {f"{kind} {secret}": secret for kind, secret in SECRETS.items()}
            return {name: planted(item, name) for name, item in value.items()} | {
                SECRETS["name"]: more,
                SECRETS["token"]: [MILLISECONDS, MESSAGE],
            }
        case list():
            return [planted(item, field) for item in value]
        case str() if field in _WRITTEN:
            return MESSAGE
        case str() if field in _OPEN:
            return " ".join((SECRETS["name"], SECRETS["mail"], SECRETS["dashed phone"]))
        case _:
            return value


def keys(agent: str) -> Iterator[str]:
    """Session keys with each secret in them."""
    for secret in SECRETS.values():
        yield from (f"agent:{agent}:telegram:direct:{secret}", f"agent:{agent}:cron:{secret}:run:{secret}")
        yield from (f"agent:{agent}:hook:{secret}", f"agent:{agent}:subagent:{secret}", secret)


def rows(agent: str) -> dict[str, object]:
    """Sessions of all states under those keys, with secrets for ids, files and times."""
    found: dict[str, object] = {}
    odd = (*SECRETS.values(), None, 5)
    for place, key in enumerate(keys(agent)):
        status = ("running", "done", SECRETS["name"], "failed")[place % 4]
        fields = row(
            place, age=place * HOUR, status=status, sessionFile=odd[place % len(odd)], label="x", spawnedBy=key
        )
        if place % 3 == 0:
            fields |= {"sessionId": odd[place % len(SECRETS)], "updatedAt": MILLISECONDS}
        found[key] = planted(fields | {"origin": {"from": "x"}, "skillsSnapshot": {"prompt": "x" * 2_000}})
    found[f"agent:{agent}:main"] = SECRETS["name"]
    return found


def files(root: Path, release: str = "2026.4.25") -> StateDir:
    """The era of files: stores, transcripts, queues, jobs, runs, locks, archives, parked sessions, config."""
    state = StateDir(root, release)
    config = {"agents": {"list": [{"id": "main", "default": True, "name": "x"}, {"id": AGENT}]}}
    config |= {"channels": {"telegram": {"botToken": SECRETS["token"], "allowFrom": [SECRETS["phone"]]}}}
    config |= {"env": {"vars": {SECRETS["name"]: SECRETS["token"]}}, "session": {"maintenance": {"maxEntries": 20}}}
    config |= {"gateway": {"mode": "local", "auth": {"token": SECRETS["token"]}, "remote": {"url": SECRETS["url"]}}}
    state.config(config | {SECRETS["name"]: SECRETS["path"]})
    for agent in ("main", AGENT):
        state.store(rows(agent), agent)
        _transcripts(state, agent)
    _beside(state)
    return state


def _transcripts(state: StateDir, agent: str) -> None:
    for place in range(0, 30, 2):
        state.transcript(place, header(session_id(place)) + said(MESSAGE), agent)
    for kind, secret in SECRETS.items():
        name = secret.replace("/", "_")
        state.beside(f"{name}.jsonl", header(secret) + said(MESSAGE) * 3, agent)
        state.beside(f"{name}.jsonl.reset.2026-03-17T05-43-21.987Z", header(secret) + said(MESSAGE), agent)
        state.beside(f"{name}.{kind}", MESSAGE, agent)
        state.beside(
            f"{name}.jsonl.lock", {"pid": 999_999, "createdAt": SECRETS["time"], "configPath": secret}, agent
        )
        state.beside(f"sessions.json.{name}.tmp", MESSAGE + secret, agent)
    state.beside("torn.jsonl", header(SECRETS["id"]) + b'{"' + MESSAGE.encode(), agent)
    state.beside("sessions.json.bak.1773726201987", rows(agent), agent)
    state.beside("parked-1773726201987.json", {SECRETS["name"]: planted(row(1))}, agent)


def _beside(state: StateDir) -> None:
    jobs = [
        job(
            secret,
            name=f"{kind} {secret}",
            description=secret,
            schedule={"kind": "cron", "expr": secret, "tz": secret},
        )
        for kind, secret in SECRETS.items()
    ]
    zombie = {"runningAtMs": MILLISECONDS, "lastError": MESSAGE, "lastStatus": SECRETS["name"]}
    jobs += [job(f"{secret}-2", name=secret, state=zombie, agentId=secret) for secret in SECRETS.values()]
    state.jobs([planted(each) for each in jobs] + [SECRETS["name"]])
    state.jobs([planted(job(f"{secret}-3")) for secret in SECRETS.values()], "jobs.json.bak")
    ended = {"cleanup": "keep", "spawnMode": "session", "createdAt": NOW - 3 * DAY, "endedAt": NOW - 2 * DAY}
    runs = [{"runId": each, "childSessionKey": f"agent:main:subagent:{each}"} | ended for each in SECRETS.values()]
    state.subagents(
        [planted(run | {"task": "x", "label": "x", "requesterSessionKey": "agent:main:main"}) for run in runs]
    )  # type: ignore[misc]
    for kind, secret in SECRETS.items():
        name = secret.replace("/", "_")
        state.file(
            f"cron/runs/{name}.jsonl", json.dumps({"ts": MILLISECONDS, "status": secret, "error": MESSAGE}) + "\n"
        )
        queued = {"enqueuedAt": MILLISECONDS, "channel": "telegram", "to": secret, "payloads": [{"text": MESSAGE}]}
        state.file(f"delivery-queue/{name}.json", queued, age=2 * DAY)
        state.file(f"{name}/{kind}.json", {secret: secret})
    state.file("credentials/telegram.json", {"token": SECRETS["token"]})


def databases(root: Path) -> StateDir:
    """The era of databases, with a leftover store, a log, renamed copies and the rows of every table planted."""
    state = StateDir(root, "2026.9.6")
    agents = {"agents": {"list": [{"id": "main", "default": True, "name": "x"}, {"id": AGENT}]}}
    state.config(agents | {SECRETS["name"]: SECRETS["path"]})
    agentdb.make(state.root, {key: ("running", "done", "failed")[n % 3] for n, key in enumerate(keys("main"))})
    listed = [(key, f"{key}!", NOW - HOUR) for key in keys(AGENT)]
    second = agent_database(AGENT_VERSION, {"done": 2}, agent_id=AGENT, rows=listed)
    state.file(f"agents/{AGENT}/agent/openclaw-agent.sqlite", second)
    waiting = [(secret, "pending", MILLISECONDS) for secret in SECRETS.values()]
    whole = state_database(
        STATE_VERSION, 3, store_key=SECRETS["path"], agents=("main", AGENT, *SECRETS.values()),
        lease=(SECRETS["name"], MILLISECONDS), started="2026.9.6", deliveries=waiting,
    )  # fmt: skip
    state.file("state/openclaw.sqlite", whole)
    for path in state.root.rglob("*.sqlite"):
        _plant_rows(path)
    data = (state.root / f"agents/{AGENT}/agent/openclaw-agent.sqlite").read_bytes()
    state.file(f"agents/{AGENT}/agent/openclaw-agent.sqlite.corrupt-1773726201987", data)
    if len(data) % 512 == 0:
        state.file(f"agents/{AGENT}/agent/openclaw-agent.sqlite-wal", log_of(data))
    state.store(dict(list(rows("main").items())[:8]))
    _transcripts(state, "main")
    _beside(state)
    return state


def _plant_rows(path: Path) -> None:
    """Every text of every table is planted where its constraints allow."""
    log = path.with_name(f"{path.name}-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        names = [str(name) for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in names:
            if "fts" in table or table == "schema_meta":
                continue
            for number, column, kind, *_ in list(database.execute(f"PRAGMA table_info({table})")):
                if kind != "TEXT" or (number == 0 and column != "queue_name"):
                    continue
                _plant_column(database, table, column)
        if log.exists():
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _plant_column(database: sqlite3.Connection, table: str, column: str) -> None:
    for rowid, text in list(database.execute(f"SELECT rowid, {column} FROM {table}")):
        fresh: Any = SECRETS["name"]
        with suppress(TypeError, ValueError):
            fresh = json.dumps(planted(json.loads(text)))
        with suppress(sqlite3.Error):
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (fresh, rowid))
