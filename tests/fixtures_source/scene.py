"""One fixture in the making: rows, files and what has to be found, held in memory until it is written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatewaydoctor.fixtures.building.chance import Chance
from gatewaydoctor.fixtures.building.cronjobs import Job, every
from gatewaydoctor.fixtures.building.people import NAMES
from gatewaydoctor.fixtures.building.prose import paragraph
from gatewaydoctor.fixtures.building.recipe import DEFAULT_NOW
from gatewaydoctor.fixtures.building.template import iso, one_line, stringify
from gatewaydoctor.fixtures.building.transcripts import Role, Turn, header, transcript
from gatewaydoctor.fixtures.building.workspace import HOME
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE, SECOND
from gatewaydoctor.fixtures.validating.expectation import (
    EXPECTED,
    STATE,
    AgentSpec,
    Counts,
    Expectation,
    FaultSpec,
    FindingSpec,
    Stretch,
    encoded,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gatewaydoctor.model.gateway.era import Era
    from gatewaydoctor.model.outcome.finding import SeverityWord

NOW = DEFAULT_NOW
FILLER = "The same words again and again. "
"""The text that is stretched where a fixture stands for much larger files."""

JSON_ERA, CAPPING, CACHING, DATABASES = "2026.3.28", "2026.4.25", "2026.5.22", "2026.9.6"
"""One release of each policy."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of sessions.json. `entry` is a value, or the JSON text of one. `kind` and `status` are what the row has
    to be counted as."""

    key: str
    entry: Any
    kind: str
    status: str = "unknown"


@dataclass(slots=True)
class Scene:
    """Times are given as ages: ms before NOW. Paths are relative to the state directory."""

    name: str
    about: str
    release: str = JSON_ERA
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    mtimes: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    jobs: list[dict[str, object]] | None = None
    findings: list[FindingSpec] = field(default_factory=list)
    agents: dict[str, AgentSpec] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    gateway: str = "dead"
    ids: int = 0

    @property
    def chance(self) -> Chance:
        return Chance(1, "fixtures", self.name)

    def new_id(self) -> str:
        self.ids += 1
        return self.chance.uuid(self.ids)

    def ago(self, age: int) -> int:
        return NOW - age

    # Files

    def write(self, path: str, data: bytes, age: int = DAY) -> None:
        self.files[path] = data
        self.mtimes[path] = self.ago(age)

    def json(self, path: str, value: object, age: int = DAY) -> None:
        self.write(path, stringify(value).encode(), age)

    def sessions(self, name: str, agent: str = "main") -> str:
        return f"agents/{agent}/sessions/{name}"

    def stretch(self, path: str, times: int) -> None:
        self.machine.setdefault("stretch", {})[path] = Stretch(text=FILLER, times=times)

    def usage_lines(self, path: str, times: int) -> None:
        """One answer with token counts, as if it stood in this transcript so many times."""
        usage = {"input": 1200, "output": 90, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 1290}
        said = {"role": "assistant", "content": [{"type": "text", "text": "Noted."}], "usage": usage}
        answer = line(type="message", id="0000000f", parentId=None, message=said)
        head, _, rest = self.files[path].partition(b"\n")
        self.files[path] = head + b"\n" + answer + rest
        self.machine.setdefault("stretch", {})[path] = Stretch(text=answer.decode(), times=times)

    # Expectations

    def finds(self, rule: str, severity: SeverityWord, count: int = 1, agent: str | None = "main") -> None:
        self.findings.append(FindingSpec(rule=rule, severity=severity, count=count, agent_id=agent))

    def agent(
        self,
        agent: str = "main",
        *,
        era: Era | str = "files",
        readable: str = "absent",
        entries: int = 0,
        fault: tuple[str, int] | None = None,
    ) -> None:
        """What has to be said of an agent whose store is not simply the rows given."""
        told = FaultSpec(kind=fault[0], offset=fault[1]) if fault else None  # type: ignore[arg-type]
        self.agents[agent] = AgentSpec(era=era, readable=readable, entries=entries, fault=told)  # type: ignore[arg-type]

    # Rows

    def row(self, key: str, entry: Any, kind: str, status: str = "unknown", agent: str = "main") -> None:
        self.rows.setdefault(agent, []).append(Row(key, entry, kind, status))

    def session(
        self,
        key: str,
        kind: str,
        age: int,
        *,
        status: str | None = "done",
        agent: str = "main",
        session_id: str | None = None,
        written: bool = True,
        turns: Iterable[Turn] | None = None,
        **fields: object,
    ) -> str:
        """A row last updated `age` ago and, where `written`, its transcript of the same age. Returns the session id.

        The status None leaves the field out, as a session does that no lifecycle event reached.
        """
        session_id = session_id or self.new_id()
        entry: dict[str, object] = {"sessionId": session_id, "updatedAt": self.ago(age), "systemSent": True, **fields}
        self.row(f"agent:{agent}:{key}", entry | self._lifecycle(status, age), kind, status or "unknown", agent)
        if written:
            self.transcript(session_id, age, turns, agent)
        return session_id

    def _lifecycle(self, status: str | None, age: int) -> dict[str, object]:
        if status is None:
            return {}
        started = self.ago(age) - (0 if status == "running" else 20 * SECOND)
        ended = {} if status == "running" else {"endedAt": self.ago(age), "runtimeMs": 20 * SECOND}
        return {"status": status, "startedAt": started, **ended, "abortedLastRun": status == "killed"}

    def main(self, age: int = HOUR, **options: Any) -> str:
        return self.session("main", "main", age, **options)

    def direct(self, age: int, number: int = 0, **options: Any) -> str:
        """A conversation with one of the fixture's contacts."""
        peer = str(100_000_000 + self.chance.below(500 + number, 900_000_000))
        origin = {"label": NAMES[number % len(NAMES)], "provider": "telegram", "chatType": "direct"}
        return self.session(
            f"telegram:direct:{peer}", "direct", age, **({"chatType": "direct", "origin": origin} | options)
        )

    def people(self) -> None:
        """The main session and two conversations, all at rest: what most fixtures have besides what they show."""
        self.main(2 * HOUR)
        self.direct(5 * HOUR, 1)
        self.direct(3 * DAY, 2)

    # Transcripts

    def talk(self, age: int, exchanges: int = 2, seed: int = 0) -> Iterator[Turn]:
        """Questions of a person and their answers, the last one `age` ago."""
        for index in range(exchanges):
            at = self.ago(age) - (exchanges - 1 - index) * 10 * MINUTE
            question = paragraph(self.chance, 1000 + 10 * seed + index, 1)
            yield Turn(Role.USER, at - MINUTE, question.encode())
            yield Turn(Role.ASSISTANT, at, paragraph(self.chance, 2000 + 10 * seed + index, 1).encode())

    def machine_talk(self, prompt: bytes, age: int) -> Iterator[Turn]:
        yield Turn(Role.USER, self.ago(age) - 20 * SECOND, prompt)
        yield Turn(Role.ASSISTANT, self.ago(age), b"Done; there was nothing to report.")

    def lines(self, session_id: str, age: int, turns: Iterable[Turn] | None = None) -> bytes:
        """A whole transcript; without `turns` a person's."""
        turns = tuple(self.talk(age, seed=self.ids) if turns is None else turns)
        started = (turns[0].at if turns else self.ago(age)) - 2 * SECOND
        return b"".join(transcript(session_id, started, turns, Chance(1, self.name, session_id)))

    def transcript(self, session_id: str, age: int, turns: Iterable[Turn] | None = None, agent: str = "main") -> str:
        path = self.sessions(f"{session_id}.jsonl", agent)
        self.write(path, self.lines(session_id, age, turns), age)
        return path

    def header_only(self, session_id: str, age: int) -> None:
        self.write(self.sessions(f"{session_id}.jsonl"), header(session_id, self.ago(age)), age)

    # Cron

    def job(self, name: str, interval: int = HOUR, *, created: int = 60 * DAY, **state: object) -> Job:
        """An isolated job that jobs.json names. `state` is its run state."""
        schedule = every(interval, self.ago(created))
        job = Job(self.new_id(), name, f"Do the work of {name}.", schedule, self.ago(created))
        if self.jobs is None:
            self.jobs = []
        known = {
            "nextRunAtMs": NOW + interval - created % interval,
            "lastRunAtMs": NOW - interval,
            "lastRunStatus": "ok",
        }
        self.jobs.append(job.record(known | state, self.ago(HOUR)))
        return job

    def run(self, job: Job, age: int, *, status: str | None = "done", written: bool = True, **fields: Any) -> str:
        """A run row of a job, and its transcript."""
        session_id = self.new_id()
        turns = self.machine_talk(job.prompt(self.ago(age)), age) if written else None
        self.session(
            f"cron:{job.id}:run:{session_id}",
            "cron-run",
            age,
            status=status,
            session_id=session_id,
            written=written,
            turns=turns,
            label=f"Cron: {job.name}",
            **fields,
        )
        return session_id

    def base(self, job: Job, session_id: str, age: int, *, status: str | None = "done", **fields: Any) -> None:
        """The base row of a job: it names the session of the newest run."""
        label = f"Cron: {job.name}"
        self.session(
            f"cron:{job.id}",
            "cron-base",
            age,
            status=status,
            session_id=session_id,
            written=False,
            label=label,
            **fields,
        )

    # The end

    def finish(self) -> Mapping[str, bytes]:
        """Every file of the fixture by its path, expected.json included."""
        if "openclaw.json" not in self.files:
            self.json("openclaw.json", self.config(), 9 * DAY)
        for agent, rows in self.rows.items():
            path = self.sessions("sessions.json", agent)
            if path not in self.files:
                newest = min((age for age in map(self._age_of, rows) if age is not None), default=DAY)
                self.write(path, store_text(rows), newest)
            self.agents.setdefault(agent, AgentSpec(era="files", readable="yes", entries=len(_seen(rows))))  # type: ignore[arg-type]
        if self.jobs is not None and "cron/jobs.json" not in self.files:
            self.json("cron/jobs.json", {"version": 1, "jobs": self.jobs}, HOUR)
        files = {f"{STATE}/{path}": data for path, data in sorted(self.files.items())}
        return files | {EXPECTED: encoded(self.expectation())}

    def config(self) -> dict[str, Any]:
        sections: dict[str, Any] = {
            "meta": {"lastTouchedVersion": self.release, "lastTouchedAt": iso(self.ago(9 * DAY))},
            "agents": {"defaults": {"workspace": f"{HOME}/workspace"}},
            "gateway": {"port": 18789, "mode": "local", "bind": "loopback"},
        }
        return sections | self.settings

    def expectation(self) -> Expectation:
        counts = {agent: _counts(rows) for agent, rows in self.rows.items()}
        return Expectation(
            schema_version="1.0",
            about=self.about,
            now=written(NOW),
            state_dir=HOME,
            mtimes={path: written(at) for path, at in sorted(self.mtimes.items())},
            findings=tuple(self.findings),
            distribution={agent: count for agent, count in counts.items() if count.status},
            agents=self.agents,
            gateway=self.gateway,  # type: ignore[arg-type]
            **self.machine,
        )

    def _age_of(self, row: Row) -> int | None:
        at = row.entry.get("updatedAt") if isinstance(row.entry, dict) else None
        return NOW - at if isinstance(at, int) else None


