"""The gate: exit codes row by row, which rules count, what a baseline lets through."""

from __future__ import annotations

import errno
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.storage.files import reader
from tests.cli import harness, scenes
from tests.cli.failing import Failing
from tests.gates import damaged, healthy, hostile, issue_61633, run, stuck
from tests.world import DAY, NOW, StateDir, job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.harness import Ran


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test runs from an empty working directory, which it may put settings into."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return directory


def check(state: Path, *options: str) -> Ran:
    return run("check", "--state-dir", str(state), *options)


def told(state: Path, *options: str) -> dict[str, Any]:
    """The document, which agrees with the exit code."""
    ran = check(state, "--json", *options)
    assert (ran.document["exitCode"], ran.document["ok"]) == (ran.code, ran.code == 0)
    return ran.document


def warned(root: Path) -> Path:
    """One warning and nothing else."""
    state = StateDir(root).healthy()
    state.jobs([job("backup", state={"runningAtMs": NOW - 10 * DAY})])
    return state.root


def empty(root: Path) -> Path:
    state = StateDir(root)
    return state.root


def missing(root: Path) -> Path:
    return root / "missing"


def a_file(root: Path) -> Path:
    path = root / "file"
    path.write_text("x")
    return path


ROWS = [
    pytest.param(healthy, (), ExitCode.OK, id="healthy"),
    pytest.param(empty, (), ExitCode.OK, id="nothing in it"),
    pytest.param(healthy, ("--fail-on", "info"), ExitCode.OK, id="healthy to the least"),
    pytest.param(warned, (), ExitCode.OK, id="a warning is below the threshold"),
    pytest.param(warned, ("--fail-on", "warning"), ExitCode.FINDINGS, id="and reaches another"),
    pytest.param(stuck, (), ExitCode.FINDINGS, id="an error"),
    pytest.param(issue_61633, (), ExitCode.FINDINGS, id="the incident"),
    pytest.param(stuck, ("--fail-on", "critical"), ExitCode.OK, id="an error is no critical finding"),
    pytest.param(damaged, ("--fail-on", "critical"), ExitCode.FINDINGS, id="a critical one"),
    pytest.param(damaged, ("--fail-on", "never"), ExitCode.OK, id="never"),
    pytest.param(hostile, (), ExitCode.FINDINGS, id="hostile names"),
    pytest.param(stuck, ("--skip", "session-*", "--skip", "cron-*"), ExitCode.OK, id="left out"),
    pytest.param(stuck, ("--only", "store-*"), ExitCode.OK, id="not asked for"),
    pytest.param(stuck, ("--max-age", "30d"), ExitCode.OK, id="not silent long enough"),
    pytest.param(missing, (), ExitCode.CANNOT_EXAMINE, id="no directory"),
    pytest.param(a_file, (), ExitCode.CANNOT_EXAMINE, id="a file"),
    pytest.param(stuck, ("--fail-on", "bad"), ExitCode.CANNOT_EXAMINE, id="no severity"),
    pytest.param(stuck, ("--only", "no-such"), ExitCode.CANNOT_EXAMINE, id="no rule"),
    pytest.param(stuck, ("--format", "pdf"), ExitCode.CANNOT_EXAMINE, id="no format"),
    pytest.param(stuck, ("--baseline", "none.json"), ExitCode.CANNOT_EXAMINE, id="no baseline"),
    pytest.param(stuck, ("--write-baseline",), ExitCode.CANNOT_EXAMINE, id="a baseline without a name"),
    pytest.param(stuck, ("--threshold", "bloat-bytes"), ExitCode.CANNOT_EXAMINE, id="no value"),
    pytest.param(stuck, ("--no-such-option",), ExitCode.CANNOT_EXAMINE, id="no option"),
]


