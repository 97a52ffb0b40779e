"""Under --redact nothing of the source leaves the program, whatever the verb, the format or the damage."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.model.outcome.forecast import EventKind
from gatewaydoctor.report import redaction
from gatewaydoctor.report.formats.formats import FORMATS
from gatewaydoctor.report.outgoing import begin
from gatewaydoctor.report.ownwords import own_words
from gatewaydoctor.report.redaction import Redaction
from tests.cli.harness import EXAMINING, NOW_MS, Machine, Ran
from tests.cli.scenes import HOUR, ago, job
from tests.cli.secrets import Nouns, everything

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOUNS = Nouns()
FREE_TEXT = "every second Thursday unless Gisela objects"
PORT = 18_999
MINUTE = 60_000


@pytest.fixture(autouse=True)
def nothing_is_redacted_afterwards() -> Iterator[None]:
    yield
    begin(redact=False)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Everything that can be told, with schedules that hold somebody's words, a port, an address and a time to the
    millisecond."""
    root = tmp_path / "private-quebec"
    scene = everything(root, NOUNS)
    config = json.loads((root / "openclaw.json").read_text())
    config["gateway"] = {"mode": "local", "port": PORT, "bind": "192.168.77.12"}
    (root / "openclaw.json").write_text(json.dumps(config))
    scene.jobs(
        job(NOUNS.job_id, NOUNS.job, schedule={"kind": "cron", "expr": FREE_TEXT, "tz": "America/Montevideo"}),
        job("job-a1", "Golf invoices", schedule={"kind": "at", "at": FREE_TEXT}),
        job("job-a2", "Hotel invoices", schedule={"kind": "at", "at": "2026-04-03T04:17:23.456Z"}),
        job("job-a3", "India invoices", schedule={"kind": FREE_TEXT, "everyMs": 1_234_567}),
        job(
            "job-a4",
            "Kilo invoices",
            schedule={"kind": "cron", "expr": "17 4 * * 2"},
            state={"nextRunAtMs": ago(-3_333_333)},
        ),
    )
    return root


def damaged(root: Path) -> Path:
    """The larger store cut short: its keys can no longer be read from it."""
    path = root / f"agents/{NOUNS.agent}/sessions/sessions.json"
    path.write_bytes(path.read_bytes()[:-5_000])
    (root / f"agents/{NOUNS.agent}/sessions/{NOUNS.session}-torn.jsonl").write_text(
        f"{NOUNS.person} {NOUNS.peer}\nx\n{{"
    )
    return root


def secrets_of(root: Path) -> set[str]:
    """Every word of four letters and every number from 1,000 of the source that the program does not use itself."""
    found: set[str] = set()
    for path in root.rglob("*"):
        if path.is_file() and ".gatewaydoctor" not in path.parts:
            text = path.read_bytes().decode(errors="replace").encode().decode("unicode_escape", "replace")
            found |= set(re.findall(r"[^\W\d_]{4,}", f"{path.name} {text}")) | set(re.findall(r"\d{4,}", text))
    return {
        each for each in found if each.lower() not in own_words() and not re.fullmatch(r"20[0-9]{2}|0+|1{4}", each)
    }


def assert_clean(ran: Ran, secrets: set[str], line: object) -> None:
    for stream in (ran.out, ran.err):
        words = set(re.findall(r"[^\W\d_]{4,}", stream)) | set(re.findall(r"\d{4,}", stream))
        assert not words & secrets, (line, words & secrets)
        for noun in (
            *NOUNS.all,
            NOUNS.word,
            "private-quebec",
            FREE_TEXT,
            "192.168.77.12",
            "04:17:23",
            "17 4 * *",
            "Montevideo",
        ):
            assert noun not in stream, (line, noun)


