"""What databases hold, as tables and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.database.reading import DatabaseFault, bytes_by_owner
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, more, pairs, section
from gatewaydoctor.report.screens.blocks.tables import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.reading import AgentRows, Boot, DatabaseBytes, LogFacts, StateRows

BOOTS = 3
TABLES = 8

Line = tuple[str, "RenderableType"]


def weight(console: Console, found: DatabaseBytes, view: View) -> None:
    """Where the bytes of a database are: by what they are for, then by table."""
    total = (found.live + found.wal + found.journal) or 1
    table = grid("bytes of", "size", "share")
    for each in bytes_by_owner(found):
        table.add_row(each.owner, words.size(each.bytes), f"{100 * each.bytes / total:.1f} %")
    console.print()
    console.print(table)
    ranked = [each for each in found.tables if each.rows or each.total > found.page_size * 4]
    shown = ranked if view.rows is None else ranked[:TABLES]
    table = grid("table", "rows", "size", "indexes")
    for one in shown:
        table.add_row(
            view.names.field(one.name),
            f"{one.rows:,}",
            words.size(one.bytes),
            words.size(one.index_bytes) if one.index_bytes else NONE,
        )
    console.print()
    console.print(table)
    more(console, len(shown), len(ranked), "tables")


def contents(console: Console, facts: DatabaseFacts, now: int, view: View) -> None:
    """What an agent's database holds besides its sessions."""
    if isinstance(facts.read, DatabaseFault):
        return
    console.print()
    lines = [*_log(facts.read.log), *_agent(facts.read.rows, now)]
    if facts.read.journal is not None and facts.read.journal.hot:
        lines.append(("journal", Text("an unfinished transaction, which the next start undoes", "bold")))
    lines += [("not read", Text(view.names.text(gap), "bold")) for gap in facts.gaps]
    console.print(pairs(lines))


def _log(log: LogFacts | None) -> Iterator[Line]:
    if log is None:
        return
    if not log.used:
        yield "-wal", Text(f"{words.size(log.bytes)}, nothing of it counts: {log.reason}")
        return
    tail = f", {log.tail:,} frames after the last commit do not count" if log.tail else ""
    yield "-wal", Text(f"{words.size(log.bytes)}, {words.plural(log.commits, 'commit')}{tail}")


def _agent(rows: AgentRows, now: int) -> Iterator[Line]:
    events = rows.events
    if events.count:
        packed = f", {events.compressed:,} compressed" if events.compressed else ""
        line = f"{events.count:,} events of {words.plural(events.sessions, 'session')} ({words.size(events.bytes)})"
        yield "transcripts", Text(f"{line}{packed}, last {words.age(events.newest, now)}")
    if events.large:
        size = words.size(events.large_bytes)
        yield "", Text(f"{words.plural(events.large, 'event')} of 64 KiB or more: {size}")
    if rows.silent:
        yield "", Text(f"{words.plural(rows.silent, 'session has', 'sessions have')} no transcript")
    if rows.lost_events:
        yield "", Text(f"{words.plural(rows.lost_events, 'transcript')} of no session", "bold")
    windows = rows.windows
    if windows.count:
        stuck = f", {windows.running_former:,} of them marked running" if windows.running_former else ""
        former = f", {windows.former:,} not the current one of a session{stuck}" if windows.former else ""
        yield "windows", Text(f"{windows.count:,}{former}")
    for label, stored in (
        ("archives", rows.archives),
        ("cold archives", rows.cold),
        ("trajectories", rows.trajectories),
    ):
        if stored.count:
            yield label, Text(f"{stored.count:,} ({words.size(stored.bytes)})")
    if rows.inputs:
        waiting = ", ".join(f"{count:,} {state}" for state, count in sorted(rows.inputs.items()))
        yield "user inputs", Text(f"{waiting}: accepted and not processed", "bold")
    if rows.unjudged:
        yield "validation", Text(f"{words.plural(rows.unjudged, 'row')} to be validated at the next start")
    if rows.cleared:
        yield "cleared", Text(words.plural(rows.cleared, "row"))


