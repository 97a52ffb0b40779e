"""Every page, section and number that code, tests and pages cite is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_PAGE = re.compile(r"\bdocs/([a-z]+\.md)\b")
_SECTIONS = re.compile(
    r"(?<![\w/.])(?:docs/)?([a-z]+\.md),? sections? ((?:\d{1,2}\b)(?:(?:, | and |, and )\d{1,2}\b)*)"
)
_HEADING = re.compile(r"^#+ (\d+)\. ", re.MULTILINE)
_INCIDENT = re.compile(r"\bincidents\.md,? (\d{3,5})\b")
_FAILURE = re.compile(r"\bgateway\.md,? failures? (\d+)\b")
_SOURCES = [path for top in ("gatewaydoctor", "tests") for path in sorted((ROOT / top).rglob("*.py"))]
_SOURCES += [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def text_of(path: Path) -> str:
    """On one line, with the marks of comments out of it: a citation may be broken over two."""
    return re.sub(r"\s*\n[ \t]*(?:#(?!#) ?)?", " ", path.read_text())


def numbers(page: str) -> set[str]:
    return set(_HEADING.findall((DOCS / page).read_text()))


def failures() -> set[int]:
    """The numbers in the first column of the table, which has ranges and several in one row."""
    table = (DOCS / "gateway.md").read_text().partition("## 13.")[2].partition("## 14.")[0]
    found: set[int] = set()
    for cell in re.findall(r"^\| ([\d, -]+) \|", table, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def dangling(text: str) -> list[str]:
    """Citations in a text that lead nowhere."""
    found = [page for page in _PAGE.findall(text) if not (DOCS / page).exists()]
    for page, cited in _SECTIONS.findall(text):
        there = numbers(page) if (DOCS / page).exists() else set()
        found += [f"{page} section {number}" for number in re.findall(r"\d+", cited) if number not in there]
    incidents = (DOCS / "incidents.md").read_text()
    found += [f"incident {number}" for number in _INCIDENT.findall(text) if f"## {number}" not in incidents]
    found += [f"failure {number}" for number in _FAILURE.findall(text) if int(number) not in failures()]
    return found


def test_nothing_that_is_cited_is_missing() -> None:
    left = {str(path.relative_to(ROOT)): dangling(text_of(path)) for path in _SOURCES if path != Path(__file__)}
    assert {name: found for name, found in left.items() if found} == {}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("as docs/gateway.md section 3 tells", []),
        ("as docs/gateway.md section 99 tells", ["gateway.md section 99"]),
        ("(docs/architecture.md, sections 4 and 77)", ["architecture.md section 77"]),
        ("see docs/facts.md", ["facts.md"]),
        ("docs/incidents.md 61633", []),
        ("docs/incidents.md 12345", ["incident 12345"]),
        ("docs/gateway.md, failure 14", []),
        ("docs/gateway.md, failure 999", ["failure 999"]),
    ],
)
def test_a_citation_that_leads_nowhere_is_seen(text: str, missing: list[str]) -> None:
    assert dangling(text) == missing
