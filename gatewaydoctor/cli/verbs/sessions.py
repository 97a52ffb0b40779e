"""`sessions`: the entries themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.words.choices import chosen_words, job_ids, known_jobs, parse_size
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.storage.entries.select import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from gatewaydoctor.examine.found import Found
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import Era
    from gatewaydoctor.model.gateway.place import StoreRef
    from gatewaydoctor.report.names import Names

CAP = 100
ROWS = 40

StatusFilter = Annotated[list[str] | None, option("--status", metavar="WORD", help="Status; repeatable.")]
KindFilter = Annotated[list[str] | None, option("--kind", metavar="WORD", help="Kind; repeatable.")]
JobFilter = Annotated[list[str] | None, option("--job", metavar="JOB", help="Cron job: id or name; repeatable.")]
Older = Annotated[str | None, option("--older-than", metavar="TIME", help="Not updated for this long.")]
Newer = Annotated[str | None, option("--newer-than", metavar="TIME", help="Updated within this time.")]
Key = Annotated[str | None, option("--key", metavar="GLOB", help="Keys that match, such as `*:cron:*`.")]
Larger = Annotated[str | None, option("--larger-than", metavar="SIZE", help="Bytes, or with k, M, G.")]


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
    """Lists sessions that match every filter, in file order, as a table or, with --format ndjson, as one JSON object
    per line while the store is being read. Never includes message text."""
    from gatewaydoctor.cli.shell.examining import view_with, world
    from gatewaydoctor.examine.found import find, sources
    from gatewaydoctor.report.document import names_of_place

    chosen = only_formats(run, "sessions", "text", "json", "ndjson")
    selection = Selection(
        chosen_words(Status, status, "--status"),
        chosen_words(Kind, kind, "--kind"),
        None,
        run.now - parse_span(older_than, "--older-than") if older_than else None,
        run.now - parse_span(newer_than, "--newer-than") if newer_than else None,
        key,
        parse_size(larger_than, "--larger-than") if larger_than else None,
    )
    found = find(world(run), run.where)
    if job:
        selection = replace(selection, job_ids=job_ids(run, found, job))
    names = names_of_place(found.place, redact=run.options.redact)
    for ref in found.stores:
        names.know(ref.agent_id, "agent")
    listing = SessionListing(run, found, selection, names, sources(run.fs, found, run.where.agent))
    if job:
        _require_jobs(listing, job)
    if chosen == "ndjson":
        return Outcome("sessions", ExitCode.OK, run, stream=listing.stream)
    if chosen == "json":
        return listing.document(None if run.options.all else CAP)
    shown = view_with(run, names, ROWS)
    rows, total = listing.first(shown.rows)

    def screen(console: Console) -> None:
        from gatewaydoctor.report.screens import sessions as screens

        screens.show(console, screens.Sessions(found.place, rows, total, tuple(listing.problems), run.now), shown)

    return Outcome("sessions", listing.exit_code, run, screen=screen, place=found.place)


def _require_jobs(listing: SessionListing, wanted: list[str]) -> None:
    """Raises UsageError for a job that neither jobs.json, the state database nor a row knows. Of a store that cannot
    be read to its end it is not known whether it has rows of the job."""
    from gatewaydoctor.model.errors import unknown_word
    from gatewaydoctor.state.cron.cron import read_cron

    cron = read_cron(listing.run.fs, listing.found.config.cron.store.value)
    jobs = [(job.job_id.lower(), job.name) for job in known_jobs(listing.run, listing.found)]
    jobs += [(job.job_id.lower(), job.name) for job in cron.lost]
    known = {word for job in jobs for word in job if word}
    left = {word.lower(): word for word in wanted if word not in known and word.lower() not in known}
    if not left:
        return
    seen = replace(listing, selection=Selection(), problems=[], opened=0)
    for _, entry in seen:
        if entry.job_id is not None and left.pop(entry.job_id.lower(), "") and not left:
            return
    if not seen.problems:
        raise unknown_word("cron job", next(iter(left.values())), known, "`gatewaydoctor cron` lists the jobs.")


class SessionListing(Struct):
    """Entries of all stores that match, in file order, those of databases last. `problems` are stores that could not
    be read (to their end), known once they were asked for."""

    run: Run
    found: Found
    selection: Selection
    names: Names
    sources: tuple[tuple[StoreRef, Era], ...]
    problems: list[tuple[str, str]] = field(default_factory=list)
    opened: int = 0

    def __iter__(self) -> Iterator[tuple[StoreRef, Entry]]:
        from gatewaydoctor.storage.open import open_sessions

        matches = self.selection.matcher()
        for ref, era in self.sources:
            store = open_sessions(self.run.fs, era, ref.path, self.found.config.main_key.value)
            yield from ((ref, entry) for entry in store.entries() if matches(entry))
            self.opened += store.opened
            if store.problem is not None:
                self.problems.append((self.names.path(ref.path), store.problem))

    @property
    def exit_code(self) -> ExitCode:
        """After the entries were asked for: CANNOT_EXAMINE where there are stores and none could be opened."""
        return ExitCode.CANNOT_EXAMINE if self.sources and not self.opened else ExitCode.OK

    def first(self, cap: int | None) -> tuple[list[tuple[StoreRef, Entry]], int]:
        """The first rows and how many match in all."""
        rows: list[tuple[StoreRef, Entry]] = []
        total = 0
        for row in self:
            if cap is None or total < cap:
                rows.append(row)
            total += 1
        return rows, total

    def document(self, cap: int | None) -> Outcome:
        rows, total = self.first(cap)
        names = self.names.exact()
        details: dict[str, Any] = {
            "total": total,
            "sessions": [names.value(_details(ref, entry)) for ref, entry in rows],
            "problems": [{"path": path, "reason": reason} for path, reason in self.problems],
        }
        from gatewaydoctor.cli.shell.examining import view_with
        from gatewaydoctor.report.screens.sessions import step

        after = step(view_with(self.run, self.names, ROWS))
        return Outcome("sessions", self.exit_code, self.run, details=details, next=after, place=self.found.place)

    def stream(self) -> ExitCode:
        """One line an entry on stdout, then one on stderr for each store that could not be read to its end."""
        from gatewaydoctor.report.printer import print_line, print_warning

        names = self.names.exact()
        for ref, entry in self:
            print_line(names.value(_details(ref, entry)))
        for path, reason in self.problems:
            print_warning(f"{path}: {reason}.")
        return self.exit_code


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
        # A row of a database is at no offset.
        "offset": entry.start or None,
        "valid": entry.valid,
    }
