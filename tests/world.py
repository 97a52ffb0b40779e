"""Small state directories for tests: a few calls write one, another examines and judges it with a dead gateway."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from gatewaydoctor.checks.judge import judge
from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.examine.examiner import examine
from gatewaydoctor.examine.world import Depth, Where, World
from gatewaydoctor.system.fs import DiskSpace, OsReadFs
from tests.state.fakes import BOOT, FakeProcesses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
NOW = BOOT + 100 * DAY
"""Epoch ms of every examination: a hundred days after the fake machine booted."""

PORT = 18_791


class RoomyFs(OsReadFs):
    """The real file system on a volume of made-up size, so that no test depends on the machine's disk."""

    def __init__(self, available: int = 10**12, inodes: int | None = 10**9) -> None:
        self._space = DiskSpace(2 * 10**12, available, inodes)

    def space(self, path: Path) -> DiskSpace:
        path.stat()
        return self._space


def session_id(number: int) -> str:
    return f"{number:08x}-aaaa-4bbb-8ccc-0123456789ab"


def row(number: int = 1, *, age: int = DAY, status: str | None = "done", **more: object) -> dict[str, object]:
    """An entry last touched `age` ms before NOW."""
    entry: dict[str, object] = {"sessionId": session_id(number), "updatedAt": NOW - age}
    if status is not None:
        entry["status"] = status
    return entry | more


def run_key(job: str, number: int, agent: str = "main") -> str:
    return f"agent:{agent}:cron:{job}:run:{session_id(number)}"


def job(job_id: str, **more: object) -> dict[str, object]:
    """A sound isolated job that runs every half hour."""
    return {
        "id": job_id,
        "name": f"name of {job_id}",
        "enabled": True,
        "schedule": {"kind": "every", "everyMs": 30 * MINUTE},
        "sessionTarget": "isolated",
        "payload": {"kind": "agentTurn", "message": "go"},
        "state": {},
    } | more


def header(identity: str) -> bytes:
    return _line(
        {"type": "session", "version": 3, "id": identity, "timestamp": "2027-01-01T00:00:00.000Z", "cwd": "/"}
    )


def said(text: str, role: str = "user") -> bytes:
    """One message of a person, or of another role."""
    message = {"role": role, "content": [{"type": "text", "text": text}], "timestamp": NOW - DAY}
    return _line({"type": "message", "id": "aaaaaaaa", "parentId": None, "message": message})


def talk(number: int) -> bytes:
    """A whole transcript with a question and an answer."""
    return header(session_id(number)) + said("a question") + said("an answer", "assistant")


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


class StateDir:
    """A state directory under `root`. Files are 0600 and `age` ms old at NOW, directories 0700."""

    def __init__(self, root: Path, release: str | None = "2026.3.28") -> None:
        self.root = root / ".openclaw"
        self.root.mkdir(mode=0o700)
        self.release = release
        self.config({})

    def file(self, path: str, data: bytes | str | object, age: int = DAY) -> Path:
        """Write bytes, text, or a value as the JSON the gateway writes."""
        target = self.root / path
        for parent in reversed(target.relative_to(self.root).parents[:-1]):
            (self.root / parent).mkdir(mode=0o700, exist_ok=True)
        if isinstance(data, str):
            data = data.encode()
        target.write_bytes(data if isinstance(data, bytes) else json.dumps(data, indent=2).encode())
        target.chmod(0o600)
        return self.touch(target, age)

    def touch(self, target: Path, age: int) -> Path:
        at = (NOW - age) / 1000
        os.utime(target, (at, at), follow_symlinks=False)
        return target

    def config(self, sections: Mapping[str, object], name: str = "openclaw.json") -> Path:
        """Write openclaw.json with the release's stamp, a port of its own, and these sections."""
        base: dict[str, object] = {"gateway": {"mode": "local", "port": PORT}}
        if self.release is not None:
            base["meta"] = {"lastTouchedVersion": self.release}
        return self.file(name, base | dict(sections))

    def maintenance(self, **settings: object) -> Path:
        return self.config({"session": {"maintenance": settings}})

    def store(self, rows: Mapping[str, object] | bytes, agent: str = "main", age: int = DAY) -> Path:
        """Write a store, and nothing beside it."""
        return self.file(f"agents/{agent}/sessions/sessions.json", rows, age)

    def transcript(self, number: int, data: bytes | None = None, agent: str = "main", age: int = DAY) -> Path:
        """Write the transcript of session `number`; without `data` a sound one."""
        return self.beside(f"{session_id(number)}.jsonl", talk(number) if data is None else data, agent, age)

    def beside(self, name: str, data: bytes | str | object = b"x", agent: str = "main", age: int = DAY) -> Path:
        """Write any file into an agent's sessions directory."""
        return self.file(f"agents/{agent}/sessions/{name}", data, age)

    def jobs(self, jobs: Iterable[object], name: str = "jobs.json", age: int = DAY) -> Path:
        return self.file(f"cron/{name}", {"version": 1, "jobs": list(jobs)}, age)

    def subagents(self, runs: Iterable[Mapping[str, object]]) -> Path:
        return self.file("subagents/runs.json", {"version": 2, "runs": {str(run["runId"]): run for run in runs}})

    def healthy(self) -> StateDir:
        """A day of an ordinary gateway: a person, a cron job with its finished runs, a subagent, all with files."""
        numbers = {"agent:main:main": 1, "agent:main:telegram:direct:1000": 2, "agent:main:subagent:child": 3}
        rows: dict[str, object] = {key: row(number, age=HOUR) for key, number in numbers.items()}
        rows["agent:main:cron:backup"] = row(10, age=HOUR)
        rows |= {run_key("backup", number): row(number, age=(number - 9) * HOUR) for number in range(10, 20)}
        self.store(rows, age=HOUR)
        for number in (1, 2, 3, *range(10, 20)):
            self.transcript(number, age=HOUR)
        ran = {"lastRunAtMs": NOW - HOUR, "lastRunStatus": "ok"}
        self.jobs([job("backup", state={"nextRunAtMs": NOW + 20 * MINUTE} | ran)])
        return self

    def examine(
        self,
        *,
        where: Where | None = None,
        fs: ReadFs | None = None,
        processes: Processes | None = None,
        answers: bool = False,
        machine_clock: bool = False,
    ) -> Examination:
        """Look at it. The gateway is dead unless `answers` (its port does) or `processes` say otherwise."""
        world = World(
            fs or RoomyFs(),
            {"HOME": str(self.root.parent)},
            processes or FakeProcesses(own_uid=os.getuid()),
            lambda port: answers,
            NOW,
            str(self.root),
            machine_clock=machine_clock,
        )
        return examine(world, where or Where(state_dir=str(self.root)), Depth())

    def judge(self, thresholds: Thresholds | None = None, **how: object) -> Judgement:
        return judge(self.examine(**how), thresholds or Thresholds())  # type: ignore[arg-type]

    def findings(self, rule: str, thresholds: Thresholds | None = None, **how: object) -> tuple[Finding, ...]:
        """The findings of one rule."""
        return self.judge(thresholds, **how).of(rule)

    def only(self, rule: str, thresholds: Thresholds | None = None, **how: object) -> Finding:
        """The one finding of that rule; fails unless there is exactly one."""
        (found,) = self.findings(rule, thresholds, **how)
        return found