@pytest.mark.parametrize(("make", "options", "code"), ROWS)
def test_exit_codes_and_the_document_agree(
    make: Callable[[Path], Path],
    options: tuple[str, ...],
    code: ExitCode,
    tmp_path: Path,
) -> None:
    state = make(tmp_path)
    assert check(state, *options).code == code
    if "--format" in options:
        return
    document = told(state, *options)
    assert document["exitCode"] == code
    assert (document["error"] is not None) is (code is ExitCode.CANNOT_EXAMINE)


def test_an_unreadable_store_is_no_pass(tmp_path: Path) -> None:
    state = StateDir(tmp_path).root
    (state / "agents/main/sessions/sessions.json").mkdir(parents=True)
    ran = check(state)
    assert ran.code == 2
    assert "No session store could be read" in ran.err
    document = told(state)
    assert document["exitCode"] == 2
    assert document["findings"]
    unknown = check(state, "--format", "nagios")
    assert (unknown.code, unknown.out) == (3, "OPENCLAW STATE UNKNOWN - No session store could be read.\n")
    assert "gatewaydoctor_success 0" in check(state, "--format", "prometheus").out
    junit = check(state, "--format", "junit")
    assert (junit.code, junit.out.count("<error ")) == (2, 1)


def test_it_finds_what_scan_finds(tmp_path: Path) -> None:
    state = issue_61633(tmp_path)
    scanned = run("scan", "--state-dir", str(state), "--json").document
    assert told(state)["findings"] == scanned["findings"]
    assert scanned["ok"]
    assert run("scan", "--state-dir", str(state), "--fail-on", "error").code == 1


def test_a_bug_is_70_in_every_format_but_that_of_nagios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gatewaydoctor.cli.gate.gating.decide", broken)
    state = healthy(tmp_path)
    ran = check(state, "--json")
    assert (ran.code, ran.document["error"]["code"]) == (70, "bug")
    assert check(state).code == 70
    assert check(state, "--format", "nagios").code == 3
    assert check(state, "--format", "junit").code == 70


def test_looking_leaves_the_directory_as_it_was(tmp_path: Path, elsewhere: Path) -> None:
    state = issue_61633(tmp_path)
    before = _seen(state)
    for form in ("text", "json", "junit", "prometheus"):
        check(state, "--format", form, "--output", str(elsewhere / form))
    check(state, "--baseline", "b.json", "--write-baseline")
    assert _seen(state) == before


def _seen(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in root.rglob("*")}


