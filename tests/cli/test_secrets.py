"""State is secret and untrusted (promise P9): what may not be printed is not, in any verb and any format."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.report.formats.formats import FORMATS
from tests.cli.harness import EXAMINING, ElsewhereFs, Machine, Ran
from tests.cli.secrets import MARKER, Nouns, everything

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = Path("/data/private-quebec/state")
NOUNS = Nouns()
PATH_NAMES = ("private-quebec", "operator-romeo")

HOSTILE = Nouns(
    session="s\x1b[2J\x1b]0;gone\x07",
    peer="\u202egnol\u202c\x9b31m",
    group="line\nfeed\rreturn\u2028para",
    topic="\u200bzero\u2066width\ufeff",
    job="[bold red]free[/] \x1b[31mmoney :smile:",
    job_id="id\x01\x1b[1A",
    lost_job="\ud800lone\udfff",
    lost_job_id="lost\x85\x1b",
    person="[/link] \U000e0041\u202e https://x",
    user="\x1b]8;;http://x\x07",
    word="\x1b[5mword\u2029",
    file="name\x1b[31m\n.txt",
    run="r\x7f\x1b[H",
    account="k" * 200_000,
)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
"""What rich itself writes: colours and weights."""


def command_lines() -> Iterator[tuple[str, ...]]:
    """Every way to have state printed."""
    for verb in EXAMINING:
        yield from ((verb,), (verb, "--all", "--verbose"), (verb, "--json"), (verb, "--json", "--all", "--verbose"))
    yield ("sessions", "--format", "ndjson")
    for planning in ("repair", "runs list", "undo --dry-run"):
        yield from ((*planning.split(), *more) for more in ((), ("--all", "--verbose"), ("--json", "--all")))
    for name in FORMATS:
        yield ("scan", "--format", name)
        yield ("check", "--all", "--verbose", "--format", name)


Outputs = list[tuple[str, Ran]]


def outputs(machine: Machine, *more: str) -> Outputs:
    """What every command line prints."""
    found = []
    for line in command_lines():
        ran = machine.run(*line, *more, "--state-dir", str(SHOWN))
        assert ran.code in (0, 1, 2, 3), (line, ran.err)
        assert "A bug in gatewaydoctor" not in ran.err, line
        found.append((" ".join((*line, *more)), ran))
    return found


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    root = tmp_path_factory.mktemp("named")
    everything(root, NOUNS)
    return Machine(fs=ElsewhereFs(root, SHOWN), env={"HOME": "/home/operator-romeo"})


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    root = tmp_path_factory.mktemp("hostile")
    everything(root, HOSTILE)
    return Machine(fs=ElsewhereFs(root, SHOWN))


@pytest.fixture(scope="module")
def named_outputs(named: Machine) -> Outputs:
    return outputs(named)


@pytest.fixture(scope="module")
def hostile_outputs(hostile: Machine) -> Outputs:
    return [*outputs(hostile), *outputs(hostile, "--redact")]


def test_the_scene_has_something_to_hide(named_outputs: Outputs) -> None:
    """Without --redact every name is in some output, and many rules have found something; else nothing is tested."""
    told = {line: ran.out for line, ran in named_outputs}
    whole = "\n".join(told.values())
    # Nobody needs the names of files that are no transcripts.
    assert [noun for noun in NOUNS.all if noun not in whole] == [NOUNS.file]
    found = json.loads(told["scan --json --all --verbose"])["findings"]
    assert len({finding["rule"] for finding in found}) >= 15


def test_message_text_is_never_printed(named_outputs: Outputs, hostile_outputs: Outputs) -> None:
    words = MARKER.split()
    parts = (MARKER, " ".join(words[:4]), " ".join(words[-4:]))
    for line, ran in (*named_outputs, *hostile_outputs):
        for stream in (ran.out, ran.err):
            flat = " ".join(stream.split())
            assert not [part for part in parts if part in flat], line


def test_redact_hides_every_name(named: Machine) -> None:
    secrets = (*NOUNS.all, NOUNS.word, *PATH_NAMES, str(SHOWN))
    for line, ran in outputs(named, "--redact"):
        for stream in (ran.out, ran.err):
            flat = re.sub(r"\s+", "", stream).lower()
            for secret in secrets:
                assert re.sub(r"\s+", "", secret).lower() not in flat, (line, secret)


def test_redact_hides_names_in_errors(tmp_path: Path) -> None:
    machine = Machine()
    everything(tmp_path, NOUNS)
    for arguments in (
        ("scan", "--state-dir", f"/srv/{NOUNS.user}/nowhere"),
        ("scan", "--state-dir", str(tmp_path), "--agent", "nobody"),
        ("scan", "--store", f"/srv/{NOUNS.user}/sessions.json"),
        ("scan", "--state-dir", f"/srv/the home of {NOUNS.user}/nowhere"),
        ("check", "--state-dir", str(tmp_path), "--baseline", f"{NOUNS.user}.json"),
        ("check", "--state-dir", str(tmp_path), f"--fail-on={NOUNS.user}"),
        ("snapshot", "verify", f"the home of {NOUNS.user}/copy"),
    ):
        for more in ((), ("--json",)):
            ran = machine.run(*arguments, "--redact", *more)
            assert ran.code in (2, 3)
            told = ran.out + ran.err
            assert not [secret for secret in (*NOUNS.all, str(tmp_path)) if secret in told], told


def test_redact_hides_where_a_snapshot_is(tmp_path: Path) -> None:
    everything(tmp_path / "state", NOUNS)
    at = ("--state-dir", str(tmp_path / "state"), "--redact")
    for number, more in enumerate(((), ("--json",))):
        ran = Machine().run("snapshot", str(tmp_path / f"copy of {NOUNS.user} {number}"), *at, *more)
        assert ran.code in (0, 1)
        assert not [secret for secret in (*NOUNS.all, str(tmp_path)) if secret in ran.out + ran.err]


def test_an_alias_is_the_same_wherever_a_name_appears(named: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewaydoctor.report.redaction.secret_offset", lambda: 1_000_000)
    ran = named.run("scan", "--json", "--all", "--redact", "--state-dir", str(SHOWN))
    document = ran.document
    store = next(each for each in document["stores"] if each["agentId"] != "main")
    agent = store["agentId"]
    assert re.fullmatch(r"agent-\d+", agent)
    assert store["path"] == f"<state-dir>/agents/{agent}/sessions/sessions.json"
    jobs = {each["jobId"]: each["name"] for each in store["cron"]}
    rapid = next(each for each in document["findings"] if each["rule"] == "cron-rapid-retry")
    for each in rapid["evidence"]["jobs"]:
        assert jobs[each["jobId"]] == each["name"]
    stuck = next(each for each in document["findings"] if each["rule"] == "session-stuck-running")
    keys = stuck["evidence"]["keys"]
    assert all(key.startswith(f"agent:{agent}:") for key in keys)
    job_ids = {found[1] for key in keys if (found := re.search(r":cron:([^:]+)", key))}
    assert job_ids <= jobs.keys()
    assert named.run("scan", "--json", "--all", "--redact", "--state-dir", str(SHOWN)).out == ran.out


def test_hostile_names_never_reach_a_terminal_raw(hostile_outputs: Outputs) -> None:
    for line, ran in hostile_outputs:
        for stream in (ran.out, ran.err):
            assert harmful(stream) == set(), line


def test_hostile_names_never_reach_a_terminal_with_colours(hostile: Machine) -> None:
    machine = Machine(fs=hostile.fs, terminal=True)
    found = [machine.run(verb, "--all", "--verbose", "--state-dir", str(SHOWN)) for verb in (*EXAMINING, "check")]
    assert any(ESCAPE.search(ran.out) for ran in found)
    for ran in found:
        assert harmful(ESCAPE.sub("", ran.out)) == set()


def test_markup_in_names_is_text(hostile: Machine) -> None:
    shown = replace(hostile, width=200).run("cron", "--state-dir", str(SHOWN))
    assert "[bold red]free[/]" in shown.out
    assert ":smile:" in shown.out


def test_json_keeps_hostile_names_exactly(hostile: Machine) -> None:
    document = hostile.run("cron", "--json", "--all", "--state-dir", str(SHOWN)).document
    assert HOSTILE.job in {each["name"] for each in document["details"]["jobs"]}
    lines = hostile.run("sessions", "--format", "ndjson", "--state-dir", str(SHOWN)).out.splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert any(HOSTILE.group in key for key in keys)
    assert any(HOSTILE.account in key for key in keys)


def test_a_key_of_200_kb_does_not_flood_a_screen(hostile_outputs: Outputs) -> None:
    for line, ran in hostile_outputs:
        if line.split()[0] in EXAMINING and "--json" not in line and "--format" not in line:
            assert len(ran.out) < 60_000, line


def harmful(text: str) -> set[str]:
    """Characters that steer a terminal or hide text, but for the line feed."""
    categories = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return {repr(char) for char in set(text) - {"\n"} if unicodedata.category(char) in categories}
