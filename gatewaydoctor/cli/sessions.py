"""`sessions`: the entries themselves."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gatewaydoctor.cli.durations import parse_span
from gatewaydoctor.cli.run import Outcome, Run, only_formats
from gatewaydoctor.model.entry import Kind, Status
from gatewaydoctor.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import StrEnum

    from rich.console import Console

    from gatewaydoctor.examine.found import Found
    from gatewaydoctor.model.agents import StoreRef
    from gatewaydoctor.model.entry import Entry
    from gatewaydoctor.report.screens.parts import View
    from gatewaydoctor.store.select import Selection

Word = TypeVar("Word", bound="StrEnum")

StatusFilter = Annotated[list[str] | None, typer.Option("--status", metavar="WORD", help="Status; repeatable.")]
KindFilter = Annotated[list[str] | None, typer.Option("--kind", metavar="WORD", help="Kind; repeatable.")]
JobFilter = Annotated[
    list[str] | None, typer.Option("--job", metavar="JOB", help="Cron job: id or name; repeatable.")
]
Older = Annotated[str | None, typer.Option("--older-than", metavar="TIME", help="Not updated for this long.")]
Newer = Annotated[str | None, typer.Option("--newer-than", metavar="TIME", help="Updated within this time.")]
Key = Annotated[str | None, typer.Option("--key", metavar="GLOB", help="Keys that match, such as '*:cron:*'.")]
Larger = Annotated[str | None, typer.Option("--larger-than", metavar="SIZE", help="Bytes, or with k, M, G.")]


def sessions(
    run: Run,
    *,
    status: StatusFilter = None,
    kind: KindFilter = None,
    job: JobFilter = None,
    older_than: Older = None,
    newer_than: Newer = None,
    key: Key = None,
    larger_than: Larger = None,
) -> Outcome:
    """Entries in file order that match every filter given, as a table or, with --format ndjson, one JSON object a
    line while the store is being read. Message text is never part of it."""
    from gatewaydoctor.cli.examining import world
    from gatewaydoctor.examine.found import find
    from gatewaydoctor.report.document import names_of_place
    from gatewaydoctor.report.screens.parts import View
    from gatewaydoctor.store.select import Selection

    chosen = only_formats(run, "sessions", "text", "json", "ndjson")
    found = find(world(run), run.where)
    selection = Selection(
        _words(Status, status, "--status"),
        _words(Kind, kind, "--kind"),
        _job_ids(run, found, job) if job else None,
        run.now - parse_span(older_than, "--older-than") if older_than else None,
        run.now - parse_span(newer_than, "--newer-than") if newer_than else None,
        key,
        parse_size(larger_than, "--larger-than") if larger_than else None,
    )
    listing = _Sessions(run, found, selection)
    names = names_of_place(found.place, redact=run.options.redact)
    if chosen == "ndjson":
        return Outcome("sessions", ExitCode.OK, run, stream=lambda: listing.stream(names.value))
    view = View(names, rows=None if run.options.all else 40)
    cap = None if run.options.all else 100
    if chosen == "json":
        rows, total = listing.first(cap)
        details = {"total": total, "sessions": [names.value(_details(ref, entry)) for ref, entry in rows]}
        return Outcome("sessions", ExitCode.OK, run, details=details)
    return Outcome("sessions", ExitCode.OK, run, screen=lambda console: listing.show(console, view))


@dataclass(frozen=True, slots=True)
class _Sessions:
    run: Run
    found: Found
    selection: Selection

    def __iter__(self) -> Iterator[tuple[StoreRef, Entry]]:
        from gatewaydoctor.store.reader import StoreReader
        from gatewaydoctor.store.survey import entries

        matches = self.selection.matcher()
        fs = self.run.fs
        for ref in self.found.stores:
            if not ref.exists:
                continue
            try:
                with fs.open(ref.path) as stream:
                    reader = StoreReader(stream, fs.stat(ref.path).size)
                    for entry, _ in entries(reader, self.found.config.main_key.value):
                        if matches(entry):
                            yield ref, entry
            except OSError as error:
                warn(f"{ref.path} could not be read: {error.strerror or type(error).__name__}")
                continue
            fault = reader.verdict.fault
            if fault is not None:
                warn(f"{ref.path}: {fault.sentence}; the entries before it are listed")

    def first(self, cap: int | None) -> tuple[list[tuple[StoreRef, Entry]], int]:
        """The first rows and how many match in all."""
        rows, total = [], 0
        for row in self:
            if cap is None or total < cap:
                rows.append(row)
            total += 1
        return rows, total

    def stream(self, shown: Callable[[object], object]) -> None:
        from gatewaydoctor.report.printer import print_line

        for ref, entry in self:
            print_line(shown(_details(ref, entry)))

    def show(self, console: Console, view: View) -> None:
        from rich.text import Text

        from gatewaydoctor.report import words
        from gatewaydoctor.report.screens.parts import grid, more

        rows, total = self.first(view.rows)
        table = grid("key", "kind", "status", "updated", "size", left=3, gap=1)
        for _, entry in rows:
            status = entry.status.value if entry.valid else "no object"
            updated = words.age(entry.updated_at, self.run.now)
            table.add_row(view.names.key(entry.key), entry.kind.value, status, updated, words.size(entry.bytes))
        console.print(table)
        more(console, len(rows), total, "entries")
        if len(rows) == total:
            console.print(Text(words.plural(total, "entry", "entries"), "dim"))


def warn(text: str) -> None:
    """One line on stderr beside the stream."""
    from gatewaydoctor.report.words import harmless

    print(f"gatewaydoctor: {harmless(text)}.", file=sys.stderr)


def _details(ref: StoreRef, entry: Entry) -> dict[str, Any]:
    return {
        "agentId": ref.agent_id,
        "key": entry.key,
        "kind": entry.kind.value,
        "status": entry.status.value,
        "sessionId": entry.session_id,
        "jobId": entry.job_id,
        "updatedAt": entry.updated_at,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "bytes": entry.bytes,
        "offset": entry.start,
        "valid": entry.valid,
    }


def _words(enum: type[Word], given: list[str] | None, option: str) -> frozenset[Word]:
    try:
        return frozenset(enum(word.strip().lower()) for word in given or ())
    except ValueError:
        known = ", ".join(each.value for each in enum)
        raise UsageError(f"{option}: one of {given} is not known.", f"Choose from: {known}.") from None


def _job_ids(run: Run, found: Found, wanted: list[str]) -> frozenset[str]:
    """Ids, lower case, of the jobs named by id or name; an id that jobs.json does not know is taken as it is."""
    from gatewaydoctor.state.cron import read_cron

    jobs = read_cron(run.fs, found.config.cron.store.value).jobs
    ids = {job.job_id.lower() for job in jobs if job.name in wanted or job.job_id in wanted}
    names = {job.name for job in jobs}
    return frozenset(ids | {word.lower() for word in wanted if word not in names})


def parse_size(text: str, option: str) -> int:
    """Bytes; k, M and G are powers of 1,000, Ki, Mi and Gi of 1,024. Raises UsageError for anything else."""
    import re

    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?", text.strip(), re.IGNORECASE)
    if found is None:
        raise UsageError(f"{option} {text!r} is no size.", "Give one such as 500k, 20M or 1GiB.")
    power: int = {"": 0, "k": 1, "m": 2, "g": 3}[found[2].lower()]
    unit: int = (1024 if found[3] else 1000) ** power
    return round(float(found[1]) * unit)