def test_a_lists_cap_changes_no_decision(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for number in range(120):
        state.store(b"{", agent=f"agent-{number:03}")
    capped, whole = told(state.root), told(state.root, "--all")
    assert len(capped["findings"]) == len(capped["gate"]["verdicts"]) == 100
    assert len(whole["findings"]) == len(whole["gate"]["verdicts"]) == 120
    assert capped["gate"]["failing"] == whole["gate"]["failing"] == 120


# Which rules count


def test_only_and_skip_are_globs_and_skip_wins(tmp_path: Path) -> None:
    state = issue_61633(tmp_path)
    every = told(state)
    some = told(state, "--only", "cron-*", "--only", "session-stuck-running", "--skip", "*-zombie-*")
    rules = [finding["rule"] for finding in some["findings"]]
    assert rules == ["session-stuck-running", "cron-phantom-running", "cron-rapid-retry"]
    assert some["gate"]["leftOut"] == every["findingsTotal"] - 3
    assert all(rule == "session-stuck-running" or rule.startswith("cron-") for rule in some["gate"]["rules"])
    assert "cron-zombie-running" not in some["gate"]["rules"]


@pytest.mark.parametrize(
    ("pattern", "near"),
    [("session-stuck-runing", "session-stuck-running"), ("strore-bloat", "store-bloat"), ("lock-*x", "lock-")],
)
def test_a_pattern_without_a_rule_names_the_nearest(pattern: str, near: str, tmp_path: Path) -> None:
    ran = check(healthy(tmp_path), "--skip", pattern)
    assert ran.code == 2
    assert repr(pattern) in ran.err
    assert f"Did you mean {near}" in ran.err


def test_a_gate_without_rules_is_refused(tmp_path: Path) -> None:
    assert check(healthy(tmp_path), "--skip", "*").code == 2


# Baselines


def test_known_findings_pass_until_they_grow_by_more_than_a_tenth(tmp_path: Path, elsewhere: Path) -> None:
    state = stuck(tmp_path, runs=20)
    ran = check(state, "--baseline", "b.json", "--write-baseline")
    assert ran.code == 0
    assert ran.out.endswith("Baseline written: b.json.\n")
    assert (elsewhere / "b.json").stat().st_mode & 0o777 == 0o600
    assert told(state, "--baseline", "b.json")["gate"]["known"] == 1

    for runs, code in ((22, 0), (23, 1)):
        root = tmp_path / str(runs)
        root.mkdir()
        grown = stuck(root, runs=runs)
        document = told(grown, "--baseline", "b.json")
        assert document["exitCode"] == code, runs
        (verdict,) = document["gate"]["verdicts"]
        assert verdict["standing"] == ("known" if code == 0 else "grown")
        assert verdict["baselineCount"] == 20
    assert "grown from 20 in the baseline" in check(grown, "--baseline", "b.json").out


def test_a_baseline_stays_where_nothing_could_be_read(tmp_path: Path, elsewhere: Path) -> None:
    state = stuck(tmp_path)
    check(state, "--baseline", "b.json", "--write-baseline")
    before = (elsewhere / "b.json").read_bytes()
    fs = Failing({state / "agents/main/sessions/sessions.json": errno.EACCES})
    words = ("check", "--state-dir", str(state), "--baseline", "b.json", "--write-baseline", "--json")
    ran = harness.run(*words, fs=fs)
    assert (ran.code, ran.document["gate"]["baseline"]["written"]) == (2, False)
    assert (elsewhere / "b.json").read_bytes() == before


def test_a_baseline_survives_a_move_of_the_directory(tmp_path: Path) -> None:
    state = stuck(tmp_path)
    assert check(state, "--baseline", "b.json", "--write-baseline").code == 0
    moved = tmp_path / "moved" / "state"
    moved.parent.mkdir()
    state.rename(moved)
    assert check(moved, "--baseline", "b.json").code == 0
    assert check(moved).code == 1


def test_what_is_new_beside_known_findings_fails(tmp_path: Path) -> None:
    state = stuck(tmp_path)
    check(state, "--baseline", "b.json", "--write-baseline")
    torn = state / "agents/work/sessions/sessions.json"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"{")
    document = told(state, "--baseline", "b.json")
    standings = {f["rule"]: v["standing"] for f, v in _together(document)}
    assert standings["store-unparseable"] == "new"
    assert standings["session-stuck-running"] == "known"
    assert document["exitCode"] == 1


def _together(document: dict[str, Any]) -> zip[tuple[dict[str, Any], dict[str, Any]]]:
    return zip(document["findings"], document["gate"]["verdicts"], strict=True)


