"""`snapshot`: a consistent copy before anything else."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from gatewaydoctor.cli.parser.parameters import argument
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import WriteSession, hands, write_session
from gatewaydoctor.model.command import Command
from gatewaydoctor.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from gatewaydoctor.repair.writing.tools import Tools

ROWS = 40

Dest = Annotated[
    str | None,
    argument(metavar="[DEST]", help="New directory (default: next to the vault). `verify`: see above."),
]
Directory = Annotated[str | None, argument(metavar="[DIR]", help="With verify: the snapshot to verify.")]


def snapshot(run: Run, *, dest: Dest = None, directory: Directory = None) -> Outcome:
    """Copies the state directory: shares blocks with the original where the filesystem can, else copies; never hard
    links. Databases are copied with their -wal and -shm, and a manifest keeps every hash. `snapshot verify DIR`
    hashes a snapshot again; exits 1 where a file differs or had to be left out. A directory that is really called
    verify is ./verify."""
    only_formats(run, "snapshot", "text", "json")
    if dest == "verify":
        if directory is None:
            raise UsageError(
                "snapshot verify needs the snapshot's directory.", "Try `gatewaydoctor snapshot verify DIR`."
            )
        with hands(run) as tools:
            return _verify(run, tools, Path(directory))
    if directory is not None:
        raise UsageError(
            "snapshot takes one directory.",
            "Try `gatewaydoctor snapshot DEST` or `gatewaydoctor snapshot verify DIR`.",
        )
    with write_session(run) as work:
        return _copy(run, work, Path(dest) if dest else None)


def _copy(run: Run, work: WriteSession, dest: Path | None) -> Outcome:

    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.vault.snapshot import snapshot as take
    from gatewaydoctor.repair.vault.snapshot import unfinished
    from gatewaydoctor.report.document import names_of_place
    from gatewaydoctor.report.screens import snapshot as screens

    with work.stoppable() as tools:
        path, manifest = take(tools, work.state_dir, dest)
        partials = unfinished(tools.fs, path)
    files = len(manifest.files)
    names = names_of_place(work.found.place, redact=run.options.redact)
    exact = names.exact()
    left = [(each.path, each.reason) for each in manifest.left_out]
    details = {
        "directory": exact.path(path),
        "files": files,
        "bytes": manifest.bytes,
        "databases": [
            {
                "path": exact.path(each.path),
                "sound": each.sound,
                "problem": exact.text(each.problem) if each.problem else None,
                "rows": each.rows,
                "same": each.same,
            }
            for each in manifest.databases
        ],
        "unfinished": [exact.path(each) for each in partials],
        "leftOut": [{"path": exact.path(each), "reason": exact.text(reason)} for each, reason in left],
    }
    verify = run.invocation.command("snapshot", "verify", names.path(path))
    screen = partial(
        screens.taken,
        directory=path,
        files=files,
        size=manifest.bytes,
        left_out=left,
        unfinished=partials,
        databases=manifest.databases,
        missing=sum(not each.harmless for each in manifest.left_out),
        verify=verify,
        view=view_with(run, names, ROWS),
    )
    code = ExitCode.OK if all(each.harmless for each in manifest.left_out) else ExitCode.FINDINGS
    return Outcome("snapshot", code, run, details=details, screen=screen, wrote=True, place=work.found.place)


def _verify(run: Run, tools: Tools, directory: Path) -> Outcome:
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.vault.snapshot import verify_snapshot
    from gatewaydoctor.report.names import Names
    from gatewaydoctor.report.screens import snapshot as screens

    manifest, wrong = verify_snapshot(tools, directory.absolute())
    names = Names(redact=run.options.redact)
    exact = names.exact()
    problems = [(each.path, each.problem) for each in wrong]
    problems += [(each.path, f"not in it: {each.reason}") for each in manifest.left_out if not each.harmless]
    details = {
        "directory": exact.path(directory),
        "files": len(manifest.files),
        "problems": [{"path": exact.path(path), "problem": exact.text(problem)} for path, problem in problems],
    }
    code = ExitCode.FINDINGS if problems else ExitCode.OK
    another = Command(
        ("snapshot", "--state-dir", names.path(manifest.state_dir)), run.invocation.program, placed=True
    )
    screen = partial(
        screens.verified,
        files=len(manifest.files),
        problems=problems,
        another=another,
        view=view_with(run, names, ROWS),
    )
    return Outcome("snapshot verify", code, run, details=details, screen=screen)
