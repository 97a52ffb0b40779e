"""Every repair, and every other act that writes, with a failure at each of its steps."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.plan import Rewrite, Transact
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.drafting.options import CronOptions, Options, Repair
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs
from gatewaydoctor.repair.vault.codec import with_id
from gatewaydoctor.repair.vault.pruning import prune
from gatewaydoctor.repair.writing.errors import LeftHalfway
from gatewaydoctor.repair.writing.guard import identity
from gatewaydoctor.system.fs import OsReadFs
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, log_of, state_database
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.repair import agentdb
from tests.repair import test_database_faults as databases
from tests.repair import test_imports as imports
from tests.repair.doctor import Doctor
from tests.repair.faults import FaultFs, Killed, Mode, taken
from tests.repair.scene import DEAD, contents, tools, tree
from tests.repair.test_database_salvage import PEOPLE, leaf_of, whole
from tests.world import DAY, HOUR, NOW, StateDir, header, job, row, run_key, session_id, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

    from gatewaydoctor.model.repair.plan import Plan

PERSON = {"agent:main:main": row(1)}
RUNS = {run_key("j", number): row(number, age=3 * DAY) for number in range(20, 24)}
TEMP = "sessions.json.0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10.tmp"


def salvage(state: StateDir) -> None:
    state.store(json.dumps(PERSON | RUNS, indent=2).encode()[:-40])
    state.beside(f"sessions.json.bak.{NOW - DAY}", {"agent:main:telegram:direct:2": row(2)})


def trim(state: StateDir) -> None:
    state.store(PERSON | RUNS)
    state.transcript(20)
    state.transcript(21)


def expire(state: StateDir) -> None:
    state.store(PERSON | {"agent:main:cron:j": row(9, age=2 * DAY, status="running")})


def slim(state: StateDir) -> None:
    state.store({"agent:main:main": row(1, skillsSnapshot={"prompt": "p" * 9_000})})


def orphans(state: StateDir) -> None:
    state.store(PERSON)
    state.transcript(30, header(session_id(30)), age=2 * DAY)


def missing(state: StateDir) -> None:
    state.store(PERSON)


def paths(state: StateDir) -> None:
    files = {number: f"/elsewhere/.openclaw/agents/main/sessions/{session_id(number)}.jsonl" for number in (1, 2, 3)}
    state.store({f"agent:main:telegram:direct:{n}": row(n, sessionFile=name) for n, name in files.items()})
    for number in files:
        state.transcript(number)


def transcripts(state: StateDir) -> None:
    state.store(PERSON)
    state.transcript(1, talk(1) + b'{"torn')


def locks(state: StateDir) -> None:
    state.store(PERSON)
    state.beside(f"{session_id(1)}.jsonl.lock", {"pid": 999_999, "createdAt": "2026-01-01T00:00:00.000Z"}, age=DAY)


def temps(state: StateDir) -> None:
    state.store(PERSON)
    state.beside(TEMP, b"{}", age=2 * HOUR)


def cron(state: StateDir) -> None:
    state.store(PERSON)
    state.jobs([job("a", state={"runningAtMs": NOW - DAY}), "no job"])


def subagents(state: StateDir) -> None:
    state.store(PERSON)
    ended = {"cleanup": "keep", "spawnMode": "session", "createdAt": NOW - 3 * DAY, "endedAt": NOW - 2 * DAY}
    state.subagents([{"runId": f"r{n}", "childSessionKey": f"agent:main:subagent:{n}"} | ended for n in range(3)])


def compacted(state: StateDir) -> None:
    databases.sound(state)
    log = log_of(agent_database(AGENT_VERSION, {"done": 40}, rows=ROWS))
    state.file(f"{AGENT}-wal", log, HOUR)


def crowded(state: StateDir) -> None:
    """A shared-memory file, and a set-aside copy of the database that has its bytes."""
    databases.sound(state)
    state.file(f"{AGENT}-shm", bytes(32_768), HOUR)
    state.file(f"{AGENT}.corrupt-1795000000000", (state.root / AGENT).read_bytes(), HOUR)


def mixed_leftover(state: StateDir) -> None:
    databases.older_leftover(state)
    state.store({databases.MAIN: row(1, age=30 * DAY), "agent:main:telegram:direct:77": row(2)})


def park(state: StateDir) -> None:
    state.store(PERSON | RUNS)
    state.transcript(1)


def unpark(state: StateDir) -> None:
    state.store(RUNS)
    state.beside("parked-1700000000000.json", PERSON)
    state.beside(f"parked-1700000000000.{session_id(1)}.jsonl.kept", talk(1), age=3 * DAY)


IN_DATABASES: dict[Repair, Callable[[StateDir], None]] = {
    Repair.LEFTOVER: mixed_leftover,
    Repair.LOGS: databases.foreign_log,
    Repair.QUARANTINE: databases.quarantined,
    Repair.SCHEMA: databases.orphans,
    Repair.JOBS: databases.moved_jobs,
    Repair.COMPACT: compacted,
    Repair.SPACE: crowded,
    Repair.QUEUES: databases.old_deliveries,
    Repair.IMPORT: imports.cut_by_an_import,
}
SCENES: dict[Repair, Callable[[StateDir], None]] = {
    Repair(make.__name__): make
    for make in (
        salvage,
        trim,
        expire,
        slim,
        orphans,
        missing,
        paths,
        transcripts,
        locks,
        temps,
        cron,
        subagents,
        park,
        unpark,
    )
} | IN_DATABASES
_NAMED = Options(names=frozenset(PERSON))
OPTIONS: dict[Repair | str, Options] = {Repair.MISSING: _NAMED, Repair.PARK: _NAMED, Repair.UNPARK: _NAMED}


def damaged_database(state: StateDir) -> None:
    """Its pages are damaged, its rows are not all in them, and its log and a renamed copy are next to it."""
    path = agentdb.make(state.root, dict.fromkeys(PEOPLE[:20], "done"), version=17)
    whole(state.root, PEOPLE[:20], name=f"{path.name}.corrupt-1795000000000")
    leaf_of("session_nodes")(path)


def missing_database(state: StateDir) -> None:
    whole(state.root, PEOPLE[:20], name="openclaw-agent.sqlite.corrupt-1795000000000")
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",)), HOUR)


def agent_in_files(state: StateDir) -> None:
    state.store(PERSON | RUNS)
    state.transcript(1)


def session_in_a_database(state: StateDir) -> None:
    agentdb.make(state.root, dict.fromkeys((*PERSON, *PEOPLE[:3]), "done"))


def agent_in_a_database(state: StateDir) -> None:
    compacted(state)


def parked_in_a_database(state: StateDir) -> None:
    """One session of it is parked."""
    session_in_a_database(state)
    apply(Doctor(state).plan(Repair.PARK, options=_NAMED), tools(), DEAD)
    shutil.rmtree(state.root / ".gatewaydoctor")


def parked_agent(state: StateDir) -> None:
    """All it had is parked, and the gateway has made an empty store since."""
    agent_in_files(state)
    apply(Doctor(state).plan(Repair.PARK, options=_AGENT), tools(), DEAD)
    shutil.rmtree(state.root / ".gatewaydoctor")
    state.store({})


def trim_in_a_database(state: StateDir) -> None:
    """A conversation and a job's rows, some of them stuck and half of them in the log alone."""
    agentdb.make(state.root, agentdb.rows(4), version=17, skillsSnapshot={"prompt": "p" * 300})


