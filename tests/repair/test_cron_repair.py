"""cron: marks, one-shot jobs, files that cannot be edited, and what fires afterwards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.repair.plan import Rewrite
from gatewaydoctor.repair.drafting.options import CronOptions, Options
from gatewaydoctor.repair.repairs.cron.choice import require_known
from gatewaydoctor.storage.jsontext.grammar import Automaton
from tests.cli.harness import run
from tests.repair.doctor import Doctor
from tests.world import DAY, NOW, StateDir, job, row

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan

MARKED = {"runningAtMs": NOW - DAY, "nextRunAtMs": NOW - DAY}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


def states(doctor: Doctor, *job_ids: str) -> Path:
    rows = {job_id: {"updatedAtMs": 1, "state": MARKED} for job_id in job_ids}
    return doctor.state.file("cron/jobs-state.json", {"version": 1, "jobs": rows})


def test_the_bytes_read_grow_with_the_file_and_no_faster(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = Automaton.feed

    def counted(self: Automaton, data: bytes) -> None:
        fed.append(len(data))
        feed(self, data)

    monkeypatch.setattr(Automaton, "feed", counted)

    def passes(count: int) -> float:
        ids = [f"j{n}" for n in range(count)]
        size = doctor.state.jobs([job(each) for each in ids]).stat().st_size + states(doctor, *ids).stat().st_size
        fed.clear()
        (step,) = doctor.plan("cron").steps
        assert step.count == count
        return sum(fed) / size

    assert passes(160) < 1.2 * passes(20)


def test_jobs_with_one_id_are_all_cleared_at_once(doctor: Doctor) -> None:
    path = doctor.state.jobs([job("a", state=MARKED), job("a", state=MARKED), job("b", state=MARKED)])
    doctor.apply("cron")
    assert b"runningAtMs" not in path.read_bytes()


AT = {"schedule": {"kind": "at", "at": "2027-01-01T00:00:00Z"}}


def test_a_one_shot_job_is_disabled_wherever_its_mark_was(doctor: Doctor) -> None:
    listed = [job("inside", state=MARKED) | AT, job("beside") | AT, job("often"), job("free") | AT]
    path = doctor.state.jobs(listed)
    before = path.read_text()
    kept = states(doctor, "beside", "often")
    doctor.there_and_back("cron")
    plan = doctor.plan("cron")
    first, notes, second = plan.acts
    assert isinstance(notes, Rewrite)
    assert notes.target == "cron/jobs-disabled.json"
    assert isinstance(first, Rewrite)
    assert isinstance(second, Rewrite)
    # Off before the mark goes, so that an apply broken off in between lets nothing fire.
    assert (first.target, second.target) == ("cron/jobs.json", "cron/jobs-state.json")
    assert [(step.action, step.target, step.sample) for step in plan.steps] == [
        ("clear the mark", "cron/jobs.json", ("inside",)),
        ("disable", "cron/jobs.json", ("name of inside", "name of beside")),
        ("clear the mark", "cron/jobs-state.json", ("beside", "often")),
    ]
    doctor.apply("cron")
    assert [entry["enabled"] for entry in json.loads(path.read_bytes())["jobs"]] == [False, False, True, True]
    # Of the job with its mark beside, nothing but that one word changed.
    unmarked = before.replace(f'"runningAtMs": {MARKED["runningAtMs"]},\n        ', "")
    assert path.read_text() == unmarked.replace('"enabled": true', '"enabled": false', 2)
    assert b"runningAtMs" not in kept.read_bytes()


def test_a_one_shot_job_keeps_its_mark_where_it_cannot_be_disabled(doctor: Doctor) -> None:
    text = json.dumps({"version": 1, "jobs": [job("once") | AT, job("often")]})
    doctor.state.file("cron/jobs.json", f"// mine\n{text}")
    kept = states(doctor, "once", "often")
    doctor.apply("cron")
    rows = json.loads(kept.read_bytes())["jobs"]
    assert {job_id for job_id, row in rows.items() if "runningAtMs" in row["state"]} == {"once"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("jobs.json", '{"version": 1, "jobs": [{"id"', "It has an error: the file ends"),
        ("jobs.json", '{"jobs": 5}', "no list of jobs"),
        ("jobs.json", '[{"id": "a"}, // mine\n]', "comments or other JSON5"),
        ("jobs-state.json", '{"version": 1, "jo', "It has an error"),
    ],
)
def test_a_file_that_cannot_be_edited_is_named_with_the_reason(
    doctor: Doctor, name: str, text: str, why: str
) -> None:
    doctor.state.jobs([job("a")])
    doctor.state.file(f"cron/{name}", text)
    plan = doctor.plan("cron")
    assert plan.empty
    (refusal,) = plan.refusals
    assert refusal.target == f"cron/{name}"
    assert why in refusal.reason
    assert doctor.plan().refusals == ()


def test_a_byte_order_mark_stays_and_hinders_nothing(doctor: Doctor) -> None:
    path = doctor.state.jobs([job("a", state=MARKED)])
    data = b"\xef\xbb\xbf" + path.read_bytes()
    doctor.state.file("cron/jobs.json", data)
    doctor.apply("cron")
    assert path.read_bytes() == data.replace(f'"runningAtMs": {MARKED["runningAtMs"]},\n        '.encode(), b"")


CRON = {"schedule": {"kind": "cron", "expr": "0 9 * * *", "tz": "UTC"}}


def notes(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {note.text: note.names for note in plan.forecast}


@pytest.mark.parametrize("beside", [False, True])
def test_the_forecast_names_every_job_that_fires_because_its_mark_goes(tmp_path: Path, beside: bool) -> None:
    # Just these fired, with their marks cleared, at the start of a real 2026.3.28; with the marks none did.
    later = MARKED | {"nextRunAtMs": NOW + DAY}
    inside = {f"due{n}": (MARKED, {}) for n in range(7)} | {
        "later": (later, {}),
        "missed": (later | {"lastRunAtMs": NOW - 2 * DAY}, CRON),
        "never": (later, CRON),
        "once": (MARKED, AT),
        "off": (MARKED, {"enabled": False}),
        "free": ({"nextRunAtMs": NOW - 1}, {}),
    }
    doctor = Doctor(StateDir(tmp_path, "2026.5.22" if beside else "2026.3.28"))
    doctor.state.jobs([job(name, state={} if beside else state) | more for name, (state, more) in inside.items()])
    if beside:
        rows = {name: {"updatedAtMs": 1, "state": state} for name, (state, _) in inside.items()}
        doctor.state.file("cron/jobs-state.json", {"version": 1, "jobs": rows})
    found = notes(doctor.plan("cron"))
    said = {text: {name.removeprefix("name of ") for name in names} for text, names in found.items() if names}
    fire, because = "will fire soon after the start", "because this plan clears the mark"
    assert said == {
        f"7 cron jobs past due {fire}, {because}; with the mark they would not.": {f"due{n}" for n in range(7)},
        f"1 cron job {fire} if a run was missed, {because}.": {"missed"},
        "2 cron jobs lose their mark and run when next due.": {"later", "never"},
        "1 cron job is past due and will fire soon after the start.": {"free"},
    }


def test_the_forecast_says_whose_mark_stays(doctor: Doctor) -> None:
    text = json.dumps({"version": 1, "jobs": [job("once", state=MARKED) | AT, job("bad", schedule=5)]})
    doctor.state.file("cron/jobs.json", f"// mine\n{text}")
    doctor.state.store({"agent:main:main": row(1, age=2 * DAY, status="running")})
    said = notes(doctor.plan("cron", "expire"))
    stays = "This job is marked as running: the start clears the mark and leaves it out of its catch-up."
    assert said[stays] == ("name of once",)
    # Seen with a real 2026.3.28: the catch-up passes over it, and the next tick does not.
    assert said["1 one-shot job among them may still fire again."] == ("name of once",)


def test_nothing_is_said_to_fire_where_cron_is_off(doctor: Doctor) -> None:
    doctor.state.config({"cron": {"enabled": False}})
    doctor.state.jobs([job("a", state=MARKED), job("b", state={"nextRunAtMs": NOW - 1})])
    assert any("disabled in the config" in text for text in notes(doctor.plan("cron")))
    assert not any("will fire" in text for text in notes(doctor.plan("cron")))


def test_on_2026_9_6_the_mark_holds_a_job_back_too(tmp_path: Path) -> None:
    # Seen with a real 2026.9.6: it records a run of 29 h as interrupted and computes the next.
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    doctor.state.jobs([job("a", state=MARKED)])
    fires = "1 cron job past due will fire soon after the start, because this plan clears the mark"
    fires += "; with the mark they would not."
    assert notes(doctor.plan("cron"))[fires] == ("name of a",)
    doctor.state.store({"agent:main:main": row(1, age=2 * DAY, status="running")})
    assert any(
        "records the run as interrupted and computes the next one" in text for text in notes(doctor.plan("expire"))
    )


def named(**jobs: str) -> Options:
    return Options(cron=CronOptions(**{name: frozenset(words.split(",")) for name, words in jobs.items()}))


def test_jobs_are_disabled_and_enabled_by_id_or_name(doctor: Doctor) -> None:
    path = doctor.state.jobs([job("a"), job("b", enabled=False), job("c"), {"name": "nameless", "enabled": True}])
    before = path.read_text()
    off = named(disable="a,name of c,nameless", enable="B")
    doctor.there_and_back("cron", options=off)
    doctor.apply("cron", options=off)
    first, *rest = re.split(r'(?<="enabled": )(?:true|false)', before)
    words = ("false", "true", "false", "false")
    changed = first + "".join(word + part for word, part in zip(words, rest, strict=True))
    assert path.read_text() == changed, "nothing but these four words changed"
    assert "cron-job-disabled" in doctor.rules()
    doctor.apply("cron", options=named(enable="a,c,nameless"))
    assert "cron-job-disabled" not in doctor.rules()
    assert not (doctor.state.root / "cron/jobs-disabled.json").exists()


def test_a_note_of_a_disabled_job_can_be_dropped(doctor: Doctor) -> None:
    path = doctor.state.jobs([job("a"), job("b")])
    doctor.apply("cron", options=named(disable="a,b"))
    doctor.apply("cron", options=named(drop="a"))
    assert [each.job_id for each in doctor.state.examine().cron.disabled] == ["b"]
    assert [each["enabled"] for each in json.loads(path.read_bytes())["jobs"]] == [False, False]


def test_what_is_disabled_already_is_said(doctor: Doctor) -> None:
    doctor.state.jobs([job("a", enabled=False)])
    plan = doctor.plan("cron", options=named(disable="a"))
    assert plan.empty
    assert [note.names for note in plan.cautions] == [("name of a is disabled already",)]


def test_jobs_with_comments_are_refused(doctor: Doctor) -> None:
    doctor.state.file("cron/jobs.json", "// mine\n" + json.dumps({"version": 1, "jobs": [job("a")]}))
    plan = doctor.plan("cron", options=named(disable="a"))
    assert plan.empty
    assert "comments" in plan.refusals[0].reason


@pytest.mark.parametrize("jobs", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_job_that_is_parked_comes_back_byte_for_byte(doctor: Doctor, jobs: list[str]) -> None:
    odd = '{"id": "b",  "name":"caf\\u00e9", "n": 1.50, "schedule": {"kind":"every","everyMs":6e4}}'
    texts = [odd if each == "b" else json.dumps(job(each)) for each in jobs]
    path = doctor.state.file("cron/jobs.json", '{"version": 1, "jobs": [' + ", ".join(texts) + "]}")
    last = "café" if "b" in jobs else "a"
    doctor.there_and_back("cron", options=named(park=last))
    doctor.apply("cron", options=named(park=last))
    assert {each.label for each in doctor.state.examine().cron.parked} == {"café" if last == "café" else "name of a"}
    assert "cron-job-parked" in doctor.rules()
    doctor.apply("cron", options=named(unpark=last))
    assert sorted(json.dumps(each) for each in json.loads(path.read_bytes())["jobs"]) == sorted(
        json.dumps(json.loads(text)) for text in texts
    )
    assert ("b" not in jobs) or odd in path.read_text()
    assert "cron-job-parked" not in doctor.rules()
    assert not (doctor.state.root / "cron/jobs-parked.json").exists()


@pytest.mark.parametrize("option", ["--unpark", "--drop"])
def test_a_parked_job_is_taken_by_its_name_on_the_command_line(doctor: Doctor, option: str) -> None:
    doctor.state.jobs([job("a"), job("b")])
    at = ("--state-dir", str(doctor.state.root), "--now", str(NOW))
    assert run("repair", "cron", "--park", "b", "--apply", "--yes", *at).code == 0
    ran = run("repair", "cron", option, "b", *at)
    assert (ran.code, ran.err) == (0, "")


def test_a_parked_job_is_dropped_by_name_alone(doctor: Doctor) -> None:
    doctor.state.jobs([job("a"), job("b"), job("c")])
    doctor.apply("cron", options=named(park="a,b"))
    doctor.there_and_back("cron", options=named(drop="name of a"))
    doctor.apply("cron", options=named(drop="name of a"))
    assert [each.job_id for each in doctor.state.examine().cron.parked] == ["b"]


PARKED_BY = [
    ("2026.2.26", {"old name", "text", "bad"}),
    ("2026.3.28", {"bad"}),
    ("2026.4.25", {"text", "bad"}),
    ("2026.5.22", {"text", "bad", "no message", "name of no id"}),
    (None, {"bad"}),
]


@pytest.mark.parametrize(("release", "parked"), PARKED_BY)
def test_only_what_the_release_cannot_run_is_parked(tmp_path: Path, release: str | None, parked: set[str]) -> None:
    state = StateDir(tmp_path, release)
    nameless = {key: value for key, value in job("no id").items() if key != "id"}
    cron = {"kind": "cron"}
    state.jobs(
        [
            job("sound"),
            job("x", name="old name", schedule=cron | {"cron": "0 2 * * *"}),
            job("y", name="text", schedule="0 2 * * *"),
            job("z", name="bad", schedule=cron | {"expr": "every day"}),
            job("w", name="no message", payload={"kind": "agentTurn"}),
            nameless,
        ]
    )
    doctor = Doctor(state)
    doctor.apply("cron")
    assert {each.label for each in state.examine().cron.parked} == parked
    assert "cron-job-cannot-run" not in {each.rule for each in state.judge().findings if each.fix}


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        (named(disable="nmae of a"), "unknown cron job 'nmae of a'. Did you mean name of a?", "cron` lists"),
        (named(unpark="a"), "unknown parked cron job 'a'.", "parked jobs"),
        (named(enable="twin"), "2 jobs are called 'twin'", "Use one of: b, c."),
    ],
)
def test_a_name_that_is_unknown_or_stands_for_two_is_an_error(
    doctor: Doctor, options: Options, said: str, hint: str
) -> None:
    doctor.state.jobs([job("a"), job("b", name="twin"), job("c", name="twin")])
    with pytest.raises(UsageError) as error:
        require_known(doctor.state.examine().cron, options.cron)
    assert said in error.value.message
    assert hint in error.value.hint
