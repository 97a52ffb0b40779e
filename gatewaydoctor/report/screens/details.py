"""Everything at a glance: stores, files, and every finding with its evidence. `scan -v` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks import tables
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, pairs, section
from gatewaydoctor.report.screens.findings import findings, tally

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.era import AgentEra

DETAILED_STORES = 3
"""With more stores than this, only those with findings get tables of their own."""


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    console.print()
    head(console, judgement, view)
    if not view.quiet:
        section(console, "Stores")
        tables.stores(console, x.session_stores, view)
        for store in _detailed(judgement, view):
            _store(console, store, view, several=len(x.session_stores) > 1)
        section(console, "Files")
        console.print(pairs(_files(x, view)))
        console.print()
    console.print(Text("Findings: ", "bold") + tally(judgement.findings))
    findings(console, judgement.findings, view)


def _detailed(judgement: Judgement, view: View) -> list[StoreFacts | DatabaseFacts]:
    found = judgement.examination.session_stores
    stores = [store for store in found if store.sessions and store.sessions.counts]
    if len(stores) <= DETAILED_STORES or view.rows is None:
        return stores
    concerned = {f.agent_id for f in judgement.findings if f.severity >= Severity.WARNING}
    return [store for store in stores if store.agent_id in concerned][:DETAILED_STORES]


def _store(console: Console, store: StoreFacts | DatabaseFacts, view: View, *, several: bool) -> None:
    of = f" of {view.agent(store.agent_id)}" if several else ""
    whole = "" if store.whole else " before the damage"
    section(console, f"Sessions{of}{whole} by kind and status")
    tables.distribution(console, store)
    if store.jobs:
        section(console, f"Cron jobs{of} (per tick: median/most runs; apart: median time between ticks)")
        tables.cron_jobs(console, store.jobs, view)


def _files(x: Examination, view: View) -> list[tuple[str, RenderableType]]:
    rows: list[tuple[str, RenderableType]] = [("transcripts", _transcripts(x))]
    others = _other_classes(x)
    if others:
        rows.append(("other files", Text(others)))
    locks = [lock.liveness for lock in x.locks]
    if locks:
        counts = ", ".join(f"{locks.count(each)} {each.value}" for each in Liveness if each in locks)
        rows.append(("locks", Text(counts)))
    if x.subagents.runs:
        rows.append(("subagents", Text(f"{words.plural(x.subagents.runs, 'run')} ({words.size(x.subagents.bytes)})")))
    agents = [agent for agent in x.eras.agents if agent.era.cron_in_database]
    rows += [(agent.era.value, _database(agent, x, view)) for agent in capped(agents, view)]
    for volume, space in x.volumes:
        text = f"{words.size(space.available)} of {words.size(space.total)} free"
        rows.append(("disk", Text(text if len(x.volumes) == 1 else f"{view.names.path(volume)}: {text}")))
    for label, passed in (("not read", x.skipped), ("not compared", x.unchecked)):
        for path, reason in capped(passed, view):
            rows.append((label, Text(f"{view.names.path(path)}: {view.names.text(reason)}", "bold")))
    return rows


def _transcripts(x: Examination) -> Text:
    files = sum(store.transcripts.files for store in x.stores)
    size = sum(store.transcripts.bytes for store in x.stores)
    orphans = sum(len(store.transcripts.orphans) for store in x.stores)
    missing = sum(store.pointers.missing for store in x.stores if store.pointers)
    people = sum(store.pointers.missing_people for store in x.stores if store.pointers)
    known = all(store.transcripts.referenced_known for store in x.stores)
    index = "unindexed" if known else "not in the readable part of the index"
    line = Text(f"{files:,} ({words.size(size)}), {orphans:,} {index}")
    if missing:
        line.append(f"; {words.plural(missing, 'session has', 'sessions have')} no transcript")
    if people:
        line.append(f", {people:,} of them {words.plain_plural(people, 'a conversation', 'conversations')}", "bold")
    return line


def _database(agent: AgentEra, x: Examination, view: View) -> RenderableType:
    """Whose sessions or jobs are in which database."""
    database = agent.database or x.eras.state
    if database is None:
        return Text(f"{view.agent(agent.agent_id)}: {view.names.text(agent.reason)}")
    version = f"schema {database.user_version}" if database.user_version is not None else "schema unknown"
    problem = f", {view.names.text(database.problem)}" if database.problem else ""
    wal = f", -wal {words.size(database.wal_size)}" if database.wal_size else ""
    size = f"{words.size(database.size)}{wal}, {version}{problem}"
    return Group(Text(f"{view.agent(agent.agent_id)}: {size}"), view.path(database.path))


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
