"""`gate`: 78 only where a start would lose data, fail or loop; whatever else happens lets the gateway start."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.gate.timelimit import NoAnswer, in_child
from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make
from tests.cli import scenes
from tests.cli.harness import command, process_env, run, spawn

if TYPE_CHECKING:
    from tests.cli.harness import Ran

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
MB = 1_000_000


def gate(state: Path, *options: str, **machine: object) -> Ran:
    ran = run("gate", "--state-dir", str(state), *options, **machine)
    assert ran.err.count("\n") == 1, "one line"
    assert ran.err.startswith("gate: ")
    return ran


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("store-unparseable", 78),
        ("store-not-object", 78),
        ("damage-empty", 78),
        ("store-empty-beside-transcripts", 78),
        ("era-sqlite-torn-leftover", 78),
        ("config-unreadable", 78),
        ("healthy", 0),
        ("store-bloat", 0),
        ("transcript-boot-loop", 0),
        ("session-stuck-running", 0),
        ("era-sqlite", 0),
    ],
)
def test_only_a_start_that_loses_or_fails_is_held_back(name: str, code: int, tmp_path: Path) -> None:
    state = shutil.copytree(FIXTURES / name / "state", tmp_path / "state")
    ran = gate(state)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert ("not starting" in ran.err) is (code == 78)
    warned = gate(state, "--warn")
    assert warned.code == 0
    assert ("would not start" in warned.err) is (code == 78)


def test_on_a_terminal_it_breaks_between_words_and_the_command_stays_whole(tmp_path: Path) -> None:
    state = shutil.copytree(FIXTURES / "store-unparseable" / "state", tmp_path / "state")
    words = spawn("gate", "--state-dir", str(state)).err.split()
    master, slave = pty.openpty()
    ran = subprocess.run(
        command("gate", "--state-dir", str(state)),
        stderr=slave,
        env=process_env(COLUMNS="60"),
        timeout=60,
        check=False,
    )
    os.close(slave)
    shown = os.read(master, 1 << 16).decode().replace("\r\n", "\n")
    os.close(master)
    assert ran.returncode == 78
    assert shown.replace("\\\n", "").split() == [word for word in words if word != "Run:"]
    assert len(shown.splitlines()) > 2
    assert all(len(line) < 60 or str(state) in line for line in shown.splitlines()), "only a path may be longer"


def test_the_line_names_the_damage_the_command_and_the_way_around(tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    said = gate(tmp_path).err
    assert f"gate: not starting 2026.3.28 on {tmp_path}: it would lose " in said
    assert "loads a damaged store as EMPTY and overwrites it" in said
    assert f"Run: gatewaydoctor repair --state-dir {tmp_path}" in said
    assert said.endswith("(start anyway: GATEWAYDOCTOR_GATE=off)\n")


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "false"])
def test_it_can_be_switched_off(word: str, tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    ran = gate(tmp_path, env={"GATEWAYDOCTOR_GATE": word})
    assert (ran.code, "switched off" in ran.err) == (0, True)
    assert gate(tmp_path, env={"GATEWAYDOCTOR_GATE": "on"}).code == 78


@pytest.mark.parametrize(
    "arguments",
    [
        ("--state-dir", "/nowhere"),
        ("--no-such-option",),
        ("--heap-limit", "much", "--state-dir", "/tmp"),
        ("--now", "yesterday"),
        ("--format", "nagios"),
        ("--limit", "soon"),
    ],
)
def test_a_check_that_cannot_be_made_holds_nothing_back(arguments: tuple[str, ...]) -> None:
    ran = run("gate", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (0, "", 1)
    assert "could not check (" in ran.err
    assert ran.err.endswith("the start is not held back\n")


def test_a_bug_holds_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    scenes.damaged(tmp_path)
    monkeypatch.setattr("gatewaydoctor.cli.shell.examining.judge", broken)
    ran = gate(tmp_path)
    assert (ran.code, "a bug in gatewaydoctor: ZeroDivisionError" in ran.err) == (0, True)


@pytest.mark.parametrize("way", ["killed", "hangs", "ends"])
def test_a_check_that_dies_or_hangs_holds_nothing_back(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        if way == "killed":
            os.kill(os.getpid(), 9)
        elif way == "ends":
            os._exit(3)
        while True:
            os.read(os.pipe()[0], 1)

    scenes.damaged(tmp_path)
    monkeypatch.setattr("gatewaydoctor.cli.shell.examining.judge", dies)
    ran = gate(tmp_path, "--limit", "0.5")
    assert ran.code == 0
    assert ("no answer within 0.5 s" if way == "hangs" else "ended without an answer") in ran.err


def test_an_answer_of_any_size_comes_through() -> None:
    assert in_child(lambda: b"x" * 1_000_000, 20) == b"x" * 1_000_000
    with pytest.raises(NoAnswer):
        in_child(lambda: b"", 20)


@pytest.mark.parametrize("broken", ["raise ImportError('gone')", "def (", "raise SystemError"])
@pytest.mark.parametrize(("arguments", "code"), [(["gate"], 0), (["--json", "gate"], 0), (["check"], 70), ([], 70)])
def test_a_broken_installation_holds_nothing_back(
    broken: str, arguments: list[str], code: int, tmp_path: Path
) -> None:
    """A library that cannot be loaded, before any other of this program's lines runs."""
    (tmp_path / "msgspec").mkdir()
    (tmp_path / "msgspec/__init__.py").write_text(broken)
    ran = subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", *arguments],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    assert "The installation is broken" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """61633 at a tenth of its size, with a config that starts."""
    out = tmp_path_factory.mktemp("incident") / "state"
    make("issue-61633", out, seed=DEFAULT_SEED, scale=0.1, now=DEFAULT_NOW)
    return out


def store_size(state: Path) -> int:
    return (state / "agents/main/sessions/sessions.json").stat().st_size


def test_a_store_that_this_heap_cannot_load_is_held_back(incident: Path) -> None:
    size = store_size(incident)
    assert gate(incident).code == 0
    ran = gate(incident, "--heap-limit", str(11 * size))
    assert (ran.code, "restarts forever" in ran.err) == (78, True)
    risky = gate(incident, "--heap-limit", str(13 * size))
    assert (risky.code, risky.err.startswith("gate: at risk: ")) == (0, True)


@pytest.mark.parametrize(("recipe", "full_mb"), [("issue-61633", 734), ("issue-61633-database", 419)])
def test_2026_9_6_needs_less_heap_for_rows_in_a_file_or_a_database(recipe: str, full_mb: int, tmp_path: Path) -> None:
    """With 185 MB the real one ran out of memory at these sizes and not at 1.05 GB."""
    state = tmp_path / "state"
    make(recipe, state, seed=DEFAULT_SEED, scale=0.05, now=DEFAULT_NOW)
    config = state / "openclaw.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"meta": {"lastTouchedVersion": "2026.9.6"}}))
    size = 185_000_000 // 20
    assert gate(state, "--heap-limit", str(size * full_mb // 185)).code == 78
    passed = gate(state, "--heap-limit", str(size * 1050 // 185))
    assert (passed.code, passed.err.startswith("gate: at risk: ")) == (0, True)


GIB = 1024 * 1024 * 1024


@pytest.mark.parametrize(("memory", "code"), [(3 * GIB, 78), (14 * GIB, 78), (16 * GIB, 0), (None, 0)], ids=str)
def test_node_allows_itself_more_on_a_larger_machine(memory: int | None, code: int, tmp_path: Path) -> None:
    """A store of 110 MB takes 2.2 GB with 2026.5.22: too much where V8 allows itself 2 GiB at most."""
    state = tmp_path / "state"
    make("issue-61633", state, seed=DEFAULT_SEED, scale=0.05, now=DEFAULT_NOW)
    config = state / "openclaw.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"meta": {"lastTouchedVersion": "2026.5.22"}}))
    store = state / "agents/main/sessions/sessions.json"
    store.write_bytes(store.read_bytes() + b" " * (110_000_000 - store.stat().st_size))
    told = gate(state, memory=memory)
    assert told.code == code, told.err


def test_the_heap_comes_from_what_starts_the_gateway(incident: Path, tmp_path: Path) -> None:
    few = store_size(incident) * 5 // 1_048_576
    option = f"--max-old-space-size={few}"
    assert gate(incident, env={"NODE_OPTIONS": option}).code == 78
    assert gate(incident, memory=2 * few * 1_048_576).code == 78, "half of the memory is the default"
    home = tmp_path / "home"
    unit = home / ".config/systemd/user/openclaw-gateway.service"
    unit.parent.mkdir(parents=True)
    at_home = {"HOME": str(home)}

    def says(text: str, **more: str) -> int:
        unit.write_text(text)
        return gate(incident, env=at_home | more).code

    assert says(f"[Service]\nExecStart=/usr/bin/node {option} /opt/openclaw.mjs gateway\n") == 78
    assert says(f'[Service]\nExecStart=/usr/bin/node x\nEnvironment="NODE_OPTIONS={option}"\n') == 78
    assert says(f"[Service]\nExecStart=/usr/bin/node x\nMemoryMax={few}M\n") == 78
    assert says("[Service]\nExecStart=/usr/bin/node x\n", NODE_OPTIONS=option) == 0, "a shell's own options"
    assert says("[Service]\nExecStart=/usr/bin/node x\n", NODE_OPTIONS=option, INVOCATION_ID="1") == 78
    elsewhere = f"[Service]\nEnvironment=OPENCLAW_STATE_DIR=/other\nExecStart=/usr/bin/node {option} x\n"
    assert says(elsewhere) == 0, "the unit of another gateway"
    unit.write_text("[Service]\nExecStart=/usr/bin/node x\n")
    added = unit.parent / "openclaw-gateway.service.d/heap.conf"
    added.parent.mkdir()
    added.write_text(f"[Service]\nExecStart=\nExecStart=/usr/bin/node \\\n  {option} x\n")
    assert gate(incident, env=at_home).code == 78


def test_scan_check_and_gate_say_the_same(tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    at = ("--json", "--state-dir", str(tmp_path))
    verdicts = [run(verb, *at).document["verdict"] for verb in ("scan", "check", "gate", "status")]
    assert all(each == verdicts[0] for each in verdicts)
    assert (verdicts[0]["start"], verdicts[0]["effect"]) == ("at-risk", "loses")
    told = run("gate", *at).document
    assert (told["ok"], told["exitCode"], told["command"]) == (False, 78, "gate")


def test_a_document_is_printed_where_it_could_not_check_too() -> None:
    told = json.loads(run("gate", "--json", "--state-dir", "/nowhere").out)
    assert (told["exitCode"], told["verdict"]) == (0, None)
    assert "could not check" in told["details"]["gate"]


def test_quiet_says_only_why_it_holds_back(tmp_path: Path) -> None:
    scenes.healthy(tmp_path)
    assert run("gate", "--quiet", "--state-dir", str(tmp_path)).err == ""
    scenes.damaged(tmp_path)
    assert "not starting" in run("gate", "--quiet", "--state-dir", str(tmp_path)).err


def test_nothing_is_read_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.damaged(tmp_path / "state")
    (tmp_path / "gatewaydoctor.toml").write_text('skip = ["*"]\n')
    monkeypatch.chdir(tmp_path)
    assert gate(tmp_path / "state").code == 78


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    assert spawn("gate", "--state-dir", str(tmp_path)).code == 78
    assert spawn("gate", "--state-dir", str(tmp_path), GATEWAYDOCTOR_GATE="off").code == 0
    assert spawn("gate", "--bogus").code == 0
