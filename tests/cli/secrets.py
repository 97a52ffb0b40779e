"""A state directory with something in every place that holds names, and the names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cli.scenes import DAY, HOUR, Scene, ago, entry, job

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "the quick brown marker jumps over the lazy transcript"
"""Stands wherever message text stands; it may never be printed."""


@dataclass(frozen=True)
class Nouns:
    """The names to use. Each stands for what a field of its name holds."""

    agent: str = "workroom-alpha"
    session: str = "sess-bravo-1"
    other_session: str = "3c0ffee1-aaaa-4bbb-8ccc-ddddeeee0001"
    peer: str = "+4915112345678"
    group: str = "-1001234567890"
    topic: str = "topic-juliett"
    job: str = "Charlie payroll sync"
    job_id: str = "job-delta-9"
    lost_job: str = "Foxtrot parcels"
    lost_job_id: str = "job-golf-7"
    person: str = "Erika Mustermann"
    user: str = "erika"
    word: str = "oddly-spelled"
    file: str = "november notes"
    run: str = "run-oscar-3"
    account: str = "acct-papa"

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__ if name != "word")


def everything(root: Path, n: Nouns) -> Scene:
    """Two agents, conversations, cron runs, hooks, threads, orphans, archives, sidecars, locks, queues, subagents,
    foreign paths, lost jobs, and faults in all of them."""
    scene = Scene(root)
    sessions = f"agents/{n.agent}/sessions"
    home = f"/home/{n.user}/.openclaw"
    scene.config(
        meta={"lastTouchedVersion": "2026.4.25"},
        agents={"list": [{"id": "main", "default": True, "name": n.person}, {"id": n.agent}]},
        session={"maintenance": {"mode": "warn", "maxEntries": 4, "maxDiskBytes": "1gb", "pruneAfter": n.word}},
        channels={"telegram": {"botToken": MARKER, "allowFrom": [n.peer]}},
    )
    text: dict[str, Any] = {
        "skillsSnapshot": {"prompt": MARKER * 300, "skills": [{"name": MARKER}]},
        "label": n.person,
    }
    a = f"agent:{n.agent}"
    foreign: dict[str, Any] = {"sessionFile": f"{home}/agents/{n.agent}/sessions/{n.other_session}.jsonl"}
    archived: dict[str, Any] = {"sessionFile": f"{n.session}.jsonl", "origin": {"label": n.person, "from": n.peer}}
    entries: dict[str, Any] = {
        f"{a}:main": entry(n.session, ago(2 * HOUR), "running", abortedLastRun=True, **text),
        f"{a}:telegram:direct:{n.peer}": entry(n.other_session, ago(3 * DAY), **foreign, **text),
        f"{a}:whatsapp:{n.account}:direct:{n.peer}": entry(f"{n.session}-gone", ago(3 * DAY), **archived),
        f"{a}:telegram:group:{n.group}:topic:{n.topic}": entry(f"{n.session}-t", ago(DAY), n.word),
        f"{a}:TELEGRAM:group:{n.group}:topic:{n.topic}": entry(f"{n.session}-t", ago(DAY)),
        f"{a}:hook:{n.run}": None,
        f"{a}:explicit:{n.session}": entry("bad id " + n.person, ago(DAY), **text),
        f"{a}:cron:{n.job_id}": entry(n.session, ago(5 * HOUR), "running", **text),
        f"{a}:cron:{n.lost_job_id}:run:{n.run}": entry(n.run, ago(5 * HOUR), "failed", **text),
        f"{a}:subagent:{n.run}": entry(f"{n.run}-child", ago(5 * HOUR), "running", spawnedBy=f"{a}:main"),
        n.person: entry(n.session, ago(DAY), mode=MARKER),
    }
    for place in range(12):
        key = f"{a}:cron:{n.job_id}:run:{n.run}-{place}"
        entries[key] = entry(f"{n.run}-{place}", ago(5 * HOUR + place), "running", **text)
    store = json.dumps(entries, indent=2, ensure_ascii=True).replace('"mode"', f'"{n.word}"')
    twice = f'  "{a}:main": {{"sessionId": "{n.session}", "updatedAt": 1}},\n'
    scene.write(f"{sessions}/sessions.json", store[:2] + twice + store[2:] if _plain(n) else store, ago(HOUR))
    scene.store({"agent:main:main": entry(n.session, ago(9 * DAY), **text)})
    scene.store({f"agent:{n.word}:main": entry(n.run, ago(9 * DAY))}, agent=n.word)
    _files(scene, sessions, n)
    _beside(scene, a, n)
    return scene


def _plain(n: Nouns) -> bool:
    """Whether the names need no escape in JSON."""
    return json.dumps(n.agent + n.session) == f'"{n.agent}{n.session}"'


def _files(scene: Scene, sessions: str, n: Nouns) -> None:
    agent = n.agent
    scene.transcript(n.session, MARKER, agent=agent)
    scene.transcript(f"{n.session}-lost", MARKER, MARKER, agent=agent, at=ago(20 * DAY))
    scene.transcript(n.session, MARKER, agent=agent, name=f"{n.session}-topic-{n.topic}.jsonl")
    scene.transcript(n.session, MARKER, agent=agent, name=f"{n.session}-gone.jsonl.reset.2026-03-01T10-00-00.000Z")
    checkpoint = f"{n.session}.checkpoint.3c0ffee1-aaaa-4bbb-8ccc-ddddeeee0002.jsonl"
    scene.transcript(n.session, MARKER, agent=agent, name=checkpoint)
    scene.write(
        f"{sessions}/{n.session}-torn.jsonl", json.dumps({"type": "session", "id": n.session}) + f'\n{{"{MARKER}'
    )
    scene.write(f"{sessions}/{n.session}-headless.jsonl", MARKER)
    scene.write(f"{sessions}/{n.file}.txt", MARKER)
    scene.write(f"{sessions}/{n.session}.trajectory.jsonl", MARKER)
    scene.write(f"{sessions}/sessions.json.3c0ffee1-aaaa-4bbb-8ccc-ddddeeee0003.tmp", MARKER, ago(2 * DAY))
    scene.write(f"{sessions}/{n.session}.jsonl.bak-4242-1775000000000", MARKER)
    lock = {"pid": 4242, "createdAt": "2026-04-01T00:00:00Z", "configPath": f"/home/{n.user}/openclaw.json"}
    scene.json(f"{sessions}/{n.session}.jsonl.lock", lock)


def _beside(scene: Scene, a: str, n: Nouns) -> None:
    zombie = {"runningAtMs": ago(5 * HOUR), "lastRunStatus": n.word, "lastError": MARKER}
    payload = {"kind": "agentTurn", "message": MARKER}
    cron = {"kind": "cron", "expr": "0 7 * * *", "tz": "Europe/Berlin"}
    broken = {"id": f"{n.job_id}-x", "name": n.person, "schedule": n.word}
    scene.jobs(job(n.job_id, n.job, state=zombie, payload=payload, schedule=cron, agentId=n.agent), broken)
    scene.json("cron/jobs.json.bak", {"version": 1, "jobs": [job(n.lost_job_id, n.lost_job, payload=payload)]})
    scene.write(
        f"cron/runs/{n.job_id}.jsonl", json.dumps({"ts": ago(DAY), "status": n.word, "summary": MARKER}) + "\n"
    )
    scene.write(f"cron/runs/{n.lost_job_id}.jsonl", json.dumps({"ts": ago(DAY), "error": MARKER}) + "\n")
    run = {
        "runId": n.run,
        "childSessionKey": f"{a}:subagent:{n.run}-gone",
        "requesterSessionKey": f"{a}:telegram:direct:{n.peer}",
        "task": MARKER,
        "label": n.person,
        "cleanup": "keep",
        "spawnMode": "session",
        "createdAt": ago(2 * DAY),
        "endedAt": ago(2 * DAY - HOUR),
        "frozenResultText": MARKER,
    }
    scene.json("subagents/runs.json", {"version": 2, "runs": {n.run: run}})
    delivery = {"enqueuedAt": ago(2 * DAY), "channel": "telegram", "to": n.peer, "payloads": [{"text": MARKER}]}
    for place in range(30):
        scene.json(f"delivery-queue/{n.session}-{place}.json", delivery)
