from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import DEFAULT_NOW, make
from gatewaydoctor.report.formats.html import charts
from tests.cli import harness
from tests.repair import agentdb
from tests.world import NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.conftest import Looked

_VOID = {"meta", "rect", "line"}
_ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "dl",
    "dt",
    "dd",
    "strong",
    "br",
    "code",
    "details",
    "summary",
    "span",
    "pre",
    "ol",
    "ul",
    "li",
    "table",
    "tr",
    "td",
    "svg",
    "rect",
    "line",
}


class Page(HTMLParser):
    """Tags, attributes and text of a page; raises where tags are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID | {"br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_refers_to_nothing_and_runs_nothing(looked: Looked) -> None:
    text = looked.check("html").out
    page = Page(text)
    assert set(page.tags) <= _ALLOWED
    names = {name for name, _ in page.attributes}
    assert names.isdisjoint({"src", "href", "style", "srcset", "data", "action"})
    assert not any(name.startswith("on") for name in names)
    assert not re.search(r"url\(|@import|://", re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1])  # type: ignore[index]


def test_every_finding_is_there_with_its_evidence(looked: Looked) -> None:
    shown = "".join(Page(looked.run("scan", "--state-dir", str(looked.path), "--format", "html", "--all").out).texts)
    for finding in looked.told["findings"]:
        assert finding["rule"] in shown
    verdict = looked.told["verdict"]
    if verdict:
        assert verdict["stake"]["text"] in shown


def test_commands_inside_a_sentence_are_code(looked: Looked) -> None:
    page = looked.run("scan", "--state-dir", str(looked.path), "--format", "html").out
    prose = re.sub(r"<pre>.*?</pre>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert looked.name == "hostile" or "`" not in prose
    by_hand = [each["byHand"] for each in looked.told["findings"] if each.get("byHand") and not each["fix"]]
    for command in re.findall("`([^`]+)`", " ".join(by_hand)):
        assert f"<code>{html.escape(command)}</code>" in page


def test_redaction_holds(looked: Looked) -> None:
    text = looked.check("html", "--redact").out
    Page(text)
    assert str(looked.path) not in text
    ids = {job["jobId"] for store in looked.told["stores"] for job in store["cron"]}
    assert not any(job_id in text for job_id in ids)


def test_an_error_is_a_page_too(no_directory: Looked) -> None:
    ran = no_directory.check("html")
    assert ran.code == 2
    assert "Could not examine" in "".join(Page(ran.out).texts)


def test_the_bursts_of_a_job_are_tall_bars(tmp_path: Path) -> None:
    make("issue-61633", tmp_path / "state", now=DEFAULT_NOW)
    ran = harness.run("scan", "--state-dir", str(tmp_path / "state"), "--now", str(DEFAULT_NOW), "--json")
    for job in json.loads(ran.out)["stores"][0]["cron"]:
        assert sum(job["timeline"]["counts"]) == job["runs"]
    page = harness.run(
        "scan", "--state-dir", str(tmp_path / "state"), "--now", str(DEFAULT_NOW), "--format", "html"
    ).out
    lanes = {
        name: re.findall(r'class="fill-(\w+)" x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', bars)
        for name, bars in re.findall(
            r'<svg class="lane"[^>]* aria-label="([^:"]+):[^>]*>(.*?)</svg>', page, re.DOTALL
        )
    }
    tallest = {name: max(float(height) for _, height in bars) for name, bars in lanes.items()}
    assert tallest["morning-sleep-report"] == charts.LANE_HEIGHT
    assert tallest["weekly-expenses"] < charts.LANE_HEIGHT / 5
    bursts = {name for name, bars in lanes.items() if any(fill == "burst" for fill, _ in bars)}
    assert bursts == {"git-backup-night", "SSL price check", "morning-sleep-report"}
    assert "At the next start" in page


def test_growth_by_day_counts_every_session_once(tmp_path: Path) -> None:
    make("issue-61633", tmp_path / "state", now=DEFAULT_NOW, scale=0.1)
    at = ("scan", "--state-dir", str(tmp_path / "state"), "--now", str(DEFAULT_NOW))
    page = harness.run(*at, "--format", "html").out
    growth = page.partition("<h3>Growth by day")[2].partition("<h3>")[0]
    told = [int(each.replace(",", "")) for each in re.findall(r'<td class="value">([\d,]+) sessions?, ', growth)]
    assert sum(told) == harness.run(*at, "--json").document["stores"][0]["entries"]
    assert re.findall(r'<td class="label">([\d-]+|before)</td>', growth)[-2:] == ["2026-04-01", "2026-04-02"]


def test_every_picture_says_in_words_what_it_shows(looked: Looked) -> None:
    page = looked.check("html").out
    for attributes, inside in re.findall(r"<svg ([^>]*)>(.*?)</svg>", page, re.DOTALL):
        if 'aria-hidden="true"' in attributes:
            continue
        label = re.search(r'aria-label="([^"]+)"', attributes)
        assert label
        assert 'role="img"' in attributes
        assert f"<title>{label[1]}</title>" in inside


def test_a_store_that_is_not_there_has_no_chart_next_to_one_that_is(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    agentdb.make(state.root, agentdb.rows(2))
    page = harness.run("scan", "--state-dir", str(state.root), "--now", str(NOW), "--format", "html").out
    assert re.findall(r"<h2>Agent (\w+[^:]*):", page) == ["main"]


def test_a_store_that_cannot_be_used_is_not_counted_as_empty(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.3.28")
    for text, told in ((b"{}", "0 sessions"), (b"{", "loads as EMPTY")):
        state.store(text)
        page = harness.run("scan", "--state-dir", str(state.root), "--now", str(NOW), "--format", "html").out
        assert re.findall(r"<h2>Agent main: [^<,]*, ([^<]*)</h2>", page) == [told]
