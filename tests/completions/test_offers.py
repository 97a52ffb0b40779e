"""What the program answers at Tab: words of the state directory, quickly, and nothing on any trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.completion.offers import LARGEST_JOBS, MOST, SETTLED, Offer, meant, offers
from gatewaydoctor.completion.source import Source
from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.system.fs import OsReadFs
from tests.completions.conftest import JOBS, NEW, OLD, TOP, TORN, make_run

if TYPE_CHECKING:
    from pathlib import Path


def asked(source: Source, *typed: str, **env: str) -> list[Offer]:
    return offers(OsReadFs(), {"HOME": "/nowhere", **env}, source, typed)


def ask(*arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """The same in a process of its own, as a shell calls it."""
    return subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", "__offer", *arguments],
        env={"HOME": "/nowhere", "PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), **env},
        capture_output=True,
        check=False,
    )


def test_runs_come_newest_first_and_say_what_they_were(state_dir: Path) -> None:
    assert asked(Source.RUNS, "undo", "--state-dir", str(state_dir)) == [
        Offer(TORN, "2026-04-02 08:45 UTC, not finished: slim"),
        Offer(NEW, "2026-04-02 08:30 UTC, undone: salvage"),
        Offer(OLD, "2026-04-01 08:00 UTC, done: trim, expire"),
    ]


def test_only_an_interrupted_run_can_be_resumed(state_dir: Path) -> None:
    assert [each.word for each in asked(Source.INTERRUPTED, f"--state-dir={state_dir}")] == [TORN]


def test_settled_means_what_the_model_says() -> None:
    assert {state.value for state in RunState if state.settled} == SETTLED


def test_a_vault_elsewhere_is_looked_into(state_dir: Path, tmp_path: Path) -> None:
    far, other = "20260403T000000Z-11111111", "20260403T000001Z-22222222"
    make_run(tmp_path / "vault", far, ("done",), ("trim",))
    make_run(tmp_path / "noted", other, ("done",), ("slim",))
    notes = state_dir / ".gatewaydoctor" / "elsewhere"
    notes.mkdir()
    (notes / other).write_text(f"{tmp_path / 'noted'}\nsettled\n")
    words = [each.word for each in asked(Source.RUNS, "--state-dir", str(state_dir), "--vault", f"{tmp_path}/vault")]
    assert words == [other, far, TORN, NEW, OLD]
    assert asked(Source.RUNS, "--state-dir", str(state_dir))[0] == Offer(other, "2026-04-03 00:00 UTC, done: slim")


def test_jobs_that_can_be_typed_and_shown(state_dir: Path) -> None:
    found = asked(Source.JOBS, "--state-dir", str(state_dir))
    assert found == [*(Offer(*job) for job in JOBS.items()), Offer("off", "evil ]0;title name (disabled)")]


def test_agents_are_directories(state_dir: Path) -> None:
    assert [each.word for each in asked(Source.AGENTS, "--state-dir", str(state_dir))] == ["main", "ops"]


def test_the_directory_may_come_from_the_environment_or_a_profile(state_dir: Path, tmp_path: Path) -> None:
    agents = ["main", "ops"]
    assert [each.word for each in asked(Source.AGENTS, OPENCLAW_STATE_DIR=str(state_dir))] == agents
    (tmp_path / ".openclaw-work").symlink_to(state_dir)
    home = {"HOME": str(tmp_path)}
    assert [each.word for each in asked(Source.AGENTS, "--profile", "work", **home)] == agents
    assert [each.word for each in asked(Source.PROFILES, **home)] == ["work"]


def test_the_line_may_set_the_variable_itself(state_dir: Path) -> None:
    ran = ask("agents", "--", f"OPENCLAW_STATE_DIR='{state_dir}'", "gatewaydoctor", OPENCLAW_STATE_DIR="/nowhere")
    assert ran.stdout == b"main\t\nops\t\n"


def test_forms_are_those_of_the_target_on_the_line() -> None:
    assert asked(Source.FORMS, "gatewaydoctor", "integrate", "kubernetes", "--form") == [
        Offer("patch", "of kubernetes"),
        Offer("cronjob", "of kubernetes"),
    ]
    every = [offer.word for offer in asked(Source.FORMS, "gatewaydoctor", "integrate", "--form")]
    assert {"patch", "playbook", "alerts"} <= set(every)
    assert len(every) == len(set(every))


def test_no_more_than_anybody_reads(state_dir: Path) -> None:
    jobs = [{"id": f"job-{number}"} for number in range(MOST + 50)]
    (state_dir / "cron" / "jobs.json").write_text(json.dumps(jobs))
    assert len(asked(Source.JOBS, "--state-dir", str(state_dir))) == MOST


def test_a_huge_jobs_file_is_not_read(state_dir: Path) -> None:
    (state_dir / "cron" / "jobs.json").write_text('[{"id": "a"}]' + " " * LARGEST_JOBS)
    assert asked(Source.JOBS, "--state-dir", str(state_dir)) == []


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("plain", "plain"),
        ("'a b'", "a b"),
        ('"a b"', "a b"),
        ("a\\ b", "a b"),
        ("--state-dir=$D/x", "--state-dir=/srv/x"),
        ("${D}", "/srv"),
        ("--vault=~/v", "--vault=/home/me/v"),
        ("~/v", "/home/me/v"),
        ("it's", "it's"),
    ],
)
def test_words_are_read_as_the_shell_would(word: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D", "/srv")
    monkeypatch.setenv("HOME", "/home/me")
    assert meant(word) == value


def test_nothing_of_a_word_is_run(tmp_path: Path) -> None:
    assert meant(f"$(touch {tmp_path}/made)`touch {tmp_path}/made`")
    assert not (tmp_path / "made").exists()


def test_a_shell_gets_lines(state_dir: Path) -> None:
    ran = ask("agents", "--", "gatewaydoctor", "--state-dir", f"'{state_dir}'")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"main\t\nops\t\n", b"")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("runs",),
        ("nonsense", "--"),
        ("runs", "--", "--state-dir", "/nowhere/at/all"),
        ("jobs", "--", "--state-dir", "/dev/null"),
        ("agents", "--", "--state-dir", ""),
        ("agents", "--", "--profile", "../.."),
        ("runs", "--", "--state-dir", "/\0"[:1] + "x" * 5000),
        ("profiles", "--"),
    ],
)
def test_trouble_is_silence(arguments: tuple[str, ...]) -> None:
    ran = ask(*arguments)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"jobs": 7}', b"\xff\xfe", b'"\\ud800"'])
def test_a_damaged_jobs_file_is_silence(content: bytes, state_dir: Path) -> None:
    (state_dir / "cron" / "jobs.json").write_bytes(content)
    ran = ask("jobs", "--", "--state-dir", str(state_dir))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_a_pipe_in_the_place_of_the_jobs_does_not_block(state_dir: Path) -> None:
    path = state_dir / "cron" / "jobs.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises((OSError, DoctorError)):
        asked(Source.JOBS, "--state-dir", str(state_dir))


def test_looking_changes_nothing(state_dir: Path) -> None:
    def seen() -> list[tuple[str, int, int]]:
        return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in state_dir.rglob("*"))

    before = seen()
    for source in Source:
        ask(source, "--", "--state-dir", str(state_dir))
    assert seen() == before


def test_a_shell_waits_for_no_typer(state_dir: Path) -> None:
    """typer and rich alone take longer than everything an answer needs."""
    told = f"""
import sys
from gatewaydoctor.completion.offers import answer
for source in {[str(source) for source in Source]}:
    answer([source, "--", "--state-dir", {str(state_dir)!r}])
heavy = {{"typer", "rich", "orjson", "ijson", "json5", "psutil", "simpy"}}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", told], cwd=TOP, capture_output=True, text=True, check=False)
    assert ran.stdout
    assert ran.stderr.strip() == "[]"
