"""The workflow, step by step, in a repository with two fixtures of which one is not as expected."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.integrate.site import HOSTILE, STATES, execute, program, refused, snippet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.harness import Ran

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here, which runs the steps")


def steps(*arguments: str) -> dict[str, dict[str, Any]]:
    """The steps that run something, by name."""
    workflow = yaml.safe_load(snippet("github-actions", *arguments))
    # YAML 1.1 takes the bare word `on` for true.
    assert set(workflow) == {"name", True, "permissions", "jobs"}
    return {step["name"]: step for step in workflow["jobs"]["fixtures"]["steps"] if "name" in step}


def repository(path: Path, directory: str = "fixtures", *, failing: bool = True) -> Path:
    for name in ("healthy", "store-unparseable"):
        shutil.copytree(STATES / name, path / directory / name)
    if failing:
        expected = path / directory / "store-unparseable/expected.json"
        expected.write_text(expected.read_text().replace('"count": 1', '"count": 3'))
    return path


def run(step: dict[str, Any], path: Path) -> Ran:
    """One step as the runner does it, expressions replaced first."""
    bin_ = path.parent / "bin"
    program(bin_ / "gatewaydoctor")
    script = path.parent / "step.sh"
    script.write_text(step["run"].replace("${{ '${{' }}", "${{"))
    env = {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(path),
        "GITHUB_STEP_SUMMARY": str(path.parent / "summary.md"),
    }
    return execute(["bash", "-e", str(script)], path, env)


@pytest.mark.parametrize("directory", ["fixtures", "test/my fixtures", HOSTILE])
def test_a_fixture_that_differs_fails_the_job_and_is_reported(directory: str, tmp_path: Path) -> None:
    path = repository(tmp_path / "repository", directory)
    job = steps("--fixtures", directory)

    validate = run(job["Validate the fixtures"], path)
    assert validate.code == 1
    error, count = validate.out.splitlines()
    assert error.startswith("::error ")
    assert "expected critical x3, found critical x1" in error
    assert count == "2 fixtures: 1 as expected, 1 different."
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("### gatewaydoctor 2 fixtures: 1 as expected, 1 different.\n")
    assert "| `store-unparseable` | different | `store-unparseable (main): expected critical x3" in summary

    report = run(job["Write a JUnit report"], path)
    assert (report.code, report.out) == (0, "")
    suite = ET.parse(path / job["Keep the JUnit report"]["with"]["path"]).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_fixtures_that_are_as_expected_pass(tmp_path: Path) -> None:
    path = repository(tmp_path / "repository", failing=False)
    job = steps()
    assert [run(job[name], path).code for name in ("Validate the fixtures", "Write a JUnit report")] == [0, 0]
    assert (tmp_path / "summary.md").read_text() == "### gatewaydoctor 2 fixtures: 2 as expected.\n"


def test_a_directory_that_is_not_there_fails_the_job(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    ran = run(steps()["Validate the fixtures"], tmp_path / "repository")
    assert ran.code == 2


def test_a_summary_that_cannot_be_written_changes_nothing_else(tmp_path: Path) -> None:
    path = repository(tmp_path / "repository", failing=False)
    (tmp_path / "summary.md").mkdir()
    ran = run(steps()["Validate the fixtures"], path)
    assert ran.code == 0
    assert "::warning title=gatewaydoctor::The job summary could not be written" in ran.out


def test_reports_are_kept_although_a_step_has_failed() -> None:
    job = steps()
    assert {job[name]["if"] for name in ("Write a JUnit report", "Keep the JUnit report")} == {"${{ !cancelled() }}"}


def test_the_version_is_pinned() -> None:
    pyz = "install -D -m 0755 gatewaydoctor.pyz ~/.local/bin/gatewaydoctor"
    assert steps()["Install gatewaydoctor"]["run"].startswith(f"{pyz} && ")
    wheel = steps("--package", "dist/gatewaydoctor-1-py3-none-any.whl")["Install gatewaydoctor"]["run"]
    assert wheel.startswith("python3 -m pip install dist/gatewaydoctor-1-py3-none-any.whl && ")


def test_a_directory_to_look_at_is_refused() -> None:
    assert "checks only fixtures" in refused("github-actions", "--state-dir", "/s")