def test_findings_that_went_are_counted(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    (tmp_path / "a").mkdir()
    check(stuck(tmp_path / "a"), "--baseline", "b.json", "--write-baseline")
    state.healthy()
    document = told(state.root, "--baseline", "b.json")
    assert document["gate"]["baseline"] == {"path": "b.json", "written": False, "gone": 1}
    narrow = told(state.root, "--baseline", "b.json", "--only", "cron-*")
    assert narrow["gate"]["baseline"]["gone"] == 0


def test_a_redacted_baseline_has_no_names_and_works(tmp_path: Path, elsewhere: Path) -> None:
    state = hostile(tmp_path)
    assert check(state, "--baseline", "b.json", "--write-baseline", "--redact").code == 0
    known = json.loads((elsewhere / "b.json").read_text())["findings"]
    assert {(each["agentId"], each["path"], each["key"]) for each in known} == {(None, None, None)}
    assert check(state, "--baseline", "b.json", "--fail-on", "info").code == 0


def test_a_baseline_with_hostile_names_can_be_read_back(tmp_path: Path) -> None:
    state = hostile(tmp_path)
    check(state, "--baseline", "b.json", "--write-baseline")
    assert check(state, "--baseline", "b.json", "--fail-on", "info").code == 0


def test_redaction_shows_no_fingerprint(tmp_path: Path) -> None:
    state = stuck(tmp_path)
    assert {v["fingerprint"] for v in told(state, "--redact")["gate"]["verdicts"]} == {None}
    assert all(len(v["fingerprint"]) == 20 for v in told(state)["gate"]["verdicts"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schemaVersion":"2.0","now":1,"findings":[]}',
        b'{"schemaVersion":"1.0","now":1,"findings":[{"fingerprint":"a","rule":"r","severity":"bad","count":1}]}',
        b'{"schemaVersion":"1.0","now":1,"findings":[{"fingerprint":"a","rule":"r","severity":"info","count":0}]}',
        b"\xff\xfe",
    ],
)
def test_a_baseline_that_is_none_decides_nothing(content: bytes, tmp_path: Path, elsewhere: Path) -> None:
    (elsewhere / "b.json").write_bytes(content)
    ran = check(stuck(tmp_path), "--baseline", "b.json")
    assert (ran.code, ran.out) == (2, "")
    assert "b.json" in ran.err


@pytest.mark.parametrize("option", ["--baseline", "--output"])
def test_nothing_is_written_into_the_state_directory(option: str, tmp_path: Path, elsewhere: Path) -> None:
    state = stuck(tmp_path)
    (elsewhere / "link").symlink_to(state / "agents")
    before = _seen(state)
    more = ("--write-baseline",) if option == "--baseline" else ()
    for place in (state / "new.json", state / "agents/main/sessions/sessions.json", elsewhere / "link/new.json"):
        ran = check(state, option, str(place), *more)
        assert ran.code == 2
        assert "inside the state directory" in ran.err
    assert _seen(state) == before


def test_a_baseline_keeps_its_mode(tmp_path: Path, elsewhere: Path) -> None:
    state = stuck(tmp_path)
    baseline = elsewhere / "b.json"
    baseline.write_text("old")
    baseline.chmod(0o640)
    assert check(state, "--baseline", "b.json", "--write-baseline").code == 0
    assert baseline.stat().st_mode & 0o777 == 0o640


# The process as a whole


def test_a_reader_that_goes_away_does_not_turn_a_failure_into_a_pass(tmp_path: Path) -> None:
    import subprocess
    import sys

    state = stuck(tmp_path)
    words = [sys.executable, "-m", "gatewaydoctor", "check", "--state-dir", str(state), "--now", str(NOW)]
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$@" --json | true', "-", *words], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")


