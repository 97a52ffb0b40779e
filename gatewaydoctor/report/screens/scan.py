"""The first screen: everything at a glance, findings worst first, one next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.era import Era
from gatewaydoctor.model.finding import Severity
from gatewaydoctor.model.liveness import Liveness
from gatewaydoctor.report import words
from gatewaydoctor.report.screens import tables
from gatewaydoctor.report.screens.parts import View, findings, head, next_step, pairs, section, tally

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.stores import StoreFacts

DETAILED_STORES = 3
"""With more stores than this, only those with rows by the thousand or findings get tables of their own."""


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    head(console, judgement, view)
    section(console, "Stores")
    tables.stores(console, x.stores, view)
    for store in _detailed(judgement):
        _store(console, store, view, several=len(x.stores) > 1)
    section(console, "Files")
    console.print(pairs(_files(x, view)))
    section(console, "Findings")
    console.print(tally(judgement.findings))
    findings(console, judgement.findings, view, now=x.now)
    _next(console, judgement)


def _detailed(judgement: Judgement) -> list[StoreFacts]:
    stores = [store for store in judgement.examination.stores if store.survey and store.survey.counts]
    if len(stores) <= DETAILED_STORES:
        return stores
    concerned = {f.agent_id for f in judgement.findings if f.severity >= Severity.WARNING}
    return [store for store in stores if store.agent_id in concerned][:DETAILED_STORES]


def _store(console: Console, store: StoreFacts, view: View, *, several: bool) -> None:
    of = f" of {view.names.identifier(store.agent_id, 'agent')}" if several else ""
    section(console, f"Entries{of} by kind and status")
    tables.distribution(console, store)
    if store.jobs:
        section(console, f"Cron jobs{of} (per tick: median/most; apart: median between ticks)")
        tables.cron_jobs(console, store.jobs, view)


def _files(x: Examination, view: View) -> list[tuple[str, Text]]:
    rows = []
    files = sum(store.transcripts.files for store in x.stores)
    size = sum(store.transcripts.bytes for store in x.stores)
    orphans = sum(len(store.transcripts.orphans) for store in x.stores)
    missing = sum(store.pointers.missing for store in x.stores if store.pointers)
    people = sum(store.pointers.missing_people for store in x.stores if store.pointers)
    rows.append(
        (
            "transcripts",
            Text(f"{files:,} ({words.size(size)}), {orphans:,} unindexed; {missing:,} entries have none")
            + Text(f", {people:,} of them conversations" if people else "", "yellow"),
        )
    )
    others = _other_classes(x)
    if others:
        rows.append(("besides", Text(others)))
    locks = [lock.liveness for lock in x.locks]
    if locks:
        counts = ", ".join(f"{locks.count(each)} {each.value}" for each in Liveness if each in locks)
        rows.append(("locks", Text(counts)))
    if x.subagents.runs:
        rows.append(("subagents", Text(f"{x.subagents.runs:,} runs ({words.size(x.subagents.bytes)})")))
    rows += [("database", _database(x, store, view)) for store in x.stores if store.era is not Era.FILES]
    for path, space in x.volumes:
        text = f"{words.size(space.available)} of {words.size(space.total)} free"
        rows.append(("disk", Text(text if len(x.volumes) == 1 else f"{view.names.path(path)}: {text}")))
    return rows


def _database(x: Examination, store: StoreFacts, view: View) -> Text:
    agent = next((agent for agent in x.eras.agents if agent.agent_id == store.agent_id), None)
    database = (agent.database if agent else None) or x.eras.state
    if database is None:
        return Text(store.era.value)
    version = f"schema {database.user_version}" if database.user_version is not None else database.problem or "unread"
    wal = f", -wal {words.size(database.wal_size)}" if database.wal_size else ""
    return Text(f"{store.era.value}: {view.names.path(database.path)}, {words.size(database.size)}{wal}, {version}")


def _other_classes(x: Examination) -> str:
    totals: dict[str, tuple[int, int]] = {}
    for store in x.stores:
        for cls, total in store.classes.items():
            if cls.value in ("store", "transcript", "topic-transcript", "fork-transcript", "lock"):
                continue
            files, size = totals.get(cls.value, (0, 0))
            totals[cls.value] = (files + total.count, size + total.bytes)
    ranked = sorted(totals.items(), key=lambda item: -item[1][1])
    return ", ".join(f"{files:,} {name} ({words.size(size)})" for name, (files, size) in ranked)


def _next(console: Console, judgement: Judgement) -> None:
    x = judgement.examination
    grave = [f for f in judgement.findings if f.severity >= Severity.ERROR]
    if x.gateway.liveness is Liveness.LIVE and grave:
        next_step(console, "the gateway is running: stop it before anything is repaired.")
    elif not judgement.findings:
        next_step(console, "nothing to do.")
    elif fixable := next((f for f in judgement.findings if f.fix), None):
        next_step(console, "see what a repair would do:", fixable.fix.command if fixable.fix else None)
    else:
        worst = judgement.findings[0]
        next_step(console, "read what the worst finding means:", f"gatewaydoctor explain {worst.rule}")
