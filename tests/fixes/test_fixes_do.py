"""The fix of every finding, run as printed, removes it; where none does, the finding says what to do by hand."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from gatewaydoctor.fixtures.validating.setup import set_up
from tests.fixes.directories import Directory, complaints, laid_out, repair_of

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FIXTURES.glob("*/expected.json")))
def test_every_fix_of_a_fixture_does_what_it_says(name: str, tmp_path: Path) -> None:
    assert complaints(laid_out(FIXTURES / name, tmp_path / "made" / ".openclaw"), tmp_path / "scratch") == []


def test_a_backup_of_a_damaged_file_beside_a_database_is_not_brought_back(tmp_path: Path) -> None:
    made = set_up(FIXTURES / "era-sqlite-torn-leftover", tmp_path / "made" / ".openclaw")
    store = made.state_dir / "agents" / "main" / "sessions" / "sessions.json"
    shutil.copy(store, store.with_name(f"{store.name}.bak.{made.now}"))
    directory = Directory(made.state_dir, made.now)
    assert {
        f.rule: f.fix and repair_of(f) for f in directory.judge().findings if f.rule != "transcript-unindexed"
    } == {
        "store-unparseable": ("leftover",),
        "legacy-store-beside-sqlite": None,
        "backup-candidates": None,
    }
    assert complaints(directory, tmp_path / "scratch") == []


def test_rows_behind_the_damage_of_a_database_are_counted(tmp_path: Path) -> None:
    made = set_up(FIXTURES / "database-corrupt", tmp_path / "made" / ".openclaw")
    (found,) = Directory(made.state_dir, made.now).judge().findings
    assert "At least 2 sessions" in found.message
    assert repair_of(found) == ("salvage",)


@pytest.mark.parametrize("linked", ["agents", "agents/main", "agents/main/sessions/sessions.json", "cron", "state"])
@pytest.mark.parametrize(
    "name",
    ["store-unparseable", "session-stuck-running", "database-corrupt", "cron-job-cannot-run", "transcript-torn-tail"],
)
def test_no_fix_is_named_for_what_lies_behind_a_link(name: str, linked: str, tmp_path: Path) -> None:
    made = set_up(FIXTURES / name, tmp_path / "made" / ".openclaw")
    link, elsewhere = made.state_dir / linked, tmp_path / "elsewhere"
    if not link.exists():
        pytest.skip("this fixture has no such path")
    link.rename(elsewhere)
    link.symlink_to(elsewhere)
    assert complaints(Directory(made.state_dir, made.now), tmp_path / "scratch") == []


@pytest.mark.parametrize("name", ["store-unparseable", "session-stuck-running", "store-over-cap"])
def test_no_fix_is_named_for_a_store_outside_of_the_state_directory(name: str, tmp_path: Path) -> None:
    made = set_up(FIXTURES / name, tmp_path / "made" / ".openclaw")
    inside, outside = made.state_dir / "agents/main/sessions", tmp_path / "elsewhere"
    inside.rename(outside)
    config = made.state_dir / "openclaw.json"
    told = json.loads(config.read_text())
    told["session"] = told.get("session", {}) | {"store": str(outside / "sessions.json")}
    config.write_text(json.dumps(told))
    directory = Directory(made.state_dir, made.now)
    about = [f for f in directory.judge().findings if f.path and str(outside) in str(f.path)]
    assert about and not [f.rule for f in about if f.fix]
    assert complaints(directory, tmp_path / "scratch") == []


@pytest.mark.parametrize(
    ("data", "fix"),
    [
        (bytes(range(128, 256)) * 500, None),
        (b"\0" * 40 + b'"agent:main:main": {"sessionId": "x", "upd', None),
        (b'{"agent:main:main": @ "x": {}}', None),
        (b'\0\0\n  "agent:main:main": {\n    "sessionId": "x",\n    "updatedAt": 5\n  }\n}', ("salvage",)),
    ],
)
def test_salvage_is_named_only_where_a_session_can_come_back(
    data: bytes, fix: tuple[str, ...] | None, tmp_path: Path
) -> None:
    made = set_up(FIXTURES / "healthy", tmp_path / "made" / ".openclaw")
    (made.state_dir / "agents/main/sessions/sessions.json").write_bytes(data)
    directory = Directory(made.state_dir, made.now)
    (found,) = (each for each in directory.judge().findings if each.rule == "store-unparseable")
    assert (repair_of(found) if found.fix else None) == fix
    assert complaints(directory, tmp_path / "scratch") == []


def just_copied(directory: Directory) -> None:
    """Every transcript as a copy leaves it that does not keep the times of files."""
    for path in directory.root.rglob("*.jsonl"):
        os.utime(path, (directory.now / 1000, directory.now / 1000))


@pytest.mark.parametrize(
    "name", ["store-over-cap", "store-at-cap", "incident-61633", "cron-unknown-job", "store-heap-risk"]
)
def test_trim_is_not_named_for_rows_it_leaves_alone(name: str, tmp_path: Path) -> None:
    made = set_up(FIXTURES / name, tmp_path / "made" / ".openclaw")
    directory = Directory(made.state_dir, made.now)
    just_copied(directory)
    assert complaints(directory, tmp_path / "scratch") == []