def test_heavy_modules_stay_out_of_a_check(tmp_path: Path) -> None:
    import subprocess
    import sys

    state = healthy(tmp_path)
    (state / "subagents").mkdir()
    (state / "subagents" / "runs.json").write_text('{"version": 2, "runs": {}}')
    program = (
        "import sys; from gatewaydoctor.cli.shell.main import main;"
        f"code = main(['check', '--state-dir', {str(state)!r}, '--now', '{NOW}']);"
        "heavy = {'rich', 'xml.etree.ElementTree', 'simpy', 'matplotlib', 'tomllib', 'ijson', 'json5', 'dataclasses',"
        " 'gatewaydoctor.report.formats.junit', 'gatewaydoctor.report.formats.markdown',"
        " 'gatewaydoctor.repair.writing.fs'} & set(sys.modules);"
        "print(code, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("typed", [["check", "."], ["--version"]])
def test_a_start_up_takes_the_names_of_typing(tmp_path: Path, typed: list[str]) -> None:
    import subprocess
    import sys

    program = (
        f"import sys; sys.argv = ['gatewaydoctor', *{typed}]; from gatewaydoctor import __main__;"
        "import atexit; atexit.register(lambda: print({'inspect', 'typing_extensions'} & set(sys.modules)));"
        "__main__.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=healthy(tmp_path)
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_slow_parser_is_told_of_where_it_was_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from gatewaydoctor.storage.files import boundaries

    state = healthy(tmp_path)
    monkeypatch.setattr(boundaries, "backend", lambda: "python")
    assert "ijson has no yajl (python)" in run("scan", "--json", "--state-dir", str(state), "--now", str(NOW)).out
    monkeypatch.delitem(sys.modules, "ijson")
    assert "ijson has no yajl" not in run("scan", "--json", "--state-dir", str(state), "--now", str(NOW)).out


def test_help_names_every_option() -> None:
    ran = run("check", "--help")
    assert ran.code == 0
    for option in ("--fail-on", "--only", "--skip", "--baseline", "--write-baseline", "--max-age", "--threshold"):
        assert option in ran.out


def test_a_working_directory_that_was_removed_has_no_settings(tmp_path: Path, elsewhere: Path) -> None:
    state = stuck(tmp_path)
    elsewhere.rmdir()
    assert check(state).code == 1


def test_on_a_terminal_lines_break_between_words_and_the_next_step_is_last(tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    plain = harness.Machine().run("check", "--state-dir", str(tmp_path)).out
    shown = harness.Machine(terminal=True).run("check", "--state-dir", str(tmp_path)).out
    body, _, step = shown.partition("\n\nnext: ")
    assert max(map(len, body.splitlines())) <= 80 < max(map(len, plain.splitlines()))
    assert body.split() == plain.split()
    assert " ".join(step.replace("\\\n", " ").split()) == f"gatewaydoctor repair --state-dir {tmp_path}"
    assert all(line.endswith(" \\") for line in step.splitlines()[:-1])


def test_on_a_terminal_as_many_findings_are_shown_as_fit(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for number in range(40):
        state.store(b'{"agent:x:main": {"sess', f"a{number}")
    at = ("check", "--only", "store-unparseable", "--state-dir", str(state.root), "--now", str(NOW))
    shown = harness.Machine(terminal=True).run(*at).out.splitlines()
    assert len(shown) <= 23
    assert any(" of 40 failing findings; --all shows all." in line for line in shown)
    assert any(line.startswith("check: failed; 40 findings") for line in shown)
    assert len(harness.Machine(terminal=True).run(*at, "--all").out.splitlines()) > 40
    assert len(harness.Machine().run(*at).out.splitlines()) > 40, "a log has all of them"


def test_a_directory_that_only_a_shell_can_spell_is_named_whole(tmp_path: Path) -> None:
    root = tmp_path / "a\nb"
    root.mkdir()
    scenes.busy(root)
    step = harness.Machine(terminal=True).run("check", "--state-dir", str(root)).out.partition("\nnext: ")[2]
    assert step == f"gatewaydoctor repair --state-dir $'{tmp_path}/a\\x0ab'\n"


def test_a_store_is_hashed_only_for_outputs_that_tell_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = issue_61633(tmp_path / "state")
    hashed = []
    hasher = reader._Hasher

    def counted(*, threaded: bool) -> reader._Hasher:
        hashed.append(threaded)
        return hasher(threaded=threaded)

    monkeypatch.setattr(reader, "_Hasher", counted)
    content = (state / "agents/main/sessions/sessions.json").read_bytes()
    for verb in ("scan", "check"):
        run(verb, "--state-dir", str(state))
        assert not hashed
        document = run(verb, "--state-dir", str(state), "--json").document
        assert document["stores"][0]["sha256"] == hashlib.sha256(content).hexdigest()
        assert len(hashed) == 1
        hashed.clear()
