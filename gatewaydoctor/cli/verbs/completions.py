"""`completions`: a script for Tab."""

from __future__ import annotations

import sys
from typing import Annotated

from gatewaydoctor.cli.parser.parameters import argument
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.completion.shells import KEPT
from gatewaydoctor.model.errors import ExitCode, unknown_word

ShellName = Annotated[str, argument(metavar="SHELL", help=f"One of: {', '.join(KEPT)}.")]


def completions(run: Run, *, shell: ShellName) -> Outcome:
    """Prints a script whose first lines show how to try it and where to keep it. Verbs, options and fixed words are
    part of it; it reads runs, jobs and agents when Tab is pressed, from the directory on the command line."""
    from gatewaydoctor.cli.parser.describe import described
    from gatewaydoctor.completion.shells import script

    only_formats(run, "completions", "text", "json")
    if shell not in KEPT:
        raise unknown_word("shell", shell, KEPT)
    text = script(shell, described())

    def stream() -> ExitCode:
        sys.stdout.write(text)
        return ExitCode.OK

    return Outcome(
        "completions",
        ExitCode.OK,
        run,
        details={"shell": shell, "script": text},
        stream=None if run.wants_json else stream,
    )
