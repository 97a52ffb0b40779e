"""JUnit XML, as CI servers read it: a test case per finding, and one per rule that found nothing."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.report.verdicts import decision, examined, judged, place, remedy, standing_words

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.gate import VerdictInfo
    from gatewaydoctor.model.outcome.report import Document, FindingInfo

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a character reference."""


def render(document: Document) -> str:
    """A failing finding is a failure, a known one a skipped case; one below the threshold passes and says so in
    system-out. A look that did not happen is one case with an error."""
    suite = ET.Element("testsuite", name=f"gatewaydoctor.{_text(document.command)}")
    _properties(document, suite)
    if document.error is not None:
        _broken(document, suite)
    if examined(document):
        _cases(document, suite)
    _count(document, suite)
    suites = ET.Element("testsuites", {"name": "gatewaydoctor", **_totals(suite)})
    suites.append(suite)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _properties(document: Document, suite: ET.Element) -> None:
    properties = ET.SubElement(suite, "properties")
    values = {
        "version": document.tool.version,
        "stateDir": document.state_dir or "",
        "gateway": document.gateway.liveness if document.gateway else "",
        "decision": decision(document),
    }
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=_text(value))


def _broken(document: Document, suite: ET.Element) -> None:
    error = document.error
    assert error is not None
    case = ET.SubElement(suite, "testcase", classname="gatewaydoctor", name="look", time="0")
    told = ET.SubElement(case, "error", message=_text(error.message), type=_text(error.code))
    told.text = _text(error.hint)


def _cases(document: Document, suite: ET.Element) -> None:
    families = {rule.id: rule.family.value for rule in all_rules()}
    found = judged(document)
    for finding, verdict in found:
        _case(document, suite, finding, verdict, families)
    silent = set(document.gate.rules if document.gate else ()) - {finding.rule for finding, _ in found}
    for rule in families:
        if rule in silent:
            ET.SubElement(suite, "testcase", classname=f"gatewaydoctor.{families[rule]}", name=rule, time="0")


def _case(
    document: Document, suite: ET.Element, finding: FindingInfo, verdict: VerdictInfo, families: dict[str, str]
) -> None:
    where = " ".join(part for part in (finding.agent_id, place(document, finding)) if part)
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"gatewaydoctor.{families.get(finding.rule, 'other')}",
        name=_text(f"{finding.rule} [{where}]" if where else finding.rule),
        time="0",
    )
    standing = standing_words(verdict)
    message = f"{finding.message}{f' ({standing})' if standing else ''}"
    if verdict.fails:
        told = ET.SubElement(case, "failure", message=_text(message), type=finding.severity)
    elif verdict.standing == "known":
        told = ET.SubElement(case, "skipped", message=_text(f"{finding.severity}, in the baseline: {message}"))
    else:
        told = ET.SubElement(case, "system-out")
    told.text = _text("\n".join(_body(finding)))


def _body(finding: FindingInfo) -> list[str]:
    lines = [
        f"{finding.severity}: {finding.title}",
        finding.message,
        f"Next start: {finding.consequence}",
        remedy(finding),
        f"Things: {finding.count:,}",
        f"Path: {finding.path}" if finding.path else None,
        f"Key: {finding.key}" if finding.key is not None else None,
        f"More: {finding.docs}",
    ]
    return [line for line in lines if line]


def _count(document: Document, suite: ET.Element) -> None:
    cases = suite.findall("testcase")
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{(document.duration_ms or 0) / 1000:.3f}")
    # A clock outside the calendar has no spelling; the attribute is optional.
    with suppress(OverflowError, OSError, ValueError):
        suite.set("timestamp", datetime.fromtimestamp(document.now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S"))


def _totals(suite: ET.Element) -> dict[str, str]:
    return {name: suite.attrib[name] for name in ("tests", "failures", "errors", "time")}