def cron_in_a_database(state: StateDir) -> None:
    databases.sound(state)
    own = str(state.root / "cron/jobs.json")
    state.file(STATE, state_database(STATE_VERSION, 2, agents=("main",), store_key=own), HOUR)


def expire_in_a_database(state: StateDir) -> None:
    trim_in_a_database(state)


def slim_in_a_database(state: StateDir) -> None:
    trim_in_a_database(state)


_AGENT = Options(names=frozenset({"main"}))
MORE: dict[str, tuple[Repair, Callable[[StateDir], None], Options]] = {
    make.__name__: (repair, make, options)
    for repair, make, options in (
        (Repair.SALVAGE, damaged_database, Options()),
        (Repair.SALVAGE, missing_database, Options()),
        (Repair.TRIM, trim_in_a_database, Options()),
        (Repair.EXPIRE, expire_in_a_database, Options()),
        (Repair.SLIM, slim_in_a_database, Options()),
        (Repair.CRON, cron_in_a_database, Options(cron=CronOptions(disable=frozenset({"job-1"})))),
        (Repair.PARK, agent_in_files, _AGENT),
        (Repair.PARK, session_in_a_database, _NAMED),
        (Repair.PARK, agent_in_a_database, _AGENT),
        (Repair.UNPARK, parked_in_a_database, _NAMED),
        (Repair.UNPARK, parked_agent, _AGENT),
    )
}
"""More scenes, by name."""


