"""Markdown, read by a CommonMark parser with tables: what comes from files is code and nothing else."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from gatewaydoctor.model.words import plural
from gatewaydoctor.report.formats.markdown import code, fenced, table
from gatewaydoctor.report.words import shown
from tests.gates import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

    from tests.formats.conftest import Looked

_OWN_HTML = re.compile(r"(<details><summary>.*</summary>|</details>)\n?")


def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _inline(text: str) -> Iterator[Token]:
    for token in _tokens(text):
        yield from token.children or ()


def test_only_its_own_markup_becomes_markup(looked: Looked) -> None:
    text = looked.check("markdown").out
    assert text.replace("\n", "").isprintable()
    for token in _tokens(text):
        if token.type == "html_block":
            assert _OWN_HTML.fullmatch(token.content), token.content
    for token in _inline(text):
        assert token.type in ("text", "code_inline", "softbreak"), token
        if token.type == "text":
            assert "@" not in token.content
            assert "#1" not in token.content


def test_a_report_without_a_threshold_passes_nothing(looked: Looked) -> None:
    head = looked.run("scan", "--state-dir", str(looked.path), "--format", "markdown").out.splitlines()[0]
    found, worst = plural(looked.told["findingsTotal"], "finding"), looked.told["worst"]
    said = f"{found}, worst severity {worst}" if worst else found
    assert head == f"### gatewaydoctor scan: {said}; --fail-on never lets all pass."


def test_it_tells_every_finding_and_store(looked: Looked) -> None:
    text = looked.check("markdown").out
    headings = [after.content for before, after in pairwise(_tokens(text)) if before.type == "heading_open"]
    assert headings[0].startswith("gatewaydoctor check: ")
    findings = looked.told["findings"]
    assert len(headings) == 1 + len(findings) + (1 if looked.told["stores"] else 0)
    for number, (heading, finding) in enumerate(zip(headings[1:], findings, strict=False), 1):
        assert heading.startswith(f"{number}. {finding['severity']}: {finding['rule']}")
    codes = {token.content for token in _inline(text) if token.type == "code_inline"}
    for finding in findings:
        if finding["key"]:
            assert " ".join(shown(finding["key"]).split()) in codes


def test_every_table_has_the_same_cells_in_each_row(looked: Looked) -> None:
    cells: list[int] = []
    for token in _tokens(looked.check("markdown").out):
        if token.type in ("thead_open", "table_open"):
            cells = []
        elif token.type == "tr_open":
            cells.append(0)
        elif token.type in ("td_open", "th_open"):
            cells[-1] += 1
        elif token.type == "table_close":
            assert len(set(cells)) == 1


def test_redacted_output_holds_no_name(looked: Looked) -> None:
    ran = looked.check("markdown", "--redact")
    assert str(looked.path.parent) not in ran.out
    assert looked.told["stateDir"] not in ran.out
    for finding in looked.told["findings"]:
        if finding["key"] and ":direct:" in finding["key"]:
            assert finding["key"].rpartition(":direct:")[2] not in ran.out


def test_a_look_that_failed_says_why(no_directory: Looked) -> None:
    ran = no_directory.check("markdown")
    codes = [token.content for token in _inline(ran.out) if token.type == "code_inline"]
    assert ran.code == 2
    assert str(no_directory.path) in codes[0]


@pytest.mark.parametrize("text", ["a", "`", "a`b``c", "``", "|", "\\|", "a\\", HOSTILE, " x ", "<b>", "**"])
def test_code_shows_exactly_its_text_also_in_a_table(text: str) -> None:
    expected = " ".join(shown(text).split())
    (alone,) = [t.content for t in _inline(code(shown(text))) if t.type == "code_inline"]
    assert alone == expected
    cell = table(("a", "b"), [(code(shown(text)), "end")])
    inline = [t for t in _inline(cell) if t.type == "code_inline"]
    assert [t.content for t in inline] == [expected]


def test_a_fence_holds_whatever_it_is_given() -> None:
    text = 'a\n```\n````x\n"'
    (token,) = _tokens(fenced(text, "json"))
    assert (token.type, token.content) == ("fence", text + "\n")
