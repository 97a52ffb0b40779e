"""The log of another database is moved away, and until then the rows are told that the file itself holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.test_database_salvage import PEOPLE, whole
from tests.world import StateDir

OTHERS = [f"agent:second:telegram:direct:{number}" for number in range(200)]


def log_of(path: Path, made: Path) -> bytes:
    """What a transaction over every page of a copy of this database leaves in its -wal."""
    made.write_bytes(path.read_bytes())
    with closing(agentdb.connected(made)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE session_windows SET started_at = 1")
        database.execute("UPDATE schema_meta SET app_version = 'z'")
        database.execute("VACUUM")
        return Path(f"{made}-wal").read_bytes()


def foreign(tmp_path: Path) -> tuple[Doctor, Path]:
    state = StateDir(tmp_path, "2026.9.6")
    mine, other = whole(state.root, PEOPLE), whole(state.root, OTHERS, agent="second")
    mine.with_name(f"{mine.name}-wal").write_bytes(log_of(other, tmp_path / "made.sqlite"))
    return Doctor(state), mine


def test_the_plan_tells_the_rows_that_the_start_will_find(tmp_path: Path) -> None:
    doctor, mine = foreign(tmp_path)
    kept = mine.read_bytes()
    plan = doctor.plan()
    assert [step.target for step in steps(plan, "logs")] == ["agents/main/agent"]
    for summary in (plan.before, plan.after):
        (store,) = (each for each in summary.stores if each.agent_id == "main")
        assert (store.entries, store.conversations) == (len(PEOPLE), len(PEOPLE))
    assert any("rows are compared once the foreign log is gone" in note.text for note in plan.cautions)
    doctor.there_and_back("logs")
    doctor.apply("logs")
    assert mine.read_bytes() == kept
    assert set(agentdb.statuses(mine)) == set(PEOPLE)


def test_what_is_at_stake_is_not_what_the_log_would_make_of_it(tmp_path: Path) -> None:
    doctor, _ = foreign(tmp_path)
    stake = doctor.state.judge().verdict.stake
    assert stake.conversations == len(PEOPLE) + len(OTHERS)


def test_rows_wait_until_the_log_is_gone(tmp_path: Path) -> None:
    """An edit would be made on a copy with the log folded in."""
    doctor, _ = foreign(tmp_path)
    plan = doctor.plan("expire", "trim", "slim", "compact")
    assert not any(step.target.startswith("agents/main/") for step in plan.steps)
    (refusal,) = (each for each in plan.refusals if each.target.startswith("agents/main/"))
    assert refusal.reason == "Its log is another database's and has to go first."
    assert refusal.hint == "Run `gatewaydoctor repair logs`."