@pytest.mark.parametrize("damage", [False, True], ids=["whole", "damaged"])
def test_nothing_of_the_source_is_in_any_output(damage: bool, private: Path, tmp_path: Path) -> None:
    root = damaged(private) if damage else private
    secrets = secrets_of(root)
    assert {"Mustermann", "payroll", "Gisela", str(PORT), NOUNS.peer[1:]} <= secrets
    machine = Machine()
    at = ("--redact", "--state-dir", str(root))
    more: tuple[tuple[str, ...], ...] = ((), ("--all", "--verbose"), ("--json", "--all"))
    lines = [(verb, *each) for verb in (*EXAMINING, "forecast", "gate", "after", "explain") for each in more]
    lines += [("gate", "--format", form) for form in FORMATS] + [
        ("forecast", "--quiet"),
        ("forecast", "--at", FREE_TEXT),
    ]
    lines += [("migration", "--export", str(tmp_path / f"export of {NOUNS.user}")), ("explain", NOUNS.person)]
    lines += [(verb, "--format", form) for verb in ("scan", "check") for form in FORMATS]
    lines += [("sessions", "--format", "ndjson"), ("check", "--verbose")]
    for each in more:
        lines += [("repair", *each), ("repair", "trim", "expire", "missing", "--max-entries", "2", *each)]
    for each in more:
        lines += [("repair", "--apply", "--yes", *each), ("runs", "list", *each), ("undo", "--dry-run", *each)]
        lines += [("undo", "--yes", *each), ("undo", "--merge", "--dry-run", *each)]
    lines += [("snapshot", str(tmp_path / f"copy of {NOUNS.user}"), "--json"), ("snapshot", str(tmp_path / "erikas"))]
    lines += [("repair", "--name", NOUNS.person), ("runs", "show", NOUNS.session), ("scan", "--agent", NOUNS.agent)]
    lines += [("sessions", "--job", f"{NOUNS.job}x"), ("repair", "--plan", f"/srv/{NOUNS.user}.json", "--apply")]
    codes = set()
    for line in lines:
        ran = machine.run(*line, *at)
        assert ran.code in ((0, 78) if line[0] == "gate" else (0, 1, 2, 3)), (line, ran)
        assert_clean(ran, secrets, line)
        codes.add((line[:2], ran.code))
    assert (("repair", "--apply"), 0) in codes
    assert (("undo", "--yes"), 0) in codes


def test_runs_are_told_without_their_names_and_times(private: Path) -> None:
    at = ("--state-dir", str(private))
    secrets = secrets_of(private)
    machine = Machine()
    applied = machine.run("repair", "--apply", "--yes", "--json", *at).document
    run_id = applied["details"]["receipt"]["runId"]
    for line in (
        ("runs", "list"),
        ("runs", "show", run_id),
        ("runs", "verify", run_id),
        ("runs", "prune", run_id, "--yes"),
    ):
        for more in ((), ("--json",)):
            ran = machine.run(*line, *more, "--redact", *at)
            # Once it is pruned there is nothing to prune.
            assert ran.code in ((0, 3) if line[1] == "prune" else (0, 1)), (line, ran)
            assert run_id not in ran.out + ran.err
            assert run_id[:8] not in ran.out + ran.err
            assert_clean(ran, secrets, line)


def test_a_redacted_plan_holds_no_bytes_of_the_files(private: Path) -> None:
    plan = Machine().run("repair", "--json", "--redact", "--state-dir", str(private)).document["details"]["plan"]
    assert plan["acts"]
    assert all(act.get("segments", []) == [] for act in plan["acts"])
    assert all(each["ino"] == each["uid"] == 0 for each in plan["fingerprints"])


