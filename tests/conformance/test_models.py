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
from .record import told

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


def agrees(release: str, what: str, value: float, low: float, high: float) -> bool:
    """Whether the measured value is within what the model says, told as a case."""
    claim = f"{low:.3g} to {high:.3g}" if low != high else f"{low:.6g}"
    return told(release, "models", what, claim, claim if low <= value <= high else f"{value:.6g}")


def close_to(release: str, what: str, value: float, expected: float) -> bool:
    return agrees(release, what, value, expected / FACTOR, expected * FACTOR)


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
    least, most = (rows.start, rows.stop - 1) if isinstance(rows, range) else (rows, rows)
    done = [
        agrees(release, f"{what} of {RUNS} runs", found[what], 2 * RUNS, 2 * RUNS) for what in ("passes", "saves")
    ]
    done.append(agrees(release, f"rows after {RUNS} runs with a cap of 50", found["rows"], least, most))
    # Nothing like the 22 MB a pass that the report's growth would need, in any release.
    assert 10 * STORM.retained_alone < STORM.retained / 100
    done.append(
        agrees(release, "heap bytes kept by a pass", found["heapBytes"], -(1 << 30), 10 * STORM.retained_alone)
    )
    if release == "2026.4.25":
        done.append(close_to(release, "CPU s of a pass", found["cpuMs"] / 1000, STORM.pass_cost * 50 * 30_200))
    assert all(done)


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
    (table,) = model.tables
    ((_, *statuses, _),) = table.rows
    copied, lost = statuses[table.columns.index("failed") - 1], model.value("conversationsLost")
    day = "after 900 runs in 30 h"
    assert all(
        [
            agrees(release, f"rows {day}", found["rows"], model.value("rows") - 2, model.value("rows") + 2),
            agrees(release, f"run rows {day}", found["runs"], model.value("runs") - 2, model.value("runs") + 2),
            agrees(release, f"run rows marked failed {day}", found["copied"], copied - 2, copied + 2),
            agrees(release, f"conversations lost {day}", 10 - found["conversations"], lost, lost),
        ]
    )
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
    left = 0 if swept else SESSIONS
    peak, saved = model.value("registryPeak"), model.value("bytesWritten")
    assert all(
        [
            agrees(release, "subagent runs left", found["left"], left, left),
            agrees(release, "subagent runs finished and left", found["finished"], left, left),
            agrees(release, "most subagent runs at a time", found["peak"], 0.75 * peak, 1.25 * peak),
            # With records of one byte the model's bytes are records, as the release's saves are counted here.
            agrees(release, "records saved", found["saved"], 0.75 * saved, 1.25 * saved),
        ]
    )


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
    assert close_to(release, "CPU s of a usage line", found["call"]["cpuMs"] / 1000 / (20 * 50), USAGE.line_cost)


def test_a_usage_line_is_dear_in_2026_5_22_and_agents_share_a_turn(tmp_path: Path) -> None:
    transcripts(tmp_path / "state", 3, 2, 8)
    found = node("2026.5.22", "usage.mjs", tmp_path / "state", "main", str(tmp_path / "state/openclaw.json"))
    refresh, together = found["refresh"], found["together"]
    release, endless = "2026.5.22", float("inf")
    again, line = found["again"]["cpuMs"] / refresh["cpuMs"], refresh["cpuMs"] / (2 * 8)
    turns = found["cached"]["turns"] / 2
    # One file is one piece: all its lines are priced in one turn, and three agents' pieces share one.
    shared = together["maxDelayMs"] / refresh["maxDelayMs"]
    assert all(
        [
            close_to(release, "CPU s of a usage line", refresh["cpuMs"] / 1000 / (2 * 8), USAGE.lookup),
            agrees(release, "CPU of a second refresh, of the first", again, 0, 1 / 20),
            agrees(release, "lines priced in one turn, by its delay", refresh["maxDelayMs"] / line, 5, endless),
            agrees(release, "delay of three agents together, of one", shared, 1.5, endless),
            agrees(release, "turns of a cached file", turns, USAGE.turns / 2, USAGE.turns * 12),
        ]
    )
