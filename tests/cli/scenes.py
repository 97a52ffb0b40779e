"""State directories made by hand: small, and the same bytes and times each time."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.harness import NOW_MS

Maker = Callable[[Path], "Scene"]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
UUID = "5f3a1c2e-1111-4222-8333-4444555566{:02d}".format


def ago(ms: int) -> int:
    return NOW_MS - ms


@dataclass(frozen=True)
class Scene:
    """A state directory to be. Everything written keeps the time it is given, by default a day before the clock."""

    root: Path

    def write(self, name: str, data: bytes | str, at: int = ago(DAY)) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        path.chmod(0o600)
        os.utime(path, ns=(at * 1_000_000, at * 1_000_000))
        return path

    def json(self, name: str, value: object, at: int = ago(DAY)) -> Path:
        # As the gateway writes it: two spaces, text unescaped where it can be.
        return self.write(name, json.dumps(value, indent=2, ensure_ascii=False), at)

    def config(self, **more: Any) -> Path:
        value = {"meta": {"lastTouchedVersion": "2026.3.28"}, "gateway": {"mode": "local", "port": 18789}, **more}
        return self.json("openclaw.json", value)

    def store(self, entries: dict[str, Any], agent: str = "main", at: int = ago(HOUR)) -> Path:
        return self.json(f"agents/{agent}/sessions/sessions.json", entries, at)

    def transcript(
        self, session_id: str, *words: str, agent: str = "main", name: str | None = None, at: int = ago(HOUR)
    ) -> Path:
        """A transcript in which a person says each of `words`, and is answered."""
        lines: list[dict[str, Any]] = [{"type": "session", "version": 3, "id": session_id, "cwd": "/work"}]
        for place, text in enumerate(words):
            turn = {"role": "user", "content": [{"type": "text", "text": text}]}
            reply = {"role": "assistant", "content": [{"type": "text", "text": f"re: {text}"}]}
            lines.append({"type": "message", "id": f"{place:07d}a", "message": turn})
            lines.append({"type": "message", "id": f"{place:07d}b", "message": reply})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return self.write(f"agents/{agent}/sessions/{name or session_id + '.jsonl'}", text, at)

    def jobs(self, *jobs: dict[str, Any]) -> Path:
        return self.json("cron/jobs.json", {"version": 1, "jobs": list(jobs)})


def entry(session_id: str, updated: int, status: str | None = "done", **more: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"sessionId": session_id, "updatedAt": updated}
    if status is not None:
        value |= {"status": status, "startedAt": updated - MINUTE}
    return value | more


def job(job_id: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": job_id,
        "name": name,
        "enabled": True,
        "createdAtMs": ago(30 * DAY),
        "updatedAtMs": ago(DAY),
        "schedule": {"kind": "every", "everyMs": 30 * MINUTE},
        "sessionTarget": "isolated",
        "wakeMode": "now",
        "payload": {"kind": "agentTurn", "message": "do it"},
        "state": {"nextRunAtMs": ago(-10 * MINUTE), "lastRunAtMs": ago(20 * MINUTE), "lastRunStatus": "ok"},
        **more,
    }


def healthy(root: Path) -> Scene:
    """A main session and a conversation, each with its transcript."""
    scene = Scene(root)
    scene.config()
    ids = UUID(1), UUID(2)
    scene.store(
        {
            "agent:main:main": entry(ids[0], ago(HOUR)),
            "agent:main:telegram:direct:1000001": entry(ids[1], ago(2 * HOUR), chatType="direct"),
        }
    )
    scene.transcript(ids[0], "good morning")
    scene.transcript(ids[1], "hello", at=ago(2 * HOUR))
    scene.jobs()
    return scene


def busy(root: Path) -> Scene:
    """Two agents, a job whose runs are stuck, unindexed history, an archive, a lost transcript, subagents."""
    scene = healthy(root)
    scene.config(agents={"list": [{"id": "main", "default": True}, {"id": "workroom"}]})
    runs = {
        f"agent:main:cron:nightly-backup:run:{UUID(10 + n)}": entry(
            UUID(10 + n), ago(5 * HOUR - (n // 5) * 30 * MINUTE), "running", skillsSnapshot={"prompt": "p" * 4000}
        )
        for n in range(15)
    }
    entries = {
        "agent:main:main": entry(UUID(1), ago(HOUR)),
        "agent:main:telegram:direct:1000001": entry(UUID(2), ago(2 * HOUR), chatType="direct"),
        "agent:main:whatsapp:group:120363041234567890@g.us": entry(UUID(3), ago(9 * DAY), "failed"),
        "agent:main:cron:nightly-backup": entry(UUID(10), ago(5 * HOUR), "running"),
        **runs,
    }
    scene.store(entries)
    scene.store({"agent:workroom:main": entry(UUID(40), ago(3 * DAY))}, "workroom", ago(3 * DAY))
    scene.transcript(UUID(40), "a plan", agent="workroom", at=ago(3 * DAY))
    scene.transcript(UUID(50), "forgotten, but not gone", at=ago(20 * DAY))
    scene.transcript(UUID(51), at=ago(20 * DAY))
    archive = f"{UUID(52)}.jsonl.deleted.2026-03-20T10-11-12.345Z"
    scene.transcript(UUID(52), "old", name=archive, at=ago(13 * DAY))
    state = {"runningAtMs": ago(5 * HOUR), "lastRunStatus": "error"}
    scene.jobs(job("nightly-backup", "nightly backup", state=state), job("unused", "tea time", enabled=False))
    registry = {
        f"run-{n}": {
            "runId": f"run-{n}",
            "childSessionKey": f"agent:main:subagent:{UUID(60 + n)}",
            "requesterSessionKey": "agent:main:main",
            "task": "look it up",
            "cleanup": "keep",
            "spawnMode": "session",
            "createdAt": ago(2 * DAY),
            "endedAt": ago(2 * DAY - HOUR),
        }
        for n in range(3)
    }
    scene.json("subagents/runs.json", {"version": 2, "runs": registry})
    return scene


def damaged(root: Path) -> Scene:
    """A store cut short, a backup beside it, and a second agent whose store is sound."""
    scene = busy(root)
    store = scene.root / "agents/main/sessions/sessions.json"
    data = store.read_bytes()
    scene.write("agents/main/sessions/sessions.json.bak.1775000000000", data, ago(2 * DAY))
    scene.write("agents/main/sessions/sessions.json", data[: len(data) * 2 // 3], ago(HOUR))
    return scene


def databases(root: Path) -> Scene:
    """An agent whose sessions are in a database with changes still in its -wal, another whose database is settled, a
    state database with changes in its -wal, and a store left over beside the first. No -shm anywhere."""
    scene = healthy(root)
    scene.config(meta={"lastTouchedVersion": "2026.9.6"})
    _database(scene, "agents/main/agent/openclaw-agent.sqlite", 23, settled=False)
    _database(scene, "agents/archive/agent/openclaw-agent.sqlite", 23, settled=True)
    _database(scene, "state/openclaw.sqlite", 18, settled=False)
    return scene


def mixed(root: Path) -> Scene:
    """Sessions in files, cron in a settled state database, which is opened to see that."""
    scene = healthy(root)
    scene.config(meta={"lastTouchedVersion": "2026.6.4"})
    _database(scene, "state/openclaw.sqlite", 1, settled=True)
    return scene


def _database(scene: Scene, name: str, version: int, *, settled: bool) -> None:
    made = scene.root.with_name(f"{scene.root.name}-making.sqlite")
    connection = sqlite3.connect(made)
    connection.executescript(
        f"PRAGMA journal_mode=WAL; PRAGMA user_version={version};"
        "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, status TEXT, entry_json TEXT) STRICT;"
        "CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT, enabled INTEGER) STRICT;"
    )
    connection.execute("INSERT INTO session_nodes VALUES ('agent:main:main', 'running', '{}')")
    connection.execute("INSERT INTO cron_jobs VALUES ('default', 'nightly', 1)")
    connection.commit()
    if settled:
        connection.close()
    scene.write(name, made.read_bytes())
    if not settled:
        wal = made.with_name(f"{made.name}-wal").read_bytes()
        assert wal
        scene.write(f"{name}-wal", wal)
        connection.close()
    made.unlink()
