"""The models' measured inputs against the real code of the releases: passes for each new session, work and memory of
a pass, rows after a day of runs, growth of runs.json, usage refresh, its turns. Costs are CPU time of this machine,
so they agree within a factor only."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from gatewaydoctor.simulate import SCENARIOS, run, with_values

from .gateways import environment
from .install import cache_dir, command

pytestmark = pytest.mark.conformance

FACTOR = 4.0
"""Machines differ by less than this; the mechanisms differ by far more."""

RUNS = 40
STORM = SCENARIOS["cap-storm"].options()
USAGE = SCENARIOS["usage-scan"].options()


def node(release: str, script: str, state: Path, *arguments: str) -> dict[str, Any]:
    """What a script of this directory prints when it runs over the release's own code."""
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    runtime, entry = cli
    here = Path(__file__).parent
    arguments = (str(Path(entry).parent / "dist"), *arguments)
    ran = subprocess.run(
        [runtime, "--expose-gc", str(here / script), *arguments],
        env=environment(state), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    found = [line for line in ran.stdout.splitlines() if line.startswith("RESULT ")]
    assert found, ran.stderr[-2000:]
    result: dict[str, Any] = json.loads(found[-1].removeprefix("RESULT "))
    return result


def close_to(value: float, expected: float) -> bool:
    return expected / FACTOR <= value <= expected * FACTOR


@pytest.mark.parametrize(
    ("release", "rows"), [("2026.3.28", 50 + RUNS + 5), ("2026.4.25", 50), ("2026.5.22", range(50, 75))]
)
def test_every_row_of_a_run_is_a_save_of_the_whole_store(release: str, rows: int | range, tmp_path: Path) -> None:
    """The reported store: 50 rows of 30 KB, a cap of 50. 2026.3.28 only warns; 2026.5.22 cuts from 75 rows on."""
    state, sessions = tmp_path / "state", tmp_path / "state/agents/main/sessions"
    sessions.mkdir(parents=True)
    (state / "openclaw.json").write_text(json.dumps({"session": {"maintenance": {"maxEntries": 50}}}))
    now = time.time_ns() // 1_000_000
    old = {
        f"agent:main:cron:job:run:old-{n}": {
            "sessionId": f"old-{n}", "updatedAt": now - 3_600_000 + n, "skillsSnapshot": {"prompt": "p" * 30_000},
        }
        for n in range(50)
    }  # fmt: skip
    (sessions / "sessions.json").write_text(json.dumps(old, indent=2))
    found = node(release, "store.mjs", state, str(sessions / "sessions.json"), str(RUNS))
    assert found["passes"] == found["saves"] == 2 * RUNS
    assert found["rows"] in (rows if isinstance(rows, range) else {rows})
    # Nothing like the 22 MB a pass that the report's growth would need, in any release.
    assert found["heapBytes"] < 10 * STORM.retained_alone < STORM.retained / 100
    if release == "2026.4.25":
        assert close_to(found["cpuMs"] / 1000, STORM.pass_cost * 50 * 30_200)


DAY_OF_RUNS = {"jobs": "job=900x120s:900:failed", "duration": 30 * 3600.0, "jitter": 0.0}
"""A run every two minutes for 30 h: longer than the day that run rows are kept, and more rows than the cap of 500."""


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25", "2026.5.22"])
def test_rows_after_a_day_of_runs_are_those_of_the_model(release: str, tmp_path: Path) -> None:
    model = run("stuck-cron", with_values(SCENARIOS["stuck-cron"].options(), DAY_OF_RUNS), policy=release)
    state, sessions = tmp_path / "state", tmp_path / "state/agents/main/sessions"
    sessions.mkdir(parents=True)
    (state / "openclaw.json").write_text("{}")
    began = time.time_ns() // 1_000_000 - 30 * 3_600_000
    conversations = {
        f"agent:main:telegram:direct:{n}": {"sessionId": f"c-{n}", "updatedAt": began - n * 43_200_000}
        for n in range(10)
    }
    (sessions / "sessions.json").write_text(json.dumps(conversations))
    found = node(release, "runs.mjs", state, str(sessions / "sessions.json"), "900", "120", "failed")
    # The phase of the job decides whether the oldest row has just gone.
    assert found["rows"] == pytest.approx(model.value("rows"), abs=2)
    assert found["runs"] == pytest.approx(model.value("runs"), abs=2)
    assert 10 - found["conversations"] == model.value("conversationsLost")
    (table,) = model.tables
    ((_, *statuses, _),) = table.rows
    assert found["copied"] == pytest.approx(statuses[table.columns.index("failed") - 1], abs=2)
    assert (found["runs"], found["copied"], found["conversations"]) == {
        "2026.3.28": (found["runs"], found["runs"], 10), "2026.4.25": (499, 0, 0), "2026.5.22": (0, 0, 10),
    }[release]  # fmt: skip


SESSIONS, PACE, LENGTH = 40, 30, 240
END_SAVES = {"2026.3.28": 4, "2026.4.25": 5, "2026.5.22": 5}


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25", "2026.5.22"])
def test_the_registry_of_subagents_grows_and_is_swept_as_in_the_model(release: str, tmp_path: Path) -> None:
    """Sessions that nothing archives stay for ever in 2026.3.28 and go five minutes after their end later on."""
    state, sessions = tmp_path / "state", tmp_path / "state/agents/main/sessions"
    sessions.mkdir(parents=True)
    (state / "openclaw.json").write_text(json.dumps({"plugins": {"enabled": False}}))
    now = time.time_ns() // 1_000_000
    rows = {f"agent:main:subagent:{n}": {"sessionId": f"s-{n}", "updatedAt": now} for n in range(SESSIONS)}
    rows["agent:main:main"] = {"sessionId": "main", "updatedAt": now}
    (sessions / "sessions.json").write_text(json.dumps(rows))
    found = node(release, "registry.mjs", state, str(SESSIONS), str(PACE), str(LENGTH))
    values = {
        "tickets": SESSIONS, "sessions_per_ticket": 1, "pace": float(PACE), "session": float(LENGTH),
        "end_saves": END_SAVES[release], "record_bytes": 1.0, "duration": 86_400.0,
    }  # fmt: skip
    model = run("subagent-maps", with_values(SCENARIOS["subagent-maps"].options(), values), policy=release)
    swept = release != "2026.3.28"
    assert (found["left"], found["finished"]) == ((0, 0) if swept else (SESSIONS, SESSIONS))
    assert found["peak"] == pytest.approx(model.value("registryPeak"), rel=0.25)
    # With records of one byte the model's bytes are records, as the release's saves are counted here.
    assert found["saved"] == pytest.approx(model.value("bytesWritten"), rel=0.25)


def transcripts(state: Path, agents: int, files: int, lines: int) -> None:
    said = {"type": "message", "timestamp": "2026-11-01T00:00:00.000Z", "message": {
        "role": "assistant", "content": [{"type": "text", "text": "x" * 300}], "provider": "openai", "model": "m1",
        "usage": {"input": 10, "output": 20, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 30}}}  # fmt: skip
    for agent in range(agents):
        sessions = state / "agents" / ("main" if agent == 0 else f"a{agent}") / "sessions"
        sessions.mkdir(parents=True)
        for _ in range(files):
            name = str(uuid.uuid4())
            head = {"type": "session", "version": 3, "id": name, "timestamp": "2026-11-01T00:00:00.000Z", "cwd": "/"}
            (sessions / f"{name}.jsonl").write_text("\n".join(map(json.dumps, [head, *[said] * lines])) + "\n")
    (state / "openclaw.json").write_text("{}")


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25"])
def test_a_usage_line_is_cheap_up_to_2026_4_25(release: str, tmp_path: Path) -> None:
    transcripts(tmp_path / "state", 1, 20, 50)
    found = node(release, "usage.mjs", tmp_path / "state", "main", str(tmp_path / "state/openclaw.json"))
    assert "refreshCostUsageCache" not in found["functions"]
    assert close_to(found["call"]["cpuMs"] / 1000 / (20 * 50), USAGE.line_cost)


def test_a_usage_line_is_dear_in_2026_5_22_and_agents_share_a_turn(tmp_path: Path) -> None:
    transcripts(tmp_path / "state", 3, 2, 8)
    found = node("2026.5.22", "usage.mjs", tmp_path / "state", "main", str(tmp_path / "state/openclaw.json"))
    refresh, together = found["refresh"], found["together"]
    assert close_to(refresh["cpuMs"] / 1000 / (2 * 8), USAGE.lookup)
    assert found["again"]["cpuMs"] < refresh["cpuMs"] / 20
    # One file is one piece: all its lines are priced in one turn, and three agents' pieces share one.
    assert refresh["maxDelayMs"] > 5 * refresh["cpuMs"] / (2 * 8)
    assert together["maxDelayMs"] > 1.5 * refresh["maxDelayMs"]
    assert USAGE.turns / 2 <= found["cached"]["turns"] / 2 <= USAGE.turns * 12
