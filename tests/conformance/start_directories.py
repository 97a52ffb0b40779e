"""State directories of the file era with every kind of thing that a start reacts to, for comparing the forecast with
what a real start does. Times are relative to `now` (epoch ms), the time of the start."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from .stand_in import MODEL

if TYPE_CHECKING:
    from pathlib import Path

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@dataclass(slots=True)
class Maker:
    """Writes one directory. `provider` and `more` go into its config; `split` puts the run state of jobs into
    jobs-state.json, where 2026.4.25 and 2026.5.22 keep it."""

    root: Path
    release: str
    now: int
    provider: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)
    split: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(5))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def file(self, path: str, value: object) -> Path:
        target = self.root / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
        target.chmod(0o600)
        return target

    def row(self, key: str, status: str | None = "done", age: int = HOUR, turns: int = 2, **more: object) -> str:
        """A session with a transcript of so many messages, whose last one is a person's where that is odd."""
        session = self.uuid()
        updated = self.now - age
        entry: dict[str, Any] = {"sessionId": session, "updatedAt": updated, "startedAt": updated - SECOND}
        self.rows[key] = entry | ({"status": status} if status else {}) | more
        if turns:
            self._transcript(session, turns, updated)
        return session

    def _transcript(self, session: str, turns: int, at: int) -> None:
        stamp = "2026-01-01T00:00:00.000Z"
        lines: list[dict[str, Any]] = [
            {"type": "session", "version": 3, "id": session, "timestamp": stamp, "cwd": "/"}
        ]
        for turn in range(turns):
            role = ("user", "assistant")[turn % 2]
            message: dict[str, Any] = {"role": role, "content": [{"type": "text", "text": f"message {turn}"}]}
            message["timestamp"] = at - (turns - turn) * SECOND
            if role == "assistant":
                usage = {"input": 1, "output": 1, "totalTokens": 2}
                message |= {"api": "openai-completions", "provider": "stand-in", "model": "ok", "usage": usage}
                message["stopReason"] = "stop"
            parent = f"{turn - 1:08x}" if turn else None
            lines.append(
                {
                    "type": "message",
                    "id": f"{turn:08x}",
                    "parentId": parent,
                    "timestamp": stamp,
                    "message": message,
                }
            )
        path = self.file(f"agents/main/sessions/{session}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        os.utime(path, (at / 1000, at / 1000))

    def job(self, name: str, state: dict[str, Any] | None = None, **more: object) -> str:
        """An isolated job with a turn every day, unless `more` says otherwise."""
        job: dict[str, Any] = {
            "id": self.uuid(),
            "name": name,
            "enabled": True,
            "agentId": "main",
            "createdAtMs": self.now - 90 * DAY,
            "updatedAtMs": self.now - DAY,
            "schedule": {"kind": "every", "everyMs": DAY, "anchorMs": self.now - 90 * DAY - 7 * HOUR},
            "sessionTarget": "isolated",
            "wakeMode": "now",
            "payload": {"kind": "agentTurn", "message": f"turn of {name}"},
            "delivery": {"mode": "none"},
            "state": state or {},
        }
        self.jobs.append(job | more)
        return str(job["id"])

    def bell(self, name: str, state: dict[str, Any], **more: object) -> str:
        """A system event for main."""
        payload = {"kind": "systemEvent", "text": f"event of {name}"}
        return self.job(name, state, sessionTarget="main", payload=payload, **more)

    def run(self, name: str, child: str, **more: object) -> None:
        """A subagent run of main."""
        self.runs[name] = {
            "runId": name,
            "childSessionKey": child,
            "requesterSessionKey": "agent:main:main",
            "requesterDisplayKey": "main",
            "task": "t",
            "cleanup": "keep",
        } | more

    def message(self, name: str, age: int, retries: int, folder: str = "") -> None:
        delivery = {
            "id": name,
            "enqueuedAt": self.now - age,
            "channel": "telegram",
            "to": "1001",
            "payloads": [{"text": "late"}],
            "retryCount": retries,
            "lastError": "x",
        }
        self.file(f"delivery-queue/{folder}{name}.json", delivery)

    def write(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = {
            "meta": {"lastTouchedVersion": self.release},
            "gateway": {
                "mode": "local",
                "auth": {"mode": "token", "token": "x"},
                "controlUi": {"enabled": False},
            },
            "plugins": {"enabled": False},
            "agents": {"list": [{"id": "main", "default": True}], "defaults": {"model": {"primary": MODEL}}},
        }
        self.file("openclaw.json", config | self.provider | self.more)
        if self.rows:
            self.file("agents/main/sessions/sessions.json", self.rows)
        if self.jobs and self.split:
            states = {job["id"]: {"updatedAtMs": self.now, "state": job.pop("state")} for job in self.jobs}
            self.file("cron/jobs-state.json", {"version": 1, "jobs": states})
        if self.jobs:
            self.file("cron/jobs.json", {"version": 1, "jobs": self.jobs})
        if self.runs:
            self.file("subagents/runs.json", {"version": 2, "runs": self.runs})


def quiet(make: Maker) -> None:
    """One conversation at rest."""
    make.row("agent:main:main")


def running(make: Maker) -> None:
    """Rows marked running of each kind."""
    make.row("agent:main:main", turns=4)
    make.row("agent:main:telegram:direct:1", "running", turns=3)
    make.row("agent:main:telegram:direct:2", "running", turns=4)
    make.row("agent:main:telegram:direct:3", "running", age=30 * HOUR, turns=3)
    make.row("agent:main:telegram:direct:4", "running", abortedLastRun=True, turns=3)
    make.row("agent:main:telegram:group:-5", "running", abortedLastRun=True, turns=5, chatType="group")
    make.row("agent:main:telegram:direct:6", "failed", abortedLastRun=True, turns=3)
    make.row("agent:main:telegram:direct:7", "running", turns=0)
    make.row("agent:main:explicit:model-run-1", "running", turns=1)
    job = make.job("later", {"nextRunAtMs": make.now + 5 * HOUR})
    make.row(f"agent:main:cron:{job}", "running", age=3 * HOUR, turns=1)
    for n in range(4):
        make.row(f"agent:main:cron:{job}:run:{make.uuid()}", "running", age=(n * 10 + 3) * HOUR, turns=1)
    for n in range(4):
        make.row(f"agent:main:cron:{job}:run:{make.uuid()}", "done", age=(n * 10 + 3) * HOUR, turns=2)


def jobs(make: Maker) -> None:
    """Jobs past due, missed, marked, one-shot, coming, disabled and never run."""
    make.row("agent:main:main", age=20 * MINUTE)
    due = {"nextRunAtMs": make.now - 2 * HOUR, "lastRunAtMs": make.now - 26 * HOUR, "lastRunStatus": "ok"}
    make.job("due one", dict(due))
    make.job("due two", dict(due))
    make.bell("due bell", dict(due))
    once = {"kind": "at", "at": _iso(make.now - HOUR)}
    at = {"nextRunAtMs": make.now - HOUR}
    make.job("once", dict(at), schedule=once)
    make.job("once and gone", dict(at), schedule=once, deleteAfterRun=True)
    make.bell("once bell", dict(at), schedule=once)
    make.job("marked fresh", {"nextRunAtMs": make.now - HOUR, "runningAtMs": make.now - HOUR})
    make.job("marked old", {"nextRunAtMs": make.now - HOUR, "runningAtMs": make.now - 29 * HOUR})
    make.job("marked once", {"nextRunAtMs": make.now - HOUR, "runningAtMs": make.now - HOUR}, schedule=once)
    missed = {"nextRunAtMs": make.now + 10 * HOUR, "lastRunAtMs": make.now - 30 * HOUR, "lastRunStatus": "ok"}
    make.job("missed", missed, schedule={"kind": "cron", "expr": "0 * * * *", "tz": "UTC"})
    make.job("soon", {"nextRunAtMs": make.now + 30 * MINUTE})
    make.job("later", {"nextRunAtMs": make.now + 5 * HOUR})
    make.job("off", dict(due), enabled=False)
    make.job("fresh")


def jobs_apart(make: Maker) -> None:
    """The same jobs, with their state in jobs-state.json."""
    make.split = True
    jobs(make)


def queue(make: Maker) -> None:
    """Messages that wait, a marker, one that was given up, and the note of a restart."""
    make.row("agent:main:main", age=20 * MINUTE)
    make.message("aaaa", 26 * HOUR, 1)
    make.message("bbbb", 2 * HOUR, 0)
    make.message("cccc", 40 * HOUR, 5)
    make.message("dddd", 126 * HOUR, 5, "failed/")
    make.file("delivery-queue/eeee.delivered", {"id": "eeee"})
    note = {"kind": "restart", "status": "ok", "ts": make.now - 60 * HOUR, "sessionKey": "agent:main:main"}
    make.file("restart-sentinel.json", {"version": 1, "payload": note | {"message": "Gateway restart"}})


def subagents(make: Maker) -> None:
    """Runs of subagents: open and ended, announced or not, past their archive date, and without a session."""
    make.row("agent:main:main", age=20 * MINUTE)
    child = "agent:main:subagent:{}".format
    now = make.now
    open_old, open_new, ended_old, ended_new, archived, kept = (child(make.uuid()) for _ in range(6))
    started = {"createdAt": now - 20 * HOUR, "startedAt": now - 20 * HOUR}
    recent = {"createdAt": now - 20 * MINUTE, "startedAt": now - 20 * MINUTE}
    ok = {"status": "ok"}
    done = {"cleanupHandled": True, "cleanupCompletedAt": now - 10 * HOUR}
    for key, status, age in (
        (open_old, "running", 20 * HOUR),
        (open_new, "running", 20 * MINUTE),
        (ended_old, "done", 19 * HOUR),
        (ended_new, "done", 10 * MINUTE),
        (archived, "done", 19 * HOUR),
        (kept, "done", 19 * HOUR),
        (child("no-run"), "running", 3 * HOUR),
    ):
        make.row(key, status, age, turns=3 if status == "running" else 2, spawnedBy="agent:main:main", spawnDepth=1)
    make.run("open-old", open_old, **started)
    make.run("open-new", open_new, **recent)
    make.run("ended-old", ended_old, **started, endedAt=now - 19 * HOUR, outcome=ok)
    make.run("ended-new", ended_new, **recent, endedAt=now - 10 * MINUTE, outcome=ok)
    make.run("archived", archived, **started, endedAt=now - 19 * HOUR, outcome=ok, archiveAtMs=now - HOUR, **done)
    make.run("kept", kept, **started, endedAt=now - 19 * HOUR, outcome=ok, **done)
    make.run("no-session", child("gone"), **started, endedAt=now - 19 * HOUR, outcome=ok, **done)


def cap(make: Maker) -> None:
    """More sessions than the cap, some past the age limit, and a job that is due: its run makes the gateway save."""
    make.more = {"session": {"maintenance": {"mode": "enforce", "maxEntries": 60, "pruneAfter": "10d"}}}
    make.row("agent:main:main", age=20 * MINUTE)
    for n in range(40):
        make.row(f"agent:main:telegram:direct:{n}", age=(n + 1) * 2 * HOUR)
    for n in range(5):
        make.row(f"agent:main:telegram:direct:old-{n}", age=(20 + n) * DAY)
    job = make.job("due", {"nextRunAtMs": make.now - HOUR})
    for _ in range(62):
        make.row(f"agent:main:cron:{job}:run:{make.uuid()}", age=make.random.randrange(1, 20) * HOUR)


def retention(make: Maker) -> None:
    """Run rows around a retention of six hours, with a job that is due."""
    make.more = {"cron": {"sessionRetention": "6h"}}
    make.row("agent:main:main", age=20 * MINUTE)
    job = make.job("due", {"nextRunAtMs": make.now - HOUR})
    for n in range(20):
        status = ("done", "running", "failed", None)[n % 4]
        make.row(f"agent:main:cron:{job}:run:{make.uuid()}", status, age=(n + 1) * HOUR)


def torn(make: Maker) -> None:
    """A store cut short, next to a job that is due."""
    make.row("agent:main:main")
    make.row("agent:main:telegram:direct:1")
    make.job("due", {"nextRunAtMs": make.now - HOUR})
    make.write()
    path = make.root / "agents/main/sessions/sessions.json"
    path.write_bytes(path.read_bytes()[:-40])
    make.rows = {}


def _iso(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


DIRECTORIES = {
    each.__name__: each for each in (quiet, running, jobs, jobs_apart, queue, subagents, cap, retention, torn)
}