def test_every_repair_has_a_scene() -> None:
    assert set(SCENES) == set(Repair)


def made(ground: Path, repair: Repair | str) -> Doctor:
    """The scene of that name, on disk."""
    if repair in MORE:
        doctor = Doctor(StateDir(ground, "2026.9.6" if "database" in repair else "2026.3.28"))
        MORE[repair][1](doctor.state)
        return doctor
    repair = Repair(repair)
    doctor = Doctor(StateDir(ground, "2026.9.6") if repair in IN_DATABASES else StateDir(ground))
    SCENES[repair](doctor.state)
    return doctor


def prepared(ground: Path, repair: Repair | str) -> tuple[Path, Plan]:
    doctor = made(ground, repair)
    if repair in MORE:
        asked, _, options = MORE[repair]
        return doctor.state.root, doctor.plan(asked, options=options)
    repair = Repair(repair)
    return doctor.state.root, doctor.plan(repair, options=OPTIONS.get(repair))


class Stage(Struct, frozen=True):
    """A scene and its plan, made once at `place` and copied there anew for every step."""

    kept: Path
    place: Path
    root: Path
    plan: Plan

    @classmethod
    def of(cls, ground: Path, repair: Repair | str) -> Stage:
        place, kept = ground / "place", ground / "kept"
        place.mkdir()
        root, plan = prepared(place, repair)
        place.rename(kept)
        return cls(kept, place, root, plan)

    def fresh(self) -> Plan:
        """The plan for the scene as it is at its place now: a copy has inodes of its own."""
        if self.place.exists():
            shutil.rmtree(self.place)
        shutil.copytree(self.kept, self.place, symlinks=True)
        prints = []
        for each in self.plan.fingerprints:
            stat = (self.root / each.path).lstat()
            prints.append(replace(each, dev=stat.st_dev, ino=stat.st_ino, ctime_ns=stat.st_ctime_ns))
        inputs = []
        for each in self.plan.inputs:
            now = OsReadFs().stat(self.root / each.path) if each.seen else None
            inputs.append(replace(each, seen=identity(now) if now else None))
        return with_id(replace(self.plan, fingerprints=tuple(prints), inputs=tuple(inputs)))


def each_step(
    ground: Path,
    repair: Repair | str,
    mode: Mode,
    act: Callable[[Path, Plan, FaultFs], object],
    before: Callable[[Path, Plan], object] | None = None,
) -> Iterator[tuple[Path, dict[str, object], FaultFs, BaseException | None]]:
    """The act on a fresh directory, without a fault at first and then with one at each step that is taken."""
    stage = Stage.of(ground, repair)
    assert not stage.plan.empty
    steps: list[int] = [0]
    log: list[str] = []
    for step in steps:
        plan = stage.fresh()
        old = tree(stage.root)
        if before is not None:
            before(stage.root, plan)
        fs, error = FaultFs(step, mode), None
        try:
            act(stage.root, plan, fs)
        except (DoctorError, OSError, Killed) as raised:
            error = raised
        if step == 0:
            assert error is None
            log = fs.log
            steps += taken(log, mode, [*SCENES, *MORE].index(repair))
            assert len(log) > 10
        else:
            assert fs.fault_met
            assert fs.log[:step] == log[:step]
        yield stage.root, old, fs, error
        fs.release()
    shutil.rmtree(stage.place)
    shutil.rmtree(stage.kept)


def applied(_root: Path, plan: Plan, fs: FaultFs | None = None) -> None:
    assert apply(plan, tools(fs), DEAD) is not None


def undone(root: Path, _plan: Plan | None, fs: FaultFs) -> None:
    undo(find_run(tools(), root, None, None), tools(fs), DEAD)


def settle(root: Path) -> None:
    """Take back what is left of a run, as an operator would."""
    for run in interrupted_runs(tools().fs, tools().processes, root):
        undo(run, tools(), DEAD)


MODES = (Mode.ERROR, Mode.SHORT, Mode.FULL, Mode.KILL, Mode.POWER, Mode.NAMES)


def goal(ground: Path, repair: Repair) -> dict[str, object]:
    """What the directory holds once nothing has gone wrong."""
    place = ground / "place"
    place.mkdir()
    root, plan = prepared(place, repair)
    applied(root, plan)
    found = contents(root)
    shutil.rmtree(place)
    return found


