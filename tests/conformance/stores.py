"""Random session stores with the directories around them, for comparing the reference store with real releases.

Every shape gateway.md section 2 to 5 speak of turns up, and so does nonsense: wrong types, foreign paths, torn files.
Ages keep well away from the retention limits, so that a minute more or less between two runs changes nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000
MAINTENANCE: tuple[dict[str, Any], ...] = (
    {},
    {"maxEntries": 10},
    {"maxEntries": 3, "pruneAfter": "7d", "resetArchiveRetention": "2d"},
    {"maxEntries": 25, "resetArchiveRetention": False},
    {"pruneAfter": "36h", "maxEntries": 40},
    {"maxEntries": 12, "rotateBytes": "1kb"},
    {"maxEntries": 20, "maxDiskBytes": "6kb"},
    {"maxDiskBytes": "12kb", "highWaterBytes": "3kb"},
    {"maxDiskBytes": 2500, "maxEntries": 30, "pruneAfter": 60},
    {"maxDiskBytes": "1mb", "rotateBytes": "2kb", "mode": "warn"},
)


class Raw(str):
    """A JSON text to be written as it is."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object that may say a key twice."""


@dataclass(frozen=True, slots=True)
class Case:
    """One store: its bytes (None: no file) and the files beside it as (name, bytes, age in ms)."""

    seed: int
    store: bytes | None
    files: tuple[tuple[str, bytes, int], ...]
    folders: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def make_case(seed: int, sessions: Path, now_ms: int) -> Case:
    """The store of this seed, whose rows may name absolute paths below `sessions`."""
    return _Maker(Random(seed), sessions, now_ms).case(seed)


def write_case(case: Case, sessions: Path, now_ms: int) -> None:
    """Lay the case out in `sessions`, replacing what is there."""
    shutil.rmtree(sessions, ignore_errors=True)
    sessions.mkdir(parents=True)
    for name in case.folders:
        (sessions / name).mkdir()
    for name, data, age in case.files:
        if not (sessions / name).exists():
            (sessions / name).write_bytes(data)
            os.utime(sessions / name, ns=((now_ms - age) * 1_000_000,) * 2)
    for name, target in case.links:
        if not (sessions / name).exists():
            (sessions / name).symlink_to(target)
    if case.store is not None:
        (sessions / "sessions.json").write_bytes(case.store)


