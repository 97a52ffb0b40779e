"""NDJSON, read line by line by the standard library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.formats.conftest import Looked


def test_a_header_and_a_line_per_finding_say_what_the_document_says(looked: Looked) -> None:
    ran = looked.check("ndjson")
    lines = ran.out.split("\n")
    assert lines.pop() == ""
    header, *findings = [json.loads(line) for line in lines]
    assert header["type"] == "header"
    for field in ("schemaVersion", "now", "stateDir", "ok", "exitCode", "worst", "error", "gateway", "findingsTotal"):
        assert header[field] == looked.told[field], field
    assert header["exitCode"] == ran.code
    expected = [
        {"type": "finding", **finding, **verdict}
        for finding, verdict in zip(looked.told["findings"], looked.told["gate"]["verdicts"], strict=True)
    ]
    assert findings == expected
    assert header["gate"]["failing"] == sum(line["fails"] for line in findings)


def test_the_output_steers_no_terminal(looked: Looked) -> None:
    assert looked.check("ndjson").out.replace("\n", "").isprintable()


def test_a_look_that_failed_is_a_header_alone(no_directory: Looked) -> None:
    ran = no_directory.check("ndjson")
    (line,) = ran.out.splitlines()
    header = json.loads(line)
    assert (header["ok"], header["exitCode"], ran.code) == (False, 2, 2)
    assert header["error"]["code"] == "cannot-examine"
