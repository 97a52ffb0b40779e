"""What every examining verb does first: look, judge, and show progress while it takes long."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.checks.judge import Judgement, judge
from gatewaydoctor.checks.thresholds import DEFAULTS, Thresholds
from gatewaydoctor.cli.shell.notices import pending_step
from gatewaydoctor.cli.shell.run import working_directory
from gatewaydoctor.examine.examination import Examination
from gatewaydoctor.examine.examiner import examine
from gatewaydoctor.examine.world import Depth, World
from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.report.document import names_for
from gatewaydoctor.state.alive.liveness import probe_port
from gatewaydoctor.system.memory import host_memory
from gatewaydoctor.system.processes import system_processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.cli.shell.progress import PhaseBar
    from gatewaydoctor.cli.shell.run import Run
    from gatewaydoctor.examine.world import Progress
    from gatewaydoctor.report.names import Names
    from gatewaydoctor.report.screens.blocks.parts import View

SHOW_AFTER_S = 0.5
TABLE_ROWS = 12


def world(run: Run) -> World:
    """The machine as it is, with the clock of this run."""
    return World(
        run.fs,
        run.env,
        system_processes(),
        probe_port,
        run.now,
        str(working_directory() or "/"),
        host_memory(),
        machine_clock=goes_by_machine(run),
    )


def goes_by_machine(run: Run) -> bool:
    """Whether the clock is the machine's own, which may be wrong."""
    return not run.clock.fixed


def look(run: Run, depth: Depth | None = None, thresholds: Thresholds = DEFAULTS) -> Judgement:
    """Examine and judge the directory the options name. Raises DoctorError where there is none to examine."""
    with progress(run) as shown:
        return judge(examine(world(run), run.where, depth or Depth(), shown), thresholds)


def view(run: Run, x: Examination) -> View:
    """How the options want an examination shown."""
    seen = view_with(run, names_for(x, redact=run.options.redact), TABLE_ROWS)
    return replace(seen, pending=pending_step(run, x.place))


def view_with(run: Run, names: Names, rows: int) -> View:
    from gatewaydoctor.report.screens.blocks.parts import View

    o = run.options
    return View(names, o.verbose, None if o.all else rows, o.quiet, run.invocation, clock=run.clock)


def exit_code(x: Examination) -> ExitCode:
    """CANNOT_EXAMINE where there are stores and none of them could be read, however much else was seen."""
    refused = [store.sessions is None for store in x.stores if store.read.ref.exists]
    refused += [database.refused for database in x.databases]
    failed = refused and all(refused)
    return ExitCode.CANNOT_EXAMINE if failed else ExitCode.OK


@contextmanager
def progress(run: Run) -> Iterator[Progress | None]:
    """A bar on stderr where a person watches; nothing elsewhere."""
    if run.options.quiet or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.close()


class _Bar:
    """Starts to show after half a second, so that quick work stays quiet."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._phase: tuple[str, int | None] = ("reading the directory", None)
        self._done = 0
        self._shown: PhaseBar | None = None

    def phase(self, name: str, total: int | None) -> None:
        self._phase, self._done = (name, total), 0
        if self._shown:
            self._shown.phase(name, total)

    def advance(self, amount: int) -> None:
        self._done += amount
        if self._shown:
            self._shown.advance(amount)
        elif time.monotonic() - self._began > SHOW_AFTER_S:
            from gatewaydoctor.cli.shell.progress import PhaseBar

            self._shown = PhaseBar()
            self._shown.phase(*self._phase)
            self._shown.advance(self._done)

    def close(self) -> None:
        if self._shown:
            self._shown.close()
