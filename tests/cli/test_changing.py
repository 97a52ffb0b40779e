"""A store that a writer is at work on, while it is scanned and while a repair of it is planned."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from gatewaydoctor.repair.planner import build
from gatewaydoctor.system.fs import OsReadFs
from tests.cli.harness import Machine, run
from tests.repair import agentdb
from tests.repair.test_every_repair import missing_database
from tests.world import DAY, NOW, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

CLOCK = ("--now", str(NOW))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path)
    whole(made)
    return made


class Writer(OsReadFs):
    """Saves the store again at each of so many times that it is opened: in place, half of it for now, or whole."""

    def __init__(self, store: Path, *, times: int, half: bool) -> None:
        self.store, self.left, self.half = store, times, half
        self.whole = store.read_bytes()

    def open(self, path: Path) -> BinaryIO:
        stream = super().open(path)
        if path == self.store and self.left:
            self.left -= 1
            self.store.write_bytes(
                self.whole[: len(self.whole) // 2] if self.half and self.left else self.whole + b" "
            )
        return stream


def store_of(state: StateDir) -> Path:
    return state.root / "agents/main/sessions/sessions.json"


def whole(state: StateDir) -> Path:
    return state.store({run_key("j", n): row(n, age=3 * DAY) for n in range(40)})


def test_a_store_that_was_half_written_is_read_again(state: StateDir) -> None:
    fs = Writer(store_of(state), times=2, half=True)
    document = Machine(fs=fs).run("scan", "--json", "--state-dir", str(state.root), *CLOCK).document
    assert document["skipped"] == []
    assert document["stores"][0]["entries"] == 40
    assert "store-unparseable" not in {finding["rule"] for finding in document["findings"]}


def test_a_scan_tells_of_a_store_that_never_rests(state: StateDir) -> None:
    machine = Machine(fs=Writer(store_of(state), times=99, half=True))
    ran = machine.run("scan", "--json", "--state-dir", str(state.root), *CLOCK)
    assert [each["reason"] for each in ran.document["skipped"]] == ["it changed while it was read; scan again"]
    (found,) = [each for each in ran.document["findings"] if each["rule"] == "store-unparseable"]
    assert found["message"].endswith("It was written to meanwhile: scan again.")
    assert (found["severity"], found["fix"]) == ("error", None)
    assert ran.document["verdict"]["start"] == "unknown"
    assert ran.document["next"]["command"] == f"gatewaydoctor scan --state-dir {state.root}"
    screen = " ".join(machine.run("scan", "--state-dir", str(state.root), *CLOCK).out.split())
    assert "WILL IT START Cannot tell. The session store was written to while it was read" in screen
    assert "DO gatewaydoctor scan" in screen and "once nothing writes there" in screen
    gate = machine.run("gate", "--state-dir", str(state.root), *CLOCK)
    assert (gate.code, "cannot tell" in gate.err) == (0, True)
    checked = machine.run("check", "--fail-on", "critical", "--state-dir", str(state.root), *CLOCK)
    assert checked.out.endswith("; 1 path not read.\n")
    machine = Machine(fs=Writer(whole(state), times=99, half=False))
    said = machine.run("scan", "-v", "--state-dir", str(state.root), *CLOCK)
    assert "it changed while it was read; scan again" in " ".join(said.out.split())
    assert "Cannot tell. 1 path changed while it was read." in " ".join(said.out.split())


def test_a_scan_tells_of_a_store_that_changed_after_it_was_read(state: StateDir) -> None:
    from gatewaydoctor.examine import examiner

    census = examiner.take_census

    def late(*given, **more):
        store_of(state).write_bytes(b"{}")
        return census(*given, **more)

    with patch.object(examiner, "take_census", late):
        ran = run("scan", "--json", "--state-dir", str(state.root), *CLOCK)
    assert [each["reason"] for each in ran.document["skipped"]] == ["it changed after it was read; scan again"]


@pytest.mark.parametrize("data", [b"", b"{", b'{\n  "agent:main:main": {', b"\0" * 9000, None])
@pytest.mark.parametrize("when", ["_plan", "_write_stores", "say_unused", "finished"])
@pytest.mark.parametrize("words", [("repair",), ("repair", "trim"), ("repair", "--apply", "--yes")])
def test_a_store_that_changes_while_it_is_planned_is_a_refusal(
    state: StateDir, data: bytes | None, when: str, words: tuple[str, ...]
) -> None:
    planned = getattr(build, when)

    def meanwhile(*given, **more):
        if data is None:
            store_of(state).unlink()
        else:
            store_of(state).write_bytes(data)
        return planned(*given, **more)

    with patch.object(build, when, meanwhile):
        ran = run(*words, "--json", "--state-dir", str(state.root), *CLOCK)
    assert (ran.code, ran.document["error"]["code"]) == (3, "input-changed")
    how = "is gone" if data is None else "changed"
    assert ran.document["error"]["message"] == f"{store_of(state)} {how} while the plan was made."
    assert "salvage" not in json.dumps(ran.document["error"])
    assert not (state.root / ".gatewaydoctor").exists()


def test_a_database_that_appears_while_it_is_planned_is_a_refusal(tmp_path: Path) -> None:
    """As a second repair makes it: what is planned for a missing one does not fit it."""
    state = StateDir(tmp_path, "2026.9.6")
    missing_database(state)
    path = agentdb.path_in(state.root)
    planned = build._plan

    def meanwhile(*given, **more):
        shutil.copyfile(path.with_name(f"{path.name}.corrupt-1795000000000"), path)
        return planned(*given, **more)

    with patch.object(build, "_plan", meanwhile):
        ran = run("repair", "--apply", "--yes", "--json", "--state-dir", str(state.root), *CLOCK)
    assert (ran.code, ran.document["error"]["code"]) == (3, "input-changed")
    assert ran.document["error"]["message"] == f"{path} has appeared while the plan was made."


def test_a_store_that_never_rests_is_not_planned(state: StateDir) -> None:
    machine = Machine(fs=Writer(store_of(state), times=99, half=True))
    ran = machine.run("repair", "trim", "--state-dir", str(state.root), *CLOCK)
    assert ran.code == 3
    assert "changed while the plan was made." in ran.err and "salvage" not in ran.err
