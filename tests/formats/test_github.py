"""Workflow commands, taken apart as the runner does it, and the job summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from gatewaydoctor.model.outcome.gate import GateInfo, VerdictInfo
from gatewaydoctor.model.outcome.report import Document, FindingInfo, GatewayInfo
from gatewaydoctor.report.formats import github
from gatewaydoctor.report.printer import TOOL
from tests.gates import damaged, run, stuck

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.conftest import Looked

_COMMAND = re.compile(r"::(error|warning|notice) title=([^:,]*)::(.*)")


def _taken_apart(line: str) -> tuple[str, str, str]:
    """Level, title and message of a command; the runner splits at the first `::` behind the properties and undoes
    %25 last."""
    found = _COMMAND.fullmatch(line)
    assert found, line
    level, title, message = found.groups()
    for escape, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        title = title.replace(escape, char)
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(escape, char)
    return level, title, message


def test_every_finding_is_an_annotation_and_only_failing_ones_are_errors(looked: Looked) -> None:
    ran = looked.check("github")
    assert ran.out.replace("\n", "").isprintable()
    *commands, decision = ran.out.splitlines()
    annotations = [_taken_apart(line) for line in commands]
    told = list(zip(looked.told["findings"], looked.told["gate"]["verdicts"], strict=True))
    assert len(annotations) == len(told)
    for (level, title, message), (finding, verdict) in zip(annotations, told, strict=True):
        assert title.startswith(f"{finding['severity']}: {finding['rule']}")
        assert message.split("\n")[0] == finding["message"]
        assert (level == "error") is verdict["fails"]
    assert decision.startswith("check: ")
    assert "::" not in decision
    assert (ran.code == 1) is any(level == "error" for level, _, _ in annotations)


def test_a_look_that_failed_is_one_error(no_directory: Looked) -> None:
    ran = no_directory.check("github")
    level, title, message = _taken_apart(ran.out.rstrip("\n"))
    assert (level, title, ran.code) == ("error", "gatewaydoctor", 2)
    assert str(no_directory.path) in message


def test_escapes_survive_the_way_to_the_runner_and_back() -> None:
    text = "50%: a, b::c%0A\r\nd"
    assert _taken_apart(github.command("error", text, text)) == ("error", text, text)


@pytest.mark.parametrize("workspace", ["set", "current directory"])
def test_a_file_of_the_workspace_is_named_as_github_knows_it(
    workspace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "work"
    (root / "a,b: 50%").mkdir(parents=True)
    state = damaged(root / "a,b: 50%")
    if workspace == "set":
        monkeypatch.setenv("GITHUB_WORKSPACE", str(root))
    else:
        monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
        monkeypatch.chdir(root)
    out = run("check", "--state-dir", str(state), "--format", "github").out
    (torn,) = [line for line in out.splitlines() if "store-unparseable" in line]
    file, _, rest = torn.removeprefix("::error file=").partition(",")
    assert file == "a%2Cb%3A 50%25/.openclaw/agents/main/sessions/sessions.json"
    assert rest.startswith("title=")


def test_what_is_no_file_of_the_workspace_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, outside = tmp_path / "work", tmp_path / "outside"
    outside.touch()
    workspace.mkdir()
    (workspace / "folder").mkdir()
    (workspace / "link").symlink_to(outside)
    (workspace / "bell\x07").touch()
    (workspace / "file").touch()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
    assert github.in_workspace(str(workspace / "file")) == "file"
    for name in ("folder", "link", "gone", "../outside", "bell\x07", "bell\\x07"):
        assert github.in_workspace(str(workspace / name)) is None, name
    assert github.in_workspace(None) is None


def test_under_redaction_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    state = damaged(tmp_path)
    assert "file=" in run("check", "--state-dir", str(state), "--format", "github").out
    assert "file=" not in run("check", "--state-dir", str(state), "--format", "github", "--redact").out


def test_no_more_annotations_of_a_level_than_github_shows() -> None:
    findings = tuple(_finding(number) for number in range(25))
    verdicts = tuple(VerdictInfo(standing="new", fails=number < 12, fingerprint="") for number in range(25))
    gate = GateInfo(fail_on="error", rules=(), failing=12, known=0, left_out=0, baseline=None, verdicts=verdicts)
    document = Document(
        schema_version="1.0",
        tool=TOOL,
        command="check",
        now=0,
        state_dir="/s",
        ok=False,
        exit_code=1,
        worst="error",
        error=None,
        gateway=GatewayInfo(liveness="dead"),
        findings=findings,
        findings_total=25,
        gate=gate,
    )
    *commands, more, decision = github.render(document).splitlines()
    levels = [_taken_apart(line)[0] for line in commands]
    assert (levels.count("error"), levels.count("warning")) == (10, 10)
    assert more.startswith("5 more findings")
    assert decision == "check: failed; 12 findings of severity error or worse; 13 below the threshold."


def _finding(number: int) -> FindingInfo:
    told = {"rule": "store-bloat", "severity": "error", "title": "t", "message": f"m{number}", "count": 1}
    return msgspec.convert(
        told
        | dict.fromkeys(("agentId", "path", "key", "fix", "byHand"))
        | {"evidence": {}, "consequence": "c", "docs": "d"},
        type=FindingInfo,
    )


def test_the_job_summary_is_added_to_the_file_github_names(
    looked: Looked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    plain = looked.check("markdown").out
    looked.check("github")
    assert summary.read_text(errors="surrogateescape") == "of another step\n" + plain


@pytest.mark.parametrize("where", ["gone/summary.md", "{state}/summary.md"])
def test_a_summary_that_cannot_be_written_is_a_warning(
    where: str, no_directory: Looked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = stuck(tmp_path)
    before = sorted(state.iterdir())
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / where.format(state=state)))
    ran = no_directory.run("check", "--state-dir", str(state), "--format", "github")
    level, _, message = _taken_apart(ran.out.splitlines()[-1])
    assert (level, ran.code) == ("warning", 1)
    assert "summary" in message
    assert sorted(state.iterdir()) == before