def is_over(root: Path) -> bool:
    """Whether a run says that it is done."""
    return any(run.state is RunState.DONE for run in list_runs(tools().fs, tools().processes, root))


def cases(*modes: Mode, more: bool = False) -> list[ParameterSet]:
    """Every scene with every mode; those of databases, which take longer, killed. `more`: those of databases with a
    power cut too, and those of MORE, killed."""
    deadly = [mode for mode in modes if mode is Mode.KILL or (more and mode is Mode.NAMES)]
    pairs = [(repair, mode) for repair in SCENES for mode in (deadly if repair in IN_DATABASES else modes)]
    pairs += [(name, Mode.KILL) for name in MORE if more]
    return [pytest.param(repair, mode, id=f"{repair}-{mode.name}") for repair, mode in pairs]


@pytest.mark.parametrize(("repair", "mode"), cases(*MODES, more=True))
def test_apply(ground: Path, repair: Repair, mode: Mode) -> None:
    new = goal(ground, repair)
    for root, old, fs, error in each_step(ground, repair, mode, applied):
        # The way back needs no room: what was replaced stays beside it until all is done and checked.
        assert not (mode is Mode.FULL and isinstance(error, LeftHalfway)) or contents(root) == new, fs.log
        if error is None:
            assert contents(root) == new
        elif isinstance(error, Killed | LeftHalfway):
            over = is_over(root)
            settle(root)
            assert (contents(root) == new) if over else (tree(root) == old), fs.log
        else:
            assert tree(root, vault=True) == old, fs.log


@pytest.mark.parametrize(("repair", "mode"), cases(Mode.ERROR, Mode.SHORT, Mode.FULL, Mode.KILL, Mode.NAMES))
def test_undo(ground: Path, repair: Repair, mode: Mode) -> None:
    for root, old, fs, error in each_step(ground, repair, mode, undone, applied):
        if error is not None and tree(root) != old:
            undo(find_run(tools(), root, None, None), tools(), DEAD)
        assert tree(root) == old, fs.log


@pytest.mark.parametrize(("repair", "mode"), cases(Mode.ERROR, Mode.FULL, Mode.KILL, Mode.NAMES))
def test_resume(ground: Path, repair: Repair, mode: Mode) -> None:
    def killed(_root: Path, plan: Plan) -> None:
        fs = _AfterFirst(
            swap=any(isinstance(act, Rewrite | Transact) and act.replaces is not None for act in plan.acts)
        )
        with pytest.raises(Killed):
            apply(plan, tools(fs), DEAD)
        fs.release()

    def resumed(root: Path, _plan: Plan, fs: FaultFs) -> None:
        (run,) = interrupted_runs(fs, tools().processes, root)
        resume(run, tools(fs), DEAD)

    for root, old, fs, error in each_step(ground, repair, mode, resumed, killed):
        assert error is not None or tree(root) != old, fs.log
        settle(root)
        if tree(root) != old:
            # It had come to its end.
            undone(root, None, FaultFs())
        assert tree(root) == old, fs.log


class _AfterFirst(FaultFs):
    """Killed right after the first file was replaced, or went, where none is."""

    def __init__(self, *, swap: bool) -> None:
        super().__init__()
        self.swap = swap

    def exchange(self, one: Path, other: Path) -> bool:
        super().exchange(one, other)
        self.dead = True
        raise Killed

    def rename_new(self, source: Path, target: Path) -> None:
        super().rename_new(source, target)
        if not self.swap:
            self.dead = True
            raise Killed


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.KILL], ids=lambda mode: mode.name)
def test_prune(ground: Path, mode: Mode) -> None:
    def pruned(root: Path, _plan: Plan, fs: FaultFs) -> None:
        prune(tools(fs), list_runs(fs, tools().processes, root))

    for root, _old, fs, error in each_step(ground, Repair.TRIM, mode, pruned, applied):
        after = contents(root)
        assert error is None or fs.fault_met
        # What is left of a run is either all of it, or it is listed as pruned until the rest is gone too.
        for run in list_runs(fs.__class__(), tools().processes, root):
            assert not run.pending
            if run.state.over:
                prune(tools(), (run,))
                assert (contents(root), (root / ".gatewaydoctor").exists()) == (after, False)
                continue
            undo(run, tools(), DEAD)
            assert contents(root) != after