def store_text(rows: Iterable[Row]) -> bytes:
    """A sessions.json as the gateway lays it out. Lone surrogates stay escapes."""
    members = (f"  {json.dumps(row.key)}: {_value(row.entry)}" for row in rows)
    body = ",\n".join(members)
    return f"{{\n{body}\n}}".encode() if body else b"{}"


def _value(entry: Any) -> str:
    return entry if isinstance(entry, str) else stringify(entry, depth=1)


def _seen(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Of rows with one key the last, which is the one the gateway sees."""
    return tuple({row.key: row for row in rows}.values())


def _counts(rows: Iterable[Row]) -> Counts:
    members = _seen(rows)
    status = Counter(row.status for row in members)
    kinds = Counter(row.kind for row in members)
    return Counts(status=dict(sorted(status.items())), kind=dict(sorted(kinds.items())))  # type: ignore[arg-type]


def prompt_of() -> dict[str, Any]:
    """A small skillsSnapshot whose prompt can be stretched."""
    return {"skillsSnapshot": {"prompt": FILLER, "skills": [], "version": NOW - 12 * DAY}}


def cut_middle(data: bytes, after: bytes) -> bytes:
    """Everything up to and including the last `after`: a file whose writing stopped there."""
    return data[: data.rindex(after) + len(after)]


FIXTURES: dict[str, tuple[str, Callable[[Scene], None]]] = {}
"""Name -> what it shows, and what builds it. Filled by the modules of this package."""


def fixture(about: str) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Register a builder; the fixture is named after it, with dashes."""

    def register(build: Callable[[Scene], None]) -> Callable[[Scene], None]:
        name = build.__name__.replace("_", "-")
        if name in FIXTURES:
            raise ValueError(f"fixture {name} is there twice")
        FIXTURES[name] = (about, build)
        return build

    return register


def line(**fields: object) -> bytes:
    """One line of a .jsonl file."""
    return one_line(fields).encode() + b"\n"