def state(console: Console, x: Examination, view: View) -> None:
    """What the state database tells, with where its bytes are if that was asked."""
    if x.state is None or x.eras.state is None:
        return
    section(console, f"State database: {view.names.path(x.eras.state.path)}")
    if isinstance(x.state, DatabaseFault):
        console.print(Text(f"cannot be read: {view.names.text(x.state.reason)}", "bold"))
        return
    console.print(pairs(_state(x.state, x, view)))
    if x.state_bytes is not None:
        weight(console, x.state_bytes, view)


def _state(rows: StateRows, x: Examination, view: View) -> Iterator[Line]:
    release = rows.started or rows.app_version
    if release:
        what = "last started by" if rows.started else "made or migrated by"
        yield "release", Text(f"{what} {view.names.text(release)}, schema {rows.schema}")
    yield from cron_lines(rows, x, view)
    for each in rows.queues:
        line = f"{view.names.field(each.queue)}: {each.count:,} {view.names.field(each.status)}"
        yield "deliveries", Text(f"{line}, oldest {words.age(each.oldest, x.now)}")
    if rows.subagents.count:
        states = ", ".join(f"{count:,} {word}" for word, count in rows.subagents.by_state.items())
        yield "subagents", Text(states)
    if rows.open_turns:
        yield "open turns", Text(f"{len(rows.open_turns):,} of {rows.placements:,} placements", "bold")
    for lease in rows.leases:
        if lease.scope == "gateway-owner":
            host = f" on {view.names.text(lease.host)}" if lease.host else ""
            ends = "expired" if lease.expires_at is not None and lease.expires_at <= x.now else "expires"
            yield "owner lease", Text(f"process {lease.pid}{host}, {ends} {words.age(lease.expires_at, x.now)}")
    if rows.database_leases:
        processes = ", ".join(dict.fromkeys(str(each.pid) for each in rows.database_leases))
        yield "database leases", Text(f"{len(rows.database_leases):,} of process {processes}")
    for boot in rows.boots[:BOOTS]:
        yield "start", _boot(boot, x.now)


def cron_lines(rows: StateRows, x: Examination, view: View) -> Iterator[Line]:
    """Jobs by store path, quarantined ones, receipts and run history."""
    own = str(x.config.cron.store.value)
    for each in capped(rows.partitions, view):
        managed = f", {each.managed:,} the gateway's own" if each.managed else ""
        line = f"{words.plural(each.jobs, 'job')} ({each.enabled:,} enabled{managed})"
        foreign = each.store_key.startswith("/") and each.store_key != own
        of = f" of {view.names.path(each.store_key)}, which the gateway does not run here" if foreign else ""
        yield "cron jobs", Text(f"{line}{of}", "bold" if foreign else "")
    if not rows.partitions:
        yield "cron jobs", Text("none")
    if rows.quarantined:
        reasons = ", ".join(dict.fromkeys(each.reason for each in rows.quarantined))
        yield "set aside", Text(f"{words.plural(len(rows.quarantined), 'job')}: {view.names.text(reasons)}", "bold")
    if x.cron.quarantined:
        yield "set aside", Text(f"{words.plural(x.cron.quarantined, 'job')} in jobs-quarantine.json", "bold")
    if rows.receipts:
        yield "run receipts", Text(", ".join(f"{count:,} {word}" for word, count in rows.receipts.most_common()))
    runtimes = dict.fromkeys(runtime for runtime, _ in rows.history.by_status)
    for runtime in runtimes:
        counts = [(status, count) for (of, status), count in rows.history.by_status.most_common() if of == runtime]
        listed = ", ".join(f"{count:,} {view.names.field(status)}" for status, count in counts)
        yield f"{view.names.field(runtime)} runs", Text(listed)
    if rows.history.imported_ok:
        count = rows.history.imported_ok
        yield "", Text(f"{count:,} imported as failed {words.plain_plural(count, 'was', 'were')} successful")


def _boot(boot: Boot, now: int) -> Text:
    began = words.age(boot.started_at, now)
    match boot.outcome:
        case None:
            return Text(f"{began} as process {boot.pid}: not ended cleanly, or running", "bold")
        case "clean_stop":
            return Text(f"{began} as process {boot.pid}: stopped cleanly")
        case word:
            return Text(f"{began} as process {boot.pid}: {word.replace('_', ' ')}", "bold")
