"""Recipes give the figures of docs/incidents.md, in the gateway's layout, with the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import statistics
import tracemalloc
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import ijson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.fixtures import DEFAULT_NOW, RECIPES, Made, RecipeError, make
from gatewaydoctor.fixtures.building.chance import Chance
from gatewaydoctor.fixtures.building.ticks import Phase
from gatewaydoctor.fixtures.building.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3_600_000
SMALL = {"many-entries": 0.002, "usage-heavy": 0.001}
RUN_KEY = re.compile(r"agent:main:cron:([^:]+):run:([^:]+)")
BASE_KEY = re.compile(r"agent:main:cron:([^:]+)")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    session_id: str
    status: str | None
    updated: int


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make("issue-61633", tmp_path_factory.mktemp("incident") / "state")


@pytest.fixture(scope="module")
def rows(incident: Made) -> list[Row]:
    with store_of(incident).open("rb") as file:
        return [
            Row(key, entry["sessionId"], entry.get("status"), entry["updatedAt"])
            for key, entry in ijson.kvitems(file, "")
        ]


@pytest.fixture(scope="module")
def runs(incident: Made, rows: list[Row]) -> dict[str, list[Row]]:
    """The cron runs by the name of their job."""
    names = {str(job["id"]): str(job["name"]) for job in jobs_of(incident)}
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if match := RUN_KEY.fullmatch(row.key):
            assert match[2] == row.session_id
            by_name[names[match[1]]].append(row)
    return by_name


def store_of(made: Made, agent: str = "main") -> Path:
    return made.state_dir / "agents" / agent / "sessions" / "sessions.json"


def rows_of(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        return {
            key: json.loads(entry)
            for key, entry in database.execute("SELECT session_key, entry_json FROM session_nodes")
        }


def jobs_of(made: Made) -> list[dict[str, object]]:
    jobs: list[dict[str, object]] = json.loads((made.state_dir / "cron/jobs.json").read_text())["jobs"]
    return jobs


def small(name: str, out: Path, **options: int) -> Made:
    return make(name, out, scale=SMALL.get(name, 0.01), **options)


def test_61633_has_its_entries_and_size(incident: Made, rows: list[Row], runs: dict[str, list[Row]]) -> None:
    assert incident.entries == len(rows) == len({row.key for row in rows}) == 6_539
    assert sum(map(len, runs.values())) == 6_524
    assert abs(store_of(incident).stat().st_size - 185_000_000) <= 0.02 * 185_000_000
    assert abs(incident.bytes - RECIPES["issue-61633"].size) <= 0.02 * 185_000_000


def test_61633_has_its_statuses_per_job(runs: dict[str, list[Row]]) -> None:
    assert {name: Counter(row.status for row in of_job) for name, of_job in runs.items()} == {
        "morning-sleep-report": {"running": 2_016, None: 59},
        "git-backup-night": {"running": 2_085, "failed": 151},
        "SSL price check": {None: 2_211},
        "weekly-expenses": {"done": 1},
        "balcony-watering": {"done": 1},
    }


@pytest.mark.parametrize(
    ("name", "ticks", "runs_per_tick", "interval", "hours"),
    [
        pytest.param("morning-sleep-report", 68, 30, 22.5, 25 / 60, id="morning"),
        pytest.param("git-backup-night", 49, 46, 3_540, 48, id="backup"),
        pytest.param("SSL price check", 97, 23, 1_788, 48, id="price"),
    ],
)
def test_61633_runs_come_in_bursts(
    runs: dict[str, list[Row]], name: str, ticks: int, runs_per_tick: int, interval: float, hours: float
) -> None:
    times = sorted(row.updated for row in runs[name])
    bursts = [[times[0]]]
    for before, at in pairwise(times):
        if at - before > 5_000:
            bursts.append([])
        bursts[-1].append(at)
    intervals = [(b[0] - a[0]) / 1000 for a, b in pairwise(bursts)]
    assert len(bursts) == ticks
    assert abs(statistics.median(map(len, bursts)) - runs_per_tick) <= 1
    assert max(burst[-1] - burst[0] for burst in bursts) <= 2_000
    assert statistics.mean(intervals) == pytest.approx(interval, rel=0.02)
    assert statistics.median(intervals) == pytest.approx(interval, rel=0.02)
    assert times[-1] - times[0] == pytest.approx(hours * HOUR, rel=0.02)
    if name == "morning-sleep-report":
        assert min(intervals) >= 20
        assert max(intervals) <= 25
        assert times[-1] - times[0] <= 25 * 60_000


@pytest.mark.parametrize("end", ["now", "newest"])
def test_61633_the_reporters_script_keeps_16(rows: list[Row], end: str) -> None:
    """It drops what was updated in the last 36 hours, live conversations included, and keeps old stuck runs."""
    until = DEFAULT_NOW if end == "now" else max(row.updated for row in rows)
    kept = [row for row in rows if row.updated < until - 36 * HOUR]
    assert (len(rows) - len(kept), len(kept)) == (6_523, 16)
    assert sum(":direct:" in row.key for row in kept) == 7
    assert any(row.status == "running" and RUN_KEY.fullmatch(row.key) for row in kept)


def test_61633_what_is_not_a_run(rows: list[Row], runs: dict[str, list[Row]]) -> None:
    rest = [row for row in rows if not RUN_KEY.fullmatch(row.key)]
    bases = [row for row in rest if BASE_KEY.fullmatch(row.key)]
    assert len(rest) == 15
    assert sum(row.key.startswith("agent:main:telegram:direct:") for row in rest) == 9
    assert [row.key for row in rest if row.key == "agent:main:main"] == ["agent:main:main"]
    newest = {max(of_job, key=lambda row: row.updated).session_id for of_job in runs.values()}
    assert {row.session_id for row in bases} == newest
    assert Counter(row.status for row in bases) == {"running": 2, "done": 2, None: 1}


def test_61633_rows_stand_in_the_order_of_their_creation(rows: list[Row]) -> None:
    of_runs = [row for row in rows if RUN_KEY.fullmatch(row.key)]
    assert of_runs == sorted(of_runs, key=lambda row: row.updated)
    position = {row.key: index for index, row in enumerate(rows)}
    assert all(position[row.key.partition(":run:")[0]] < position[row.key] for row in of_runs)


def test_61633_jobs_are_isolated_and_have_uuids(incident: Made) -> None:
    jobs = jobs_of(incident)
    assert len(jobs) == 5
    assert {job["sessionTarget"] for job in jobs} == {"isolated"}
    assert all(UUID.fullmatch(str(job["id"])) for job in jobs)


def test_61633_people_have_their_transcripts(incident: Made, rows: list[Row]) -> None:
    for row in rows:
        if ":cron:" in row.key:
            continue
        path = store_of(incident).with_name(f"{row.session_id}.jsonl")
        header, *entries = [json.loads(line) for line in path.read_text().splitlines()]
        assert (header["type"], header["version"], header["id"]) == ("session", 3, row.session_id)
        assert [entry["parentId"] for entry in entries] == [None, *(entry["id"] for entry in entries[:-1])]
        roles = Counter(entry["message"]["role"] for entry in entries if entry["type"] == "message")
        assert roles["user"] >= 6
        assert roles["assistant"] >= roles["user"]
        assert path.stat().st_mtime_ns == row.updated * 1_000_000


@pytest.mark.parametrize("name", RECIPES)
def test_same_bytes_twice(name: str, tmp_path: Path) -> None:
    first, second, other = (
        small(name, tmp_path / "a"),
        small(name, tmp_path / "b/c"),
        small(name, tmp_path / "d", seed=2),
    )
    assert list(listing(first)) == list(listing(second))
    assert digest(first) != digest(other)
    assert first.entries == other.entries


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("issue-61633", "782a99c648486168"),
        ("cap-storm", "4cb759b71c51365a"),
        ("batch-subagents", "8edf66b124b28e25"),
        ("usage-heavy", "decf8e0f5734b152"),
        ("token-heavy", "6626cb6207abacd0"),
        ("many-entries", "2ceffb201371e188"),
    ],
)
def test_same_bytes_on_every_python(name: str, expected: str, tmp_path: Path) -> None:
    """Pinned, since one interpreter cannot show it. A recipe changed on purpose gets a new digest here."""
    assert digest(small(name, tmp_path / "state")) == expected


@pytest.mark.parametrize("name", RECIPES)
def test_made_tells_what_is_there(name: str, tmp_path: Path) -> None:
    made = small(name, tmp_path / "state")
    files = [path for path in made.state_dir.rglob("*") if path.is_file()]
    stores = [json.loads(path.read_bytes()) for path in files if path.name == "sessions.json"]
    stores += [rows_of(path) for path in files if path.name == "openclaw-agent.sqlite"]
    assert made.state_dir == tmp_path / "state"
    assert made.files == len(files)
    assert made.bytes == sum(path.stat().st_size for path in files)
    assert made.entries == sum(map(len, stores))


def test_an_import_takes_every_entry_over_and_makes_a_window_for_each_session(tmp_path: Path) -> None:
    """Base rows of jobs share the session of their newest run. What SQLite itself checks holds."""
    files, imported = (small(name, tmp_path / name) for name in ("issue-61633", "issue-61633-database"))
    path = imported.state_dir / "agents/main/agent/openclaw-agent.sqlite"
    store = json.loads(store_of(files).read_bytes())
    assert rows_of(path) == store
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        windows = {session for (session,) in database.execute("SELECT session_id FROM session_windows")}
        events = dict(database.execute("SELECT session_id, count(*) FROM transcript_events GROUP BY 1"))
    assert windows == {entry["sessionId"] for entry in store.values()}
    transcripts = list((files.state_dir / "agents/main/sessions").glob("*.jsonl"))
    assert events == {each.stem: len(each.read_bytes().splitlines()) for each in transcripts}


@pytest.mark.parametrize("name", RECIPES)
def test_layout_is_the_gateways(name: str, tmp_path: Path) -> None:
    made = small(name, tmp_path / "state")
    for path in made.state_dir.rglob("*.json"):
        text = path.read_text()
        end = "\n" if path.name == "runs.json" else ""
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + end, path
    for path in made.state_dir.rglob("*.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        assert all(line.endswith("}\n") and isinstance(json.loads(line), dict) for line in lines), path


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_newer_than_now_or_open_to_others(name: str, tmp_path: Path) -> None:
    now = DEFAULT_NOW + 86_400_000
    before = os.umask(0)
    try:
        made = small(name, tmp_path / "state", now=now)
    finally:
        os.umask(before)
    for path in (made.state_dir, *made.state_dir.rglob("*")):
        assert path.stat().st_mtime_ns <= now * 1_000_000
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    for store in made.state_dir.rglob("sessions.json"):
        assert all(
            now - 60 * 24 * HOUR < entry["updatedAt"] <= now for entry in json.loads(store.read_bytes()).values()
        )


def test_memory_does_not_grow_with_the_store(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        made = make("issue-61633", tmp_path / "state", scale=0.3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.bytes > 50_000_000
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("scale", "runs", "ticks"), [(10, 20_160, 66), (1, 2_016, 66), (0.25, 504, 33), (1e-6, 1, 1)]
)
def test_scale_multiplies_runs(scale: float, runs: int, ticks: int) -> None:
    assert Phase("running", 2_016, 66).scaled(World(1, scale, DEFAULT_NOW)) == Phase("running", runs, ticks)


@given(st.integers(), st.integers(0, 10**9), st.integers(1, 50), st.integers(0, 1000))
def test_spread_adds_up(seed: int, spare: int, parts: int, least: int) -> None:
    values = Chance(seed).spread(spare + parts * least, parts, least)
    assert len(values) == parts
    assert sum(values) == spare + parts * least
    assert min(values) >= least


def test_cap_storm(tmp_path: Path) -> None:
    made = make("cap-storm", tmp_path / "state")
    store = json.loads(store_of(made).read_bytes())
    config = json.loads((made.state_dir / "openclaw.json").read_bytes())
    assert config["session"]["maintenance"] == {"mode": "enforce", "maxEntries": 50}
    assert len(store) == 50
    assert 1_300_000 <= store_of(made).stat().st_size <= 1_500_000
    transcripts = {path.stem: path for path in store_of(made).parent.glob("*.jsonl")}
    indexed = {entry["sessionId"] for entry in store.values()}
    assert len(transcripts) == 5_176
    assert indexed <= transcripts.keys()
    assert len(indexed) == 26
    with_people = [
        path
        for session_id, path in transcripts.items()
        if session_id not in indexed and b"[cron:" not in path.read_bytes()
    ]
    assert len(with_people) == 12
    oldest = min(path.stat().st_mtime for path in transcripts.values())
    assert DEFAULT_NOW / 1000 - oldest == pytest.approx(3 * 86_400, rel=0.02)


def test_batch_subagents(tmp_path: Path) -> None:
    made = make("batch-subagents", tmp_path / "state")
    registry = json.loads((made.state_dir / "subagents/runs.json").read_bytes())
    store = json.loads(store_of(made).read_bytes())
    runs = list(registry["runs"].values())
    assert registry["version"] == 2
    assert len(runs) == 2_800
    assert {run["spawnMode"] for run in runs} == {"session"}
    assert not any("archiveAtMs" in run for run in runs)
    assert sum("endedAt" not in run for run in runs) == 4
    assert {run["childSessionKey"] for run in runs} | {"agent:main:main"} == store.keys()


def test_usage_heavy(tmp_path: Path) -> None:
    made = make("usage-heavy", tmp_path / "state", scale=0.05)
    stores = {path.parts[-3]: json.loads(path.read_bytes()) for path in made.state_dir.rglob("sessions.json")}
    assert (len(stores), made.entries) == (9, 184)
    sizes = [
        (made.state_dir / "agents" / agent / "sessions" / f"{entry['sessionId']}.jsonl").stat().st_size
        for agent, store in stores.items()
        for entry in store.values()
    ]
    assert sum(sizes) == pytest.approx(15_000_000, rel=0.1)


def test_token_heavy_has_other_entries_in_the_same_shape(tmp_path: Path) -> None:
    prompts, tokens = (make(name, tmp_path / name, scale=0.01) for name in ("issue-61633", "token-heavy"))
    plain, dense = (store_of(made).read_bytes() for made in (prompts, tokens))
    assert list(json.loads(plain)) == list(json.loads(dense))
    assert len(dense) == pytest.approx(len(plain), rel=0.1)
    assert dense.count(b"\n") > 2.5 * plain.count(b"\n")


def test_many_entries_are_small(tmp_path: Path) -> None:
    made = make("many-entries", tmp_path / "state", scale=0.01)
    assert made.entries == 10_000
    assert 300 <= store_of(made).stat().st_size / made.entries <= 400


def test_an_unknown_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="issue-61633"):
        make("issue-61634", tmp_path / "state")


@pytest.mark.parametrize(
    "options", [{"scale": 0}, {"scale": -1}, {"scale": float("nan")}, {"scale": float("inf")}, {"now": 0}], ids=str
)
def test_a_senseless_order_is_refused(options: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(RecipeError):
        make("issue-61633", tmp_path / "state", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_only_an_empty_directory_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    for taken in (tmp_path / "mine", tmp_path / "mine/notes.txt"):
        with pytest.raises(RecipeError, match=re.escape(str(taken))):
            small("cap-storm", taken)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert small("cap-storm", tmp_path / "empty").entries == 50


def listing(made: Made) -> Iterator[tuple[str, int, int, str]]:
    """Name, mode, time and hash of everything below the state directory, and of itself."""
    for path in (made.state_dir, *sorted(made.state_dir.rglob("*"))):
        stat = path.stat()
        data = b"" if path.is_dir() else path.read_bytes()
        yield str(path.relative_to(made.state_dir)), stat.st_mode, stat.st_mtime_ns, hashlib.sha256(data).hexdigest()


def digest(made: Made) -> str:
    return hashlib.sha256(repr(list(listing(made))).encode()).hexdigest()[:16]
