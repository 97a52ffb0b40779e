"""Directories that are measured, made once under build/bench and kept."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path("build/bench").resolve()
SESSIONS = Path("agents/main/sessions")
STORE = SESSIONS / "sessions.json"
MB = 1_000_000


def recipe(name: str, scale: float = 1.0) -> Path:
    """The recipe's directory."""

    def build(out: Path) -> None:
        make(name, out, seed=DEFAULT_SEED, scale=scale, now=DEFAULT_NOW)

    return _once(f"{name}-x{scale:g}", build)


def healthy() -> Path:
    """A copy of the healthy fixture, so that nothing of a checkout is near."""
    return _once("healthy", lambda out: shutil.copytree("fixtures/healthy/state", out))


def _once(name: str, build: Callable[[Path], object]) -> Path:
    out = ROOT / name
    if not out.exists():
        started = out.with_name(f"{name}.part")
        shutil.rmtree(started, ignore_errors=True)
        ROOT.mkdir(parents=True, exist_ok=True)
        # In a process of its own: a child's peak of memory begins with that of its parent.
        builder = multiprocessing.get_context("fork").Process(target=build, args=(started,))
        builder.start()
        builder.join()
        if builder.exitcode:
            raise SystemExit(f"Cannot make {name}: exit code {builder.exitcode}.")
        started.rename(out)
    return out


def _spaced(text: str) -> str:
    """One space too many after the key of the entry in the middle."""
    at = text.index('": {', text.index('\n  "', len(text) // 2))
    return f"{text[: at + 2]} {text[at + 2 :]}"


LAYOUTS: dict[str, Callable[[str], str]] = {
    "minified": lambda text: json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False),
    "4 spaces": lambda text: json.dumps(json.loads(text), indent=4, ensure_ascii=False),
    "tabs": lambda text: json.dumps(json.loads(text), indent="\t", ensure_ascii=False),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "one stray space": _spaced,
}
"""Legal layouts the gateway does not write, each made from one that it does."""


def layout(name: str) -> Path:
    """The incident in that layout."""
    source = recipe("issue-61633")

    def build(out: Path) -> None:
        (out / SESSIONS).mkdir(parents=True)
        shutil.copyfile(source / "openclaw.json", out / "openclaw.json")
        text = (source / STORE).read_bytes().decode()
        (out / STORE).write_bytes(LAYOUTS[name](text).encode())

    return _once(f"layout-{name.replace(' ', '-')}", build)


def large_entry(size: int) -> Path:
    """A store of three entries, the middle one of `size` bytes, as the gateway lays it out."""

    def build(out: Path) -> None:
        (out / SESSIONS).mkdir(parents=True)
        (out / "openclaw.json").write_text("{}")
        row = {"sessionId": "a", "updatedAt": DEFAULT_NOW, "status": "done"}
        skills = [
            {"name": f"skill-{number}", "prompt": "Read the page {first}. " * 40} for number in range(size // 980)
        ]
        rows = {
            "agent:main:main": row,
            "agent:main:cron:large": {**row, "skillsSnapshot": {"skills": skills}},
            "agent:main:cron:last": row,
        }
        (out / STORE).write_text(json.dumps(rows, indent=2))

    return _once(f"entry-{size // MB}-mb", build)


def many_transcripts(count: int = 100_000, indexed: int = 10_000) -> Path:
    """Very many small transcripts of which most are in no index."""

    def build(out: Path) -> None:
        sessions = out / SESSIONS
        sessions.mkdir(parents=True)
        (out / "openclaw.json").write_text("{}")
        rows = {}
        for number in range(count):
            session_id = f"{number:08x}-0000-4000-8000-{number:012x}"
            (sessions / f"{session_id}.jsonl").write_text("".join(_lines(session_id, number)))
            if number < indexed:
                key = f"agent:main:telegram:direct:{number}"
                rows[key] = {"sessionId": session_id, "updatedAt": DEFAULT_NOW - number, "status": "done"}
        (out / STORE).write_text(json.dumps(rows, indent=2))

    return _once(f"transcripts-{count}", build)


def _lines(session_id: str, number: int) -> Iterator[str]:
    at = "2026-04-01T00:00:00.000Z"
    yield json.dumps({"type": "session", "version": 3, "id": session_id, "timestamp": at, "cwd": "/srv"}) + "\n"
    for place, role in enumerate(("user", "assistant", "user", "assistant")):
        content = [{"type": "text", "text": f"{role} {number}: " + "the report of the night is complete. " * 4}]
        message = {"role": role, "content": content, "timestamp": DEFAULT_NOW}
        yield json.dumps({"type": "message", "id": f"m{place}", "timestamp": at, "message": message}) + "\n"


def database_with_a_log(scale: float = 1.0) -> Path:
    """The incident as an import leaves it, with 1,000 runs marked failed in the log alone: a gateway was killed."""

    def build(out: Path) -> None:
        make("issue-61633-database", out, seed=DEFAULT_SEED, scale=scale, now=DEFAULT_NOW)
        path = out / "agents/main/agent/openclaw-agent.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.execute(
                "UPDATE session_nodes SET status = 'failed', entry_json = json_set(entry_json, '$.status', 'failed') "
                "WHERE session_key IN (SELECT session_key FROM session_nodes WHERE status = 'running' LIMIT 1000)"
            )
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{path}{suffix}", f"{path}{suffix}.kept")
        for suffix in ("", "-wal"):
            Path(f"{path}{suffix}.kept").replace(f"{path}{suffix}")

    return _once(f"issue-61633-database-with-log-x{scale:g}", build)


def archived_transcripts(count: int = 10_000, size: int = 200_000) -> Path:
    """An import of `count` transcripts of `size` bytes: the archive has each, the database all but the last turn of
    every hundredth."""

    def build(out: Path) -> None:
        make("issue-61633-database", out, seed=DEFAULT_SEED, scale=0.01, now=DEFAULT_NOW)
        archive = out / "agents/main/session-sqlite-import-archive"
        archive.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(out / "agents/main/agent/openclaw-agent.sqlite")) as database:
            for number in range(count):
                session_id = f"{number:08x}-0000-4000-8000-{number:012x}"
                lines = list(_long_lines(session_id, size))
                name = f"agent_main_telegram_direct_{number}.{session_id}.jsonl.imported-{DEFAULT_NOW}"
                (archive / name).write_text("".join(lines))
                database.execute(
                    "INSERT INTO session_windows (session_id, session_key, status) "
                    "VALUES (?, 'agent:main:main', 'done')",
                    (session_id,),
                )
                kept = lines[1 : -1 if number % 100 == 0 else None]
                database.executemany(
                    "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES (?, ?, ?, ?)",
                    [
                        (session_id, seq, json.dumps({"type": "message", "id": f"m{seq}"}), DEFAULT_NOW)
                        for seq, _ in enumerate(kept)
                    ],
                )
            database.commit()

    return _once(f"archived-transcripts-{count}", build)


def _long_lines(session_id: str, size: int) -> Iterator[str]:
    """A header and twenty turns that fill so many bytes."""
    at = "2026-04-01T00:00:00.000Z"
    yield json.dumps({"type": "session", "version": 3, "id": session_id, "timestamp": at, "cwd": "/srv"}) + "\n"
    said = "the report of the night is complete. " * (size // 20 // 37)
    for place in range(20):
        role = ("user", "assistant")[place % 2]
        message = {"role": role, "content": [{"type": "text", "text": said}], "timestamp": DEFAULT_NOW}
        yield json.dumps({"type": "message", "id": f"m{place}", "timestamp": at, "message": message}) + "\n"
