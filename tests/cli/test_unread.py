"""What could not be read here is told as that: what the gateway meets there stays an if, and the next step fits."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.state.config.text import MAX_BYTES
from tests.cli.failing import WAYS, Failing, in_its_place
from tests.cli.harness import run
from tests.cli.scenes import busy, job
from tests.cli.scenes import healthy as quiet

if TYPE_CHECKING:
    from pathlib import Path

IF = "If the gateway cannot read it either"
REASONS = {
    "forbidden": "Permission denied",
    "an I/O error": "Input/output error",
    "a directory": "Is a directory",
    "a FIFO": "Not a regular file",
}
FILES = {
    "openclaw.json": ("config-unreadable", "The config could not be read", "gatewaydoctor assumes defaults."),
    "cron/jobs.json": ("cron-store-unparseable", "Cannot read jobs.json", "cron does not run at all"),
    "cron/jobs-state.json": (
        "cron-store-unparseable",
        "Cannot read jobs-state.json",
        "cron does not run at all",
    ),
    "subagents/runs.json": (
        "subagents-unreadable",
        "Cannot read runs.json",
        "loads the registry as empty",
    ),
    "agents/main/sessions/sessions.json": ("store-unparseable", "Cannot read the store", "2026.5.22"),
}

DENIED = {
    "openclaw.json": ("permission-denied", "The config is not readable by this user", "it does not start"),
    "agents/main/sessions/sessions.json": (
        "permission-denied",
        "The store is not readable by this user",
        "loads it as empty and overwrites it",
    ),
}
"""What no permission to read means for these files has a rule of its own."""


def told(state: Path, rule: str, path: Path, fs: Failing) -> dict[str, Any]:
    document = run("scan", "--json", "--state-dir", str(state), fs=fs).document
    (found,) = (each for each in document["findings"] if each["rule"] == rule and each["path"] == str(path))
    return dict(found)


def text(*arguments: str, fs: Failing) -> str:
    return " ".join(run(*arguments, fs=fs).out.split())


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read(how: str, name: str, tmp_path: Path) -> None:
    busy(tmp_path).json("cron/jobs-state.json", {"version": 1, "jobs": {}})
    rule, message, then = FILES[name]
    denied = DENIED.get(name) if how == "forbidden" else None
    if denied is not None:
        rule, message, then = denied
    found = told(tmp_path, rule, tmp_path / name, fs := in_its_place(how, tmp_path / name))
    assert found["message"].startswith(f"{message}: {REASONS[how]}.")
    in_place = how in ("a directory", "a FIFO")
    assert found["consequence"].startswith("The gateway cannot read it either" if in_place else IF)
    assert then in found["consequence"] or in_place
    assert found["fix"] is None
    if in_place:
        assert "what is in its place" in found["byHand"]
    elif denied is not None:
        assert "sudo -u" in found["byHand"]
    else:
        assert found["byHand"].startswith("Scan again as the user the gateway runs as.")
        assert ("check the disk" in found["byHand"]) is (how == "an I/O error")
    # What is in place of a file of cron is known to keep the scheduler from starting, and of the config the gateway.
    known = {"cron/jobs.json": "At risk.", "cron/jobs-state.json": "At risk.", "openclaw.json": "No."}
    answer = known.get(name, "Cannot tell.") if in_place else "Cannot tell."
    assert f"WILL IT START {answer}" in text("scan", "--state-dir", str(tmp_path), fs=fs)
    said = text("scan", "--verbose", "--state-dir", str(tmp_path), fs=fs)
    assert "".join(found["byHand"].split()) in "".join(said.split())
    assert "Fix the position shown" not in said


def test_a_config_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    scene = busy(tmp_path)
    scene.config(env={"X": "y" * 2000})
    scene.write("openclaw.json.bak", (tmp_path / "openclaw.json").read_bytes())
    fs = in_its_place("forbidden", tmp_path / "openclaw.json")
    said = text("status", "--state-dir", str(tmp_path), fs=fs)
    assert "config could not be read: Permission denied" in said
    assert "not readable" not in said
    rules = [each["rule"] for each in run("scan", "--json", "--state-dir", str(tmp_path), fs=fs).document["findings"]]
    assert "config-shrunk" not in rules, "its size was not seen"


@pytest.mark.parametrize("big", ["too large", "too deep"])
def test_a_config_that_only_this_program_does_not_read(big: str, tmp_path: Path) -> None:
    scene = busy(tmp_path)
    deep = '{"a":' * 50_000 + "1" + "}" * 50_000
    path = scene.write("openclaw.json", deep if big == "too deep" else '{"a": "' + "x" * MAX_BYTES + '"}')
    found = told(tmp_path, "config-unreadable", path, in_its_place("gone", tmp_path / "nothing"))
    assert found["severity"] == "warning"
    assert "was not read by gatewaydoctor" in found["message"]
    assert found["consequence"].startswith("The gateway may still be able to read it")
    assert "gatewaydoctor assumes defaults." in found["consequence"]


def test_a_large_json5_config_is_read(tmp_path: Path) -> None:
    scene = busy(tmp_path)
    rows = "\n".join(f"{{id: 'room-{n}', note: 'some words about it',}}," for n in range(8_000))
    scene.write("openclaw.json", f"{{session: {{mainKey: 'hall'}}, plugins: {{rooms: [\n{rows}\n]}}}}")
    document = run("scan", "--json", "--state-dir", str(tmp_path)).document
    assert "config-unreadable" not in {each["rule"] for each in document["findings"]}
    assert document["config"]["mainKey"] == "hall"


def test_the_screens_do_not_say_there_is_nothing(tmp_path: Path) -> None:
    busy(tmp_path)
    fs = in_its_place("forbidden", tmp_path / "cron/jobs.json")
    cron = text("cron", "--state-dir", str(tmp_path), fs=fs)
    assert "its jobs could not be read" in cron
    assert "no jobs" not in cron
    fs = in_its_place("forbidden", tmp_path / "subagents/runs.json")
    subagents = text("subagents", "--state-dir", str(tmp_path), fs=fs)
    assert "runs.json: unreadable Permission denied its runs could not be read" in subagents
    fs = in_its_place("forbidden", tmp_path / "agents/main/sessions/sessions.json")
    assert "1 session store could not be read: runs may be missing" in text(
        "cron", "--state-dir", str(tmp_path), fs=fs
    )


def test_a_backup_is_named_only_where_there_is_one(tmp_path: Path) -> None:
    scene = busy(tmp_path)
    path = scene.write("cron/jobs.json", '{"jobs": [')
    fs = in_its_place("gone", tmp_path / "nothing")
    by_hand = told(tmp_path, "cron-store-unparseable", path, fs)["byHand"]
    assert "Fix the position shown" in by_hand
    assert ".bak" not in by_hand
    scene.json("cron/jobs.json.bak", {"version": 1, "jobs": [job("a", "a")]})
    assert "compare with the .bak copy" in told(tmp_path, "cron-store-unparseable", path, fs)["byHand"]


NOTHING = {"stuck": "no entry is marked running", "orphans": "every transcript is indexed", "repair": "Healthy"}


@pytest.mark.parametrize("verb", [*NOTHING, "scan"])
def test_nothing_to_do_is_not_said_of_what_was_not_read(verb: str, tmp_path: Path) -> None:
    quiet(tmp_path)
    arguments = (verb, "--state-dir", str(tmp_path))
    ran = run(*arguments)
    assert ran.code == 0
    assert ("nothing is wrong." if verb == "scan" else "nothing to do.") in " ".join(ran.out.split())
    fs = in_its_place("forbidden", tmp_path / "agents/main/sessions/sessions.json")
    ran = run(*arguments, fs=fs)
    said = " ".join(ran.out.split())
    assert (ran.code, "nothing to do" in said, "Healthy" in said) == (2, False, False)
    assert "store could not be read" in said or "the store is not readable by this user" in said
    assert "again as the user the gateway runs as" in said or "sudo chmod u+rwX" in said
    document = run(*arguments, "--json", fs=fs).document
    assert (document["exitCode"], document["ok"]) == (2, False)


@pytest.mark.parametrize("verb", NOTHING)
def test_a_part_that_was_not_read_is_named_at_the_end(verb: str, tmp_path: Path) -> None:
    scene = quiet(tmp_path)
    scene.store({}, "other")
    fs = Failing({tmp_path / "agents/other/sessions": errno.EACCES})
    said = text(verb, "--state-dir", str(tmp_path), fs=fs)
    assert "nothing to do" not in said
    assert "1 path could not be read, so this is not all." in said
