"""A plan is refused where anything changed by which it was judged, whether or not it touches that."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.repair.drafting.options import Options, TrimOptions
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import list_runs
from gatewaydoctor.repair.vault.codec import with_id
from gatewaydoctor.repair.writing.errors import InputChanged
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.repair import agentdb
from tests.repair.doctor import Doctor, assert_small
from tests.repair.scene import DEAD, contents, tools, tree
from tests.world import DAY, HOUR, NOW, StateDir, header, job, row, run_key, session_id, talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PERSON = {"agent:main:main": row(1)}
TEMP = "sessions.json.0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10.tmp"
ENDED = {"createdAt": NOW - 3 * DAY, "endedAt": NOW - 2 * DAY}
CHILD = {"runId": "r", "childSessionKey": "agent:main:subagent:x"} | ENDED
STUCK = {run_key("j", 9): row(9, age=2 * DAY, status="running")}
SUBAGENTS = Options(TrimOptions(kinds=frozenset({Kind.SUBAGENT}), older_than=DAY))


def orphan(state: StateDir) -> None:
    state.store(PERSON)
    state.transcript(30, header(session_id(30)), age=2 * DAY)


def temp(state: StateDir) -> None:
    state.store(PERSON)
    state.beside(TEMP, json.dumps(PERSON), age=2 * HOUR)


def child(state: StateDir) -> None:
    state.store(PERSON | {"agent:main:subagent:x": row(2, age=3 * DAY)})
    state.subagents([CHILD])


def stuck(state: StateDir) -> None:
    state.store(PERSON | STUCK)
    state.transcript(9, age=2 * DAY)
    state.store({"agent:work:main": row(3)}, agent="work")


def base(state: StateDir) -> None:
    state.store(PERSON | {"agent:main:cron:j": row(9, age=2 * DAY, status="running")})
    state.transcript(9, age=2 * DAY)


def torn(state: StateDir) -> None:
    state.store(json.dumps(PERSON | STUCK, indent=2).encode()[:-40])
    state.beside(f"sessions.json.bak.{NOW - DAY}", {"agent:main:main": row(1, age=2 * DAY)})


CASES: dict[str, tuple[str, Callable[[StateDir], None], Options | None, Callable[[StateDir], object]]] = {
    "the store indexes the orphan": (
        "orphans", orphan, None, lambda state: state.store(PERSON | {"agent:main:telegram:direct:2": row(30)}),
    ),
    "a new agent's store indexes the orphan": (
        "orphans", orphan, None, lambda state: state.store({"agent:new:main": row(30)}, agent="new"),
    ),
    "the store of the temp file is torn": ("temps", temp, None, lambda state: state.store(b'{"agent:ma')),
    "the child has attachments now": (
        "trim", child, SUBAGENTS, lambda state: state.subagents([CHILD | {"attachmentsDir": "/somewhere"}]),
    ),
    "another agent reaches the transcript": (
        "trim", stuck, None, lambda state: state.store({"agent:work:main": row(9)}, agent="work", age=HOUR),
    ),
    "cron jobs appear": ("trim", stuck, None, lambda state: state.jobs([job("j")])),
    "the config changes": ("trim", stuck, None, lambda state: state.config({"cron": {"sessionRetention": "1h"}})),
    "its transcript was written to": ("expire", base, None, lambda state: state.transcript(9, talk(9) * 2, age=0)),
    "an unused copy is the only holder": (
        "salvage", torn, None,
        lambda state: state.beside(f"sessions.json.bak.{NOW - DAY}", PERSON | {"agent:main:direct:2": row(2)}),
    ),
    "a copy appears": ("salvage", torn, None, lambda state: state.beside(TEMP, PERSON)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_plan_is_refused_where_an_input_changed(tmp_path: Path, case: str) -> None:
    repair, make, options, change = CASES[case]
    doctor = Doctor(StateDir(tmp_path))
    make(doctor.state)
    plan = doctor.plan(repair, options=options)
    assert not plan.empty
    change(doctor.state)
    before = tree(doctor.state.root)
    with pytest.raises(InputChanged):
        apply(plan, tools(), DEAD)
    assert tree(doctor.state.root, vault=True) == before


def rewrite(path: Path) -> None:
    """Other bytes, as many, in the same file, and the mtime set back."""
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (stat.st_ino, stat.st_size, stat.st_mtime_ns)


@pytest.mark.parametrize("name", ["openclaw-agent.sqlite", "openclaw-agent.sqlite-wal", "openclaw.json"])
def test_a_plan_is_refused_where_a_rewrite_has_set_the_mtime_back(tmp_path: Path, name: str) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    path = agentdb.make(doctor.state.root, agentdb.rows(), version=17)
    doctor.state.config({})
    plan = doctor.plan("trim")
    assert not plan.empty
    rewrite(doctor.state.root / name if name.endswith("json") else path.with_name(name))
    with pytest.raises(InputChanged):
        apply(plan, tools(), DEAD)


def test_a_change_of_a_database_while_it_is_copied_is_seen(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    path = agentdb.make(doctor.state.root, agentdb.rows(), version=17)
    plan = doctor.plan("trim")
    before = contents(doctor.state.root)

    class Slow(OsWriteFs):
        def create(self, target: Path) -> int:
            if target.name == "database":
                rewrite(path)
            return super().create(target)

    with pytest.raises(InputChanged):
        apply(plan, tools(Slow()), DEAD)
    assert before.keys() == contents(doctor.state.root).keys()


def test_untouched_transcripts_are_no_inputs(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    doctor.state.store({f"agent:main:telegram:direct:{n}": row(n) for n in range(10, 310)} | STUCK)
    for number in range(10, 310):
        doctor.state.transcript(number)
    plan = doctor.plan("trim")
    assert not plan.empty
    assert_small(plan, 6_000)


def test_a_run_of_an_earlier_version_can_be_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plan lacks a field that later ones have, and its id follows from what it has."""

    to_builtins = msgspec.to_builtins

    def earlier(value: object) -> Any:
        document = to_builtins(value)
        for seen in document.get("fingerprints", ()):
            del seen["ctimeNs"]
        return document

    doctor = Doctor(StateDir(tmp_path))
    stuck(doctor.state)
    before = tree(doctor.state.root)
    with monkeypatch.context() as patched:
        patched.setattr(msgspec, "to_builtins", earlier)
        apply(with_id(doctor.plan("trim")), tools(), DEAD)
    (run,) = list_runs(tools().fs, tools().processes, doctor.state.root)
    assert b"ctimeNs" not in (run.place.directory / "plan.json").read_bytes()
    undo(run, tools(), DEAD)
    assert tree(doctor.state.root) == before


@pytest.mark.parametrize(
    ("repair", "options", "command"),
    [
        ("trim", Options(), "`gatewaydoctor repair trim`."),
        ("trim", Options(TrimOptions(keep_per_job=0)), "`gatewaydoctor repair trim`, with the options of this one."),
        ("park", Options(names=frozenset(PERSON)), "`gatewaydoctor park agent:main:main`."),
    ],
)
def test_after_an_undo_a_saved_plan_is_refused_and_names_its_own_repairs(
    tmp_path: Path, repair: str, options: Options, command: str
) -> None:
    state = StateDir(tmp_path)
    base(state)
    doctor = Doctor(state)
    state.store(PERSON | STUCK | {run_key("j", 8): row(8, age=3 * DAY)})
    plan = doctor.plan(repair, options=options)
    assert apply(plan, tools(), DEAD)
    doctor.undo()
    with pytest.raises(InputChanged) as refused:
        apply(plan, tools(), DEAD)
    assert refused.value.hint == f"Make a new plan: {command}"