@dataclass(slots=True)
class _Maker:
    random: Random
    sessions: Path
    now_ms: int

    def case(self, seed: int) -> Case:
        ids = [self.uuid() for _ in range(self.random.randrange(1, 40))]
        count = self.random.choice((0, 1, 3, 8, 20, 45, 45, 90))
        wild = self.random.random() < 0.6
        rows = Pairs((self.key(ids), self.row(ids, wild=wild)) for _ in range(count))
        if rows and self.chance(0.3):
            rows.append((self.random.choice(rows)[0], self.row(ids, wild=wild)))
        return Case(
            seed,
            self.damage(dump(rows, self.random).encode()),
            tuple(self.file(ids) for _ in range(self.random.randrange(0, 40))),
            tuple(f"{self.pick(ids)}.jsonl" for _ in range(self.random.randrange(2))),
            tuple((f"link-{i}.jsonl", f"{self.pick(ids)}.jsonl") for i in range(self.random.randrange(2))),
        )

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def uuid(self) -> str:
        bits = f"{self.random.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{self.pick('89ab')}{bits[17:20]}-{bits[20:]}"

    def age(self) -> int:
        """Never within an hour of any limit in MAINTENANCE."""
        days = self.pick((0.01, 0.2, 0.5, 1, 1, 3, 5, 6, 8, 10, 20, 28, 32, 45, 70, 200))
        return int((days + self.random.uniform(0.1, 0.4)) * DAY_MS) if days > 0.01 else 900_000

    def damage(self, data: bytes) -> bytes | None:
        match self.random.randrange(40):
            case 0:
                return None
            case 1:
                return data[: len(data) // 2]
            case 2:
                return self.pick((b"", b"[]", b"null", b"7", b'"x"', b"{} {}", b'{"a":NaN}', b'{"a":"\t"}'))
            case 3:
                return b"\xef\xbb\xbf" + data
            case 4:
                return data.replace(b"a", b"\xff", 3)
            case 5:
                return data + b"\n"
        return data

    def key(self, ids: list[str]) -> str:
        one, other = self.pick(ids), self.pick(ids)
        key: str = self.pick(
            (
                "agent:main:main",
                f"agent:main:cron:{one[:8]}",
                f"agent:main:cron:{one[:8]}:run:{other}",
                f"agent:main:cron:{one[:8]}:run:{other}",
                f"agent:main:cron:{one[:8]}:run:{other}:heartbeat",
                f"agent:main:subagent:{one}",
                f"subagent:{one}",
                f"acp:{one}",
                f"agent:main:acp:{one}",
                f"hook:{one}",
                f"agent:main:hook:{one}",
                f"agent:main:node-{one}",
                f"node:{one}",
                "agent:main:heartbeat",
                f"agent:main:direct:{one[:6]}",
                f"agent:main:telegram:direct:{one[:6]}",
                f"agent:main:telegram:group:-100{one[:4]}:topic:7",
                f"agent:main:Telegram:Group:{one[:6]}",
                f"telegram:dm:{one[:6]}:topic:{other[:3]}",
                f"agent:main:signal:group:AbC{one[:4]}=",
                f"agent:main:slack:channel:C{one[:5]}:thread:{other[:4]}",
                f"agent:main:discord:channel:{one[:5]}",
                f"agent:main:direct:{one[:5]}:thread: ",
                f"agent::main:thread:{one[:4]}",
                f" agent:main:explicit:{one[:7]} ",
                f"agent:main:dashboard:{one}",
                "global",
                "unknown",
                str(self.random.randrange(30)),
                "4294967294",
                "4294967295",
                "01",
                "",
                "Ünïcödé 😀",
                "lone \ud800 surrogate",
                'quote " back \\ slash \n',
            )
        )
        return key if self.chance(0.8) else key + one[:4]

    def session_file(self, ids: list[str]) -> Any:
        one = self.pick(ids)
        name = self.pick(
            (
                f"{one}.jsonl",
                f"{one}.jsonl",
                f"{one}-topic-{self.random.randrange(9)}.jsonl",
                f"2026-03-20T10-11-12-345Z_{one}.jsonl",
                f"custom-{one[:4]}.jsonl",
                f"  {one}.jsonl ",
                f"sub/{one}.jsonl",
                f"../{one}.jsonl",
                f"x/../{one}.jsonl",
                f"x/../../{one}.jsonl",
                "..dots.jsonl",
                "link-0.jsonl",
                "sessions.json",
                f"{one}.checkpoint.{one}.jsonl",
                f"{one}.txt",
                "",
                "  ",
            )
        )
        if self.chance(0.45):
            return name
        return self.pick(
            (
                str(self.sessions / name.strip()),
                str(self.sessions / name.strip()),
                f"/home/other/.openclaw/agents/main/sessions/{one}.jsonl",
                f"/home/other/agents/a9/sessions/deep/{one}.jsonl",
                f"{self.sessions.parent.parent}/nobody/sessions/{one}.jsonl",
                f"/tmp/{one}.jsonl",
            )
        )

    def updated_at(self, *, wild: bool) -> Any:
        if wild and self.chance(0.15):
            return self.pick(
                (None, "", str(self.now_ms - self.age()), "12", True, False, -5, 0, Raw("-0"), Raw("1e400"), [], [7])
            )
        if self.chance(0.15):
            return self.now_ms - 2 * DAY_MS
        return self.now_ms - self.age() + self.pick((0, 0, 0.5))

    def row(self, ids: list[str], *, wild: bool) -> Any:
        if wild and self.chance(0.04):
            return self.pick((None, 5, 0, "", "text", True, False, [], [1], {}))
        fields: dict[str, Any] = {"sessionId": self.pick(ids), "updatedAt": self.updated_at(wild=wild)}
        if wild and self.chance(0.2):
            fields["sessionId"] = self.pick(
                (
                    "",
                    " ",
                    f" {self.pick(ids)} ",
                    "a b",
                    "x" * 200,
                    "../up",
                    "with:colon",
                    "a@b",
                    f"c.checkpoint.{ids[0]}",
                )
            )
        if wild and self.chance(0.02):
            fields["sessionId"] = self.pick((None, 7, 1.5, True, {}, []))
        for name in ("sessionId", "updatedAt"):
            if self.chance(0.06):
                del fields[name]
        if self.chance(0.4):
            fields["sessionFile"] = self.session_file(ids)
        for make in (self.plain, self.delivery, self.typed, self.wild) if wild else (self.plain,):
            fields |= make(ids)
        items = list(fields.items())
        self.random.shuffle(items)
        return Pairs(items)

    def some(self, share: float, **fields: Any) -> dict[str, Any]:
        return {name: self.pick(values) for name, values in fields.items() if self.chance(share)}

    def plain(self, ids: list[str]) -> dict[str, Any]:
        return self.some(
            0.3,
            status=("running", "done", "failed", "killed", "timeout", "odd"),
            startedAt=(self.now_ms - self.age(),),
            abortedLastRun=(True, False),
            skillsSnapshot=(
                {"prompt": "p" * 700, "skills": [], "version": 1},
                {"prompt": "", "resolvedSkills": [1]},
                "s",
            ),
            systemPromptReport=({"chars": 12, "nested": {"2": 1, "1": 2, "b": []}},),
            totalTokens=(
                0,
                1,
                Raw("1.0"),
                Raw("-0"),
                Raw("1e21"),
                Raw("123456789012345678901234567890"),
                Raw("0.1e-8"),
            ),
            label=("plain", "Ünïcödé 😀", "lone \udfff", "\u2028", "\x7f", 'q"\\\n\t\x01'),
            acp=({"backend": "x", "state": "idle"}, None),
            spawnedBy=(f"agent:main:{ids[0]}",),
        )

    def delivery(self, ids: list[str]) -> dict[str, Any]:
        channels = ("telegram", " Telegram ", "gchat", "imsg", "lark", "bb", "weixin", "webchat", "", "unheard-of")
        context = {
            "channel": self.pick(channels),
            "to": self.pick(("+49 123", " 7 ", "")),
            "accountId": self.pick(("default", "Acc Ount!", "--", "constructor", "", None)),
            "threadId": self.pick((7, 7.9, -0.5, "12", " ", "", None)),
        }
        partial = {name: value for name, value in context.items() if self.chance(0.7)}
        return self.some(
            0.25,
            channel=(*channels, None),
            lastChannel=(*channels, None),
            lastTo=("+49 123", " x ", "", None, 5),
            lastAccountId=("default", " ACC ", "a b", "", None),
            lastThreadId=(7, 7.9, "12", " 12 ", "", None, True),
            deliveryContext=(context, partial, partial, {}, None, "text", []),
            origin=({"provider": "slack", "threadId": 9}, {"chatType": "group"}, "text", None),
            chatType=("direct", "group", " Channel ", "thread", 5),
            model=("gpt", " padded ", "", None),
            modelProvider=("openai", " padded ", "", None),
            provider=("telegram", 5),
            lastProvider=("slack",),
            room=("#general", 5, None),
        )

    def typed(self, ids: list[str]) -> dict[str, Any]:
        route = {
            "channel": self.pick((" Slack ", "", 5)),
            "accountId": self.pick(("A", " ", 5)),
            "target": self.pick(({"to": " T ", "rawTo": "raw", "chatType": "group"}, {"to": ""}, None, 5)),
            "thread": self.pick(({"id": " 9 ", "kind": "topic", "source": 1}, {"id": 3.7}, {"kind": "x"}, None)),
        }
        big = {"text": "y" * 70_000}
        plugins = {" a ": {"n": 1, " m ": [1, {"x": None}]}, "b": {}, "": {"n": 1}, "c": 5, "3": {"2": 1, "1": big}}
        slots = {"p": {"n": " slotKey ", "m": "status", "o": "not an id", "q": 5}, "r": {"toString": "valueOf"}}
        checkpoints = [
            {"checkpointId": "k", "preCompaction": {"sessionFile": str(self.sessions / f"{self.pick(ids)}.jsonl")}},
            {"preCompaction": {"sessionFile": " "}},
            {"preCompaction": {}},
        ]
        return self.some(
            0.12,
            route=(route, {}, None, "text", [route]),
            pendingFinalDelivery=(True, False, "true"),
            pendingFinalDeliveryText=("t", None, 5),
            pendingFinalDeliveryCreatedAt=(5, -1, "5", Raw("1e400")),
            pendingFinalDeliveryAttemptCount=(2, 2.5, -1, None),
            pendingFinalDeliveryLastError=(None, "e", {}),
            pendingFinalDeliveryIntentId=("i", 5),
            pendingFinalDeliveryContext=(
                {"channel": "gchat", "to": " x "},
                {"channel": "slack", "to": "y"},
                {},
                5,
                None,
            ),
            pluginExtensions=(plugins, {"ok": {"n": [True]}}, {}, 5, None),
            pluginExtensionSlotKeys=(slots, {"p": {"n": "fine"}}, [], None),
            compactionCheckpoints=(checkpoints, checkpoints[:1], [], None),
            quotaSuspension=({"schemaVersion": 1, "suspendedAt": 5},),
        )

    def wild(self, ids: list[str]) -> dict[str, Any]:
        """Types that make some release throw; rare, since one of them is enough to fail a whole store."""
        return self.some(
            0.003,
            model=(5, {}, True),
            lastAccountId=(5, False, []),
            sessionFile=(5, {}, None, True),
        ) | self.some(0.01, compactionCheckpoints=([{}], [None], 5, "text", [{"preCompaction": {"sessionFile": 5}}]))

    def file(self, ids: list[str]) -> tuple[str, bytes, int]:
        one = self.pick(ids)
        stamp = self.pick(
            ("2026-01-05T10-11-12.345Z", "2026-01-05T10-11-12Z", "2026-02-30T10-00-00Z", "2026-13-01T00-00-00Z")
        )
        name = self.pick(
            (
                f"{one}.jsonl",
                f"{one}.jsonl",
                f"{one}.jsonl",
                f"{one}-topic-{self.random.randrange(9)}.jsonl",
                f"2026-03-20T10-11-12-345Z_{one}.jsonl",
                f"custom-{one[:4]}.jsonl",
                f"{one}.jsonl.deleted.{stamp}",
                f"{one}.jsonl.deleted.{self.stamp()}",
                f"{one}.jsonl.reset.{stamp}",
                f"{one}.jsonl.reset.{self.stamp()}",
                f"{one}.jsonl.bak.{stamp}",
                f"{one}.jsonl.bak-12-{self.now_ms}",
                f"{one}.checkpoint.{self.pick(ids)}.jsonl",
                f"{one}.trajectory.jsonl",
                f"{one}.trajectory-path.json",
                f"sessions.json.bak.{self.now_ms - self.age()}",
                f"sessions.json.bak.{self.now_ms - self.age()}",
                f"sessions.json.{one}.tmp",
                f"{one}.jsonl.lock",
                "..dots.jsonl",
                "notes.txt",
            )
        )
        data = b"x" * self.pick((0, 1, 40, 300, 900))
        if name.endswith("trajectory-path.json") and self.chance(0.7):
            data = self.pointer(one)
        return name, data, self.age()

    def stamp(self) -> str:
        from datetime import UTC, datetime

        moment = datetime.fromtimestamp((self.now_ms - self.age()) / 1000, UTC)
        return f"{moment:%Y-%m-%dT%H-%M-%S}.{self.random.randrange(1000):03d}Z"

    def pointer(self, session_id: str) -> bytes:
        runtime = self.pick((str(self.sessions / "notes.txt"), str(self.sessions / f"{session_id}.jsonl")))
        schema = self.pick(("openclaw-trajectory-pointer", "other"))
        fields = {"traceSchema": schema, "schemaVersion": 1, "sessionId": session_id, "runtimeFile": runtime}
        return json.dumps(fields).encode()


def dump(value: Any, random: Random) -> str:
    """JSON text in one of three layouts: the gateway's own, compact, or with blanks anywhere."""
    layout = random.choice(("gateway", "gateway", "compact", "loose"))
    return _dump(value, random, layout, "\n")


def _dump(value: Any, random: Random, layout: str, newline: str) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        value = Pairs(value.items())
    if not isinstance(value, list):
        text = json.dumps(value, ensure_ascii=layout == "loose" and random.random() < 0.5)
        return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    inner = newline + "  "
    members = [
        (f"{_dump(item[0], random, layout, inner)}:{' ' if layout != 'compact' else ''}" if named else "")
        + _dump(item[1] if named else item, random, layout, inner)
        for named in (isinstance(value, Pairs),)
        for item in value
    ]
    opening, closing = "{}" if isinstance(value, Pairs) else "[]"
    if not members:
        return opening + closing
    if layout == "gateway":
        return f"{opening}{inner}{f',{inner}'.join(members)}{newline}{closing}"
    blank = random.choice(("", " ", "\n", "\t\r\n ")) if layout == "loose" else ""
    return f"{opening}{blank}{f'{blank},{blank}'.join(members)}{blank}{closing}"
