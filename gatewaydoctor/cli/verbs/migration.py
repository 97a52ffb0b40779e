"""`migration`: the move from files to databases, audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.report.names import Names

Export = Annotated[
    str | None,
    option("--export", metavar="DIR", help="Write what only files have to a new directory."),
]


def migration(run: Run, *, export: Export = None) -> Outcome:
    """Shows for each agent, session and job whether it is in the database, only in a file or archive, or nowhere, and
    counts the conversation turns that are in no database. Every transcript is compared event by event. --export
    writes each such transcript as text to read and as JSONL that a gateway of the file era reads, jobs and session
    rows as JSON; with --redact without message text."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.document import CAP
    from gatewaydoctor.report.migration import migration_details
    from gatewaydoctor.report.screens import migration as screen

    only_formats(run, "migration", "text", "json")
    judgement = look(run, Depth(audit=True))
    x = judgement.examination
    seen = view(run, x)
    details = migration_details(x.migration, None if run.options.all else CAP)
    exported: tuple[str, int] | None = None
    if export is not None:
        directory, files = _export(run, export, x, seen.names)
        exported = str(directory), files
        details["export"] = {"directory": str(directory), "files": files}
    return Outcome(
        "migration",
        exit_code(x),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, seen, exported),
        next=screen.step(judgement, seen, exported),
    )


def _export(run: Run, spelled: str, x: Examination, names: Names) -> tuple[Path, int]:
    from gatewaydoctor.cli.shell.output import PRIVATE, places_of, target_directory, write
    from gatewaydoctor.examine.databases.recovered import recovered

    directory = target_directory(spelled, "--export", places_of(x))
    files = 0
    for name, content in recovered(run.fs, x, redact=run.options.redact):
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(path, _fit_to_share(path, content) if run.options.redact else content, PRIVATE)
        files += 1
    return directory, files


def _fit_to_share(path: Path, content: bytes) -> bytes:
    """What is no message text in it, such as names of fields and times, as any other output has it."""
    import json

    from gatewaydoctor.report.outgoing import outgoing_text, outgoing_value

    if path.suffix == ".md":
        return outgoing_text(content.decode()).encode()
    if path.suffix == ".jsonl":
        lines = (json.dumps(outgoing_value(json.loads(line))) for line in content.splitlines())
        return "".join(f"{line}\n" for line in lines).encode()
    return json.dumps(outgoing_value(json.loads(content)), indent=2).encode() + b"\n"
