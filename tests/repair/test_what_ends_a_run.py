"""Each command that is named for an interrupted run ends it: tried in every state that a kill leaves between the
beginning of a run and its last act, forth and back, with and without a gateway that wrote since, in both eras."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, RunState
from tests.cli.harness import run
from tests.repair import agentdb
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import its_process_is_gone
from tests.repair.test_every_repair import trim, trim_in_a_database
from tests.repair.test_groups import gateway_writes
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import NOW as BUILT
from tests.world import StateDir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORE = "agents/main/sessions/sessions.json"
FIRST, AGAIN = (9, 27, 37, 45, 53, 61, 69, 77), (4, 9, 14)


def build(place: Path, era: str) -> Path:
    place.mkdir(parents=True)
    state = StateDir(place, "2026.9.6" if era == "database" else "2026.3.28")
    (trim_in_a_database if era == "database" else trim)(state)
    return state.root


def at(root: Path) -> tuple[str, ...]:
    return ("--state-dir", str(root), "--now", str(BUILT), "--gateway-stopped")


def killed(monkeypatch: pytest.MonkeyPatch, root: Path, step: int, *words: str) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("gatewaydoctor.cli.shell.writing.OsWriteFs", lambda: FaultFs(step, Mode.KILL))
        try:
            run(*words, "--yes", *at(root))
        except Killed:
            (root / f"{STORE}.lock").unlink(missing_ok=True)
    its_process_is_gone(root)


def saves(root: Path, era: str) -> None:
    """What a gateway does with what is there: it saves its store or writes into its database, where it has one."""
    if era == "database":
        if (path := agentdb.path_in(root)).exists():
            gateway_writes(path)
        return
    beside = root / "beside"
    beside.write_text(json.dumps({"agent:main:direct:bob": {"sessionId": "bob"}}, indent=2))
    beside.rename(root / STORE)


def stops(root: Path, era: str) -> None:
    if (path := agentdb.path_in(root)).exists() and era == "database":
        gateway_writes(path, closes=True)


def loses(root: Path, era: str) -> None:
    """The file goes that the run is about."""
    path = agentdb.path_in(root) if era == "database" else root / STORE
    path.unlink(missing_ok=True)


def nothing(root: Path, era: str) -> None:
    del root, era


def named(text: str) -> set[tuple[str, ...]]:
    """Commands in backticks that end a run."""
    words = (tuple(shlex.split(each)) for each in re.findall(r"`(gatewaydoctor [^`]*)`", text))
    return {each[1:] for each in words if each[1] == "undo" or "--resume" in each}


def pending(root: Path) -> list[str]:
    return list(states(root))


def states(root: Path) -> dict[str, str]:
    """How far each run came that has not come to an end."""
    runs = run("runs", "list", "--json", *at(root)[:4]).document["details"]["runs"]
    return {each["runId"]: each["state"] for each in runs if each["pending"]}


def told(root: Path) -> set[tuple[str, ...]]:
    """Every command that scan, check, gate, a repair and a list of runs name for the run. All name the same first."""
    look = at(root)[:4]
    found = run("scan", "--json", *look).document
    first = tuple(shlex.split(found["next"]["command"]))[1:]
    rest = named(" ".join(found["notices"]))
    assert first in rest
    assert named(run("check", *look).err) == rest
    refused = run("repair", "--apply", "--yes", *at(root))
    if "was interrupted" in refused.err:
        assert named(refused.err) == rest
    else:  # nothing is left to plan, or nothing of it can be done
        assert "nothing to do" in refused.out or "Did not apply" in refused.err, refused
    asked = run("gate", *look)
    _, told, run_it = asked.err.rpartition("Run: ")
    assert told, asked.err
    last = run("runs", "list", *look).out.rpartition("next: ")[2]
    for text in (run_it, last):
        assert " ".join(first) in " ".join(text.replace("\\\n", " ").split()), text
    return rest


def stages(monkeypatch: pytest.MonkeyPatch, era: str, place: Path) -> Iterator[Path]:
    """The directory with a run that was stopped: on its way, on its way back, and on its way back from the end."""
    for number, step in enumerate(FIRST):
        root = build(place / f"apply{number}", era)
        killed(monkeypatch, root, step, "repair", "trim", "--apply")
        yield root
    for number, step in enumerate(AGAIN):
        root = build(place / f"back{number}", era)
        killed(monkeypatch, root, 45, "repair", "trim", "--apply")
        killed(monkeypatch, root, step, "undo")
        yield root
        root = build(place / f"undo{number}", era)
        run("repair", "trim", "--apply", "--yes", *at(root))
        killed(monkeypatch, root, step, "undo")
        yield root


CASES = [("files", nothing), ("files", saves), ("files", loses)]
CASES += [("database", since) for since in (nothing, saves, stops, loses)]


@pytest.mark.parametrize(("era", "since"), CASES)
def test_each_command_named_for_an_interrupted_run_ends_it(
    era: str, since, ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    reached: set[str] = set()
    places = ground / "one", ground / "other"
    for root, other in zip(*(stages(monkeypatch, era, place) for place in places), strict=True):
        for each in (root, other):
            since(each, era)
        if not pending(root):
            assert not pending(other)
            continue
        ((own, state),) = states(root).items()
        reached.add(state)
        commands = sorted(told(root))
        assert len(commands) <= len(places)
        for words, where in zip(commands, (root, other), strict=False):
            swap = {str(root): str(where), own: pending(where)[0]}
            ran = run(*(swap.get(word, word) for word in words), "--yes", *at(where)[2:])
            if since is loses and "by hand" in ran.err:  # it had kept one file, had no list yet, and that file went
                continue
            assert ran.code == 0, (words, ran.err)
            assert not pending(where), words
            how = "merge" if "--merge" in words else words[0]
            seen[how] = seen.get(how, 0) + 1
    assert reached == {*BEFORE_ACTING, RunState.ACTING, RunState.UNDOING}
    assert seen["repair" if since is nothing else "merge"] >= (10 if since is nothing else 4), seen


def test_a_run_at_work_is_waited_for_and_one_that_cannot_be_read_is_ended_by_hand(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = build(ground / "one", "files")
    with monkeypatch.context() as patched:
        patched.setattr("gatewaydoctor.cli.shell.writing.OsWriteFs", lambda: FaultFs(45, Mode.KILL))
        with pytest.raises(Killed):
            run("repair", "trim", "--apply", "--yes", *at(root))
    (run_id,) = pending(root)
    look = at(root)[:4]
    journal = root / ".gatewaydoctor/runs" / run_id / "journal"
    marks = re.findall(r'"pid":(\d+),"startTime":(\d+|null)', journal.read_text())
    pid, started = int(marks[0][0]), json.loads(marks[0][1])
    worker = FakeProcesses([FakeProcess(pid, ("gatewaydoctor",), start_time=started)], own_pid=1)
    with monkeypatch.context() as patched:
        patched.setattr("gatewaydoctor.system.processes.system_processes", lambda: worker)
        told = run("scan", "--json", *look).document
    assert told["notices"][0] == f"Process {pid} is working on run {run_id}. Wait until it has finished."
    assert told["next"]["why"] == "a repair is at work; wait until it has finished"
    its_process_is_gone(root)
    journal.unlink()
    journal.mkdir()
    told = run("scan", "--json", *look).document
    undo = f"gatewaydoctor undo {run_id} --state-dir {root} "
    assert told["notices"][0].startswith(f"Run {run_id} was interrupted. `{undo.strip()}")
    assert told["notices"][0].endswith(" shows what to do by hand.")
    refused = run("repair", "--apply", "--yes", *at(root))
    assert refused.err.endswith(" shows what to do by hand.\n")
