"""What every writing verb needs: the tools, the operator's word about the gateway, and a yes."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.examining import progress, world
from gatewaydoctor.cli.shell.signals import StoppableProgress, held_back
from gatewaydoctor.cli.shell.streams import telling
from gatewaydoctor.examine.found import find
from gatewaydoctor.examine.gateway import gateway_of
from gatewaydoctor.examine.world import NoProgress
from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.repair.writing.errors import FixedClock, Refused
from gatewaydoctor.repair.writing.fs import OsWriteFs
from gatewaydoctor.repair.writing.tools import Permission, Tools
from gatewaydoctor.report.outgoing import outgoing_text
from gatewaydoctor.report.words import fixed_clock
from gatewaydoctor.system.processes import system_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from gatewaydoctor.cli.shell.run import Run
    from gatewaydoctor.examine.found import Found
    from gatewaydoctor.model.gateway.liveness import GatewayState
    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.report.screens.blocks.parts import View

Yes = Annotated[bool, option("--yes", "-y", help="Do it without asking.")]
Vault = Annotated[
    str | None,
    option("--vault", metavar="DIR", help="Where originals are kept. [default: in the state directory]"),
]
WorkDir = Annotated[
    str | None,
    option("--work-dir", metavar="DIR", help="Where databases are copied and edited. [default: in the vault]"),
]
GatewayStopped = Annotated[
    bool,
    option("--gateway-stopped", help="Assert that the gateway is stopped, if that is unknown; recorded."),
]

MOST_TOLD = 20
"""Entries of a long list in JSON, unless --all asks for all."""


class WriteSession(Struct, frozen=True):
    """A state directory to work on. `state_dir` has its links resolved, as plans name it."""

    found: Found
    tools: Tools
    permission: Permission
    vault: Path | None
    work_dir: Path | None = None

    @property
    def state_dir(self) -> Path:
        return self.found.place.real_dir

    @contextmanager
    def stoppable(self) -> Iterator[Tools]:
        """The tools for work that a signal ends only at a safe step."""
        with held_back() as check:
            shown = StoppableProgress(self.tools.progress, check)
            yield replace(self.tools, progress=shown, check_stop=check)

    @contextmanager
    def stoppable_between_files(self) -> Iterator[Tools]:
        """The same for work that has no way back in the middle of a file."""
        with held_back() as check:
            yield replace(self.tools, check_stop=check)


def require_own_clock(run: Run) -> None:
    """Raises Refused where the clock of something that writes comes from the environment, where it may have been
    forgotten: ages decide what goes."""
    if run.clock.source is ClockSource.ENVIRONMENT:
        raise FixedClock(
            f"The clock is {fixed_clock(run.clock)}.",
            "Run `unset GATEWAYDOCTOR_NOW` first, or name the time on this very command: --now TIME.",
        )


@contextmanager
def hands(run: Run) -> Iterator[Tools]:
    """The tools alone, for work that needs no state directory."""
    with progress(run) as shown:
        yield Tools(OsWriteFs(), system_processes(), lambda: time.time_ns() // 1_000_000, shown or NoProgress())


@contextmanager
def write_session(
    run: Run, *, vault: str | None = None, gateway_stopped: bool = False, work_dir: str | None = None
) -> Iterator[WriteSession]:
    """The bench for the directory the options name, with progress shown where a person watches. Raises DoctorError
    where there is no such directory."""
    found = find(world(run), run.where, remains=True)

    def gateway() -> GatewayState:
        return gateway_of(world(run), run.where, found)  # with the processes of this moment

    with hands(run) as tools:
        permission = Permission(gateway, gateway_stopped, run.now if run.clock.fixed else None)
        yield WriteSession(found, tools, permission, _absolute(vault), _absolute(work_dir))


def no_directory(word: str, what: str, *, here: bool = False) -> None:
    """Raises UsageError for a path where `what` is to be named, such as "a run"; `here` also for the bare name of a
    directory."""
    if "/" in word or word in (".", "..", "~") or (here and Path(word).is_dir()):
        raise UsageError(f"{word} is a path, not {what}.", f"For a state directory: --state-dir {quote(word)}")


def _absolute(path: str | None) -> Path | None:
    return Path(os.path.expanduser(path)).absolute() if path else None  # noqa: PTH111 - Path raises for ~nobody


def before_writing(run: Run, plan: Plan, seen: View, show: Callable[[Console], None], *, yes: bool) -> None:
    """Shows a plan that is about to be applied: whole by `show` where a person decides on it, and in a few rows,
    that leave room for the receipt, where the yes was given beforehand."""
    from gatewaydoctor.report.printer import print_screen
    from gatewaydoctor.report.screens import repair as screens

    o = run.options
    if run.wants_json or (yes and o.quiet):
        return
    brief = yes and not plan.empty and not (o.all or o.verbose)
    with telling():
        print_screen(partial(screens.approved, plan=plan, view=seen) if brief else show, no_color=o.no_color)
        sys.stdout.write("\n")


def person_confirms(*, yes: bool) -> bool:
    """Whether a person will be asked before anything is written."""
    return not yes and bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere only --yes counts. Raises Refused where the answer is no."""
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("Did not apply: no terminal to confirm on.", "Add --yes.")
    sys.stderr.write(f"{outgoing_text(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("Did not apply: not confirmed.", "Run it again and answer y.")


def cap(run: Run) -> int | None:
    """How many of a long list are told: all with --all."""
    return None if run.options.all else MOST_TOLD