def test_times_move_by_one_offset_and_keep_their_distances(private: Path) -> None:
    def times(value: Any, field: str = "") -> Iterator[int]:
        if isinstance(value, dict):
            for name, item in value.items():
                yield from times(item, name)
        elif isinstance(value, list):
            for item in value:
                yield from times(item, field)
        elif isinstance(value, int) and value > 10**12 and not field.lower().endswith("bytes"):
            yield value

    machine, at = Machine(), ("--json", "--all", "--state-dir", str(private))
    for verb in ("scan", "cron", "stuck"):
        plain, moved = machine.run(verb, *at), machine.run(verb, *at, "--redact")
        before, after = list(times(plain.document)), list(times(moved.document))
        assert len(before) == len(after) > 5
        offsets = {new - old // MINUTE * MINUTE for old, new in zip(before, after, strict=True)}
        assert len(offsets) == 1
        assert moved.document["now"] - NOW_MS in offsets
        assert not set(before) & set(after)


def test_every_document_has_an_offset_of_its_own(private: Path) -> None:
    at = ("scan", "--json", "--redact", "--state-dir", str(private))
    assert len({Machine().run(*at).document["now"] for _ in range(4)}) > 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-04-02 09:00 UTC", "2026-04-04 10:01 UTC"),
        ("at 2026-04-02T09:00:59.999Z.", "at 2026-04-04T10:01:00.000Z."),
        ("2026-04-02T11:00+02:00", "2026-04-04T10:01+00:00"),
        ("x.jsonl.reset.2026-04-02T09-00-30.123Z", "x.jsonl.reset.2026-04-04T10-01-00.000Z"),
        ("99-99 9999-99-99T99:99", "99-99 time-1"),
        ("127.0.0.1:18789 and 10.0.0.7:22, port 22", "127.0.0.1:PORT and address-1:22, port PORT"),
        ("release 2026.4.25, 6,539 entries of 185.2 MB, 65 %", "release 2026.4.25, 6,539 entries of 185.2 MB, 65 %"),
        ("agent-1, job-id-22 and <state-dir>/agents", "agent-1, job-id-22 and <state-dir>/agents"),
        ("*/15 4 * * 1-5 Europe/Oslo", "CRON ZONE"),
        ("Run 20260402T090000Z-11b7557a: Run 20260402T090000Z-11b7557a", "Run run-1: Run run-1"),
        ("pid 4242, +49 151 12345678", "pid number-1, number-2"),
        ("+49 151/123 45, (212) 867-530, 030-123-45", "number-1, number-2, number-3"),
        ("2-33 GB of 12-14, 3 of 100 (77)", "2-33 GB of 12-14, 3 of 100 (77)"),
        ("stateDir maxEntries over_cap payrollSync", "stateDir maxEntries over_cap word-1"),
        ("Größe Ωmega ERIKA erika", "word-1 word-2 word-3 word-3"),
        ("\x1b[1mnext\x1b[0m", "\x1b[1mnext\x1b[0m"),
        ("\x1b[2m212-867-5309\x1b[0m", "\x1b[2mnumber-1\x1b[0m"),
    ],
)
def test_what_text_becomes(text: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "secret_offset", lambda: 2 * 24 * 60 + 61)
    assert Redaction().text(text) == told


def test_what_values_become(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "secret_offset", lambda: 1)
    value = {
        "updatedAt": NOW_MS + 1,
        "mtimeNs": (NOW_MS + 1) * 1_000_000,
        "startedAt": 177_512_000,
        "endedAt": 7,
        "bytes": NOW_MS,
        "port": 4711,
        "seen": [1, 2, 3, 4],
        "sha256": "abc",
        "count": 123_456,
        "acts": [{"segments": [["bytes", "RXJpa2E="]]}],
        "oddlyErika": None,
    }
    assert Redaction().value(value) == {
        "updatedAt": NOW_MS + MINUTE,
        "mtimeNs": (NOW_MS + MINUTE) * 1_000_000,
        "startedAt": 177_512_000 // MINUTE * MINUTE + MINUTE,
        "endedAt": 7,
        "bytes": NOW_MS,
        "port": 0,
        "seen": [0, 0, 0, 0],
        "sha256": "hash-1",
        "count": 123_456,
        "acts": [{"segments": []}],
        "word-1": None,
    }


def test_the_offset_is_whole_minutes_of_months_to_years() -> None:
    offsets = {redaction.secret_offset() for _ in range(50)}
    assert len(offsets) > 40
    assert all(100 * 24 * 60 <= each < 1_100 * 24 * 60 for each in offsets)
    assert datetime.fromtimestamp(NOW_MS / 1000, UTC).year == 2026
    assert HOUR == 60 * MINUTE


def test_what_the_program_itself_says_stays_readable() -> None:
    at = ("--state-dir", str(FIXTURES / "incident-61633/state"), "--now", "2026-04-02T09:00:00Z", "--redact")
    events = Machine().run("forecast", *at, "--json").document["details"]["forecast"]["events"]
    assert "resumes nothing" in [event["what"] for event in events]
    assert {event["kind"] for event in events} <= set(EventKind)
    assert {event["certainty"] for event in events} <= {"will", "may"}
    page = Machine().run("scan", *at, "--format", "html").out
    assert "resumes nothing" in page
    assert "name-" not in page.partition("At the next start")[2].partition("</ol>")[0]
    steps = Machine().run("repair", *at, "--json").document["details"]["plan"]["steps"]
    assert {step["repair"] for step in steps} == {"trim", "expire"}
    assert not [step["action"] for step in steps if step["action"].startswith("name-")]
