"""JUnit XML, read by junitparser and by the standard library's parser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from junitparser import Error, Failure, JUnitXml, Skipped

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.model.outcome.report import Document, FindingInfo, GatewayInfo
from gatewaydoctor.report.formats import junit
from gatewaydoctor.report.printer import TOOL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.conftest import Looked


def _failed(case: object) -> bool:
    return any(isinstance(each, Failure) for each in case.result)  # type: ignore[attr-defined]


def test_every_finding_is_a_case_and_the_failing_ones_fail(looked: Looked) -> None:
    ran = looked.check("junit")
    (suite,) = JUnitXml.fromstring(ran.out.encode())
    cases = list(suite)
    gate = looked.told["gate"]
    assert suite.failures == gate["failing"] == sum(_failed(case) for case in cases)
    assert suite.errors == 0
    found = {finding["rule"] for finding in looked.told["findings"]}
    assert suite.tests == len(cases) == looked.told["findingsTotal"] + len(gate["rules"]) - len(found)
    names = [case.name.split(" ")[0] for case in cases]
    assert set(names) == {rule.id for rule in all_rules()}
    failing = [f["rule"] for f, v in zip(looked.told["findings"], gate["verdicts"], strict=True) if v["fails"]]
    assert [case.name.split(" ")[0] for case in cases if _failed(case)] == failing
    assert (ran.code == 0) is (suite.failures == 0)


def test_known_findings_are_skipped_cases(looked: Looked, tmp_path: Path) -> None:
    baseline = str(tmp_path / "baseline.json")
    assert looked.check("text", "--baseline", baseline, "--write-baseline").code == 0
    (suite,) = JUnitXml.fromstring(looked.check("junit", "--baseline", baseline).out.encode())
    assert suite.failures == 0
    assert suite.skipped == looked.told["findingsTotal"]
    assert sum(isinstance(each, Skipped) for case in suite for each in case.result) == suite.skipped


def test_a_look_that_failed_is_one_case_with_an_error(no_directory: Looked) -> None:
    ran = no_directory.check("junit")
    assert ran.code == 2
    (suite,) = JUnitXml.fromstring(ran.out.encode())
    (case,) = suite
    (error,) = case.result
    assert isinstance(error, Error)
    assert str(no_directory.path) in error.message


def test_characters_xml_cannot_hold_are_replaced() -> None:
    # Names come escaped already; this is what stands behind that.
    text = "".join(map(chr, range(0x20))) + "\x7f\x85\ud800\udfff\ufffe\uffff\U0001ffff é"
    finding = FindingInfo(
        rule="store-bloat",
        severity="error",
        title=text,
        message=text,
        agent_id=text,
        path=text,
        key=text,
        count=1,
        evidence={},
        consequence=text,
        fix=None,
        by_hand=text,
        docs=text,
    )
    document = Document(
        schema_version="1.0",
        tool=TOOL,
        command="check",
        now=10**18,
        state_dir=text,
        ok=True,
        exit_code=0,
        worst="error",
        error=None,
        gateway=GatewayInfo(liveness="dead"),
        findings=(finding,),
        findings_total=1,
    )
    rendered = junit.render(document)
    root = ET.fromstring(rendered.encode())
    assert root.find(".//system-out") is not None
    assert not set(rendered) & {chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"}
