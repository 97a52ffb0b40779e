"""One invocation: its options, its clock, the world it may examine, and what comes out of it."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.clock import Clock, ClockSource
from gatewaydoctor.model.command import PROGRAM
from gatewaydoctor.model.errors import ExitCode, UsageError, unknown_word
from gatewaydoctor.system.fs import OsReadFs, ReadFs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.world import Where
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.model.outcome.gate import GateInfo
    from gatewaydoctor.model.outcome.report import ErrorInfo
    from gatewaydoctor.model.outcome.verdict import NextStep
    from gatewaydoctor.model.repair.way_out import WayOut
    from gatewaydoctor.report.invocation import Invocation
    from gatewaydoctor.report.names import Names


class Globals(Struct, frozen=True):
    """Global options as given; None or False where they were not."""

    state_dir: str | None = None
    config: str | None = None
    profile: str | None = None
    store: str | None = None
    agent: str | None = None
    path_map: tuple[str, ...] = ()
    json: bool = False
    format: str | None = None
    now: str | None = None
    all: bool = False
    redact: bool = False
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


class Run(Struct, frozen=True):
    """`fs` and `env` are all a verb sees of the machine. `began` is the monotonic clock, in s."""

    options: Globals
    clock: Clock
    fs: ReadFs
    env: Mapping[str, str]
    began: float = field(default_factory=time.monotonic)
    typed: tuple[str, ...] = field(default_factory=lambda: tuple(sys.argv))
    """The command line as it was typed, the program first."""
    ways_out: dict[tuple[str, int, int], WayOut] = field(default_factory=dict)
    """What ends interrupted runs, as far as it was found out: id of the run, bytes and mtime of its journal."""

    @property
    def now(self) -> int:
        """Epoch ms that ages are told by."""
        return self.clock.now

    @property
    def where(self) -> Where:
        from gatewaydoctor.examine.world import Where

        o = self.options
        return Where(o.state_dir, o.config, o.profile, o.store, o.agent, o.path_map)

    @property
    def invocation(self) -> Invocation:
        """The options to repeat in commands that are shown."""
        from gatewaydoctor.report.invocation import Invocation

        o = self.options
        named = (
            *(("--state-dir", o.state_dir), ("--profile", o.profile), ("--config", o.config), ("--store", o.store)),
            *(("--agent", o.agent), *(("--path-map", each) for each in o.path_map)),
        )
        options = tuple((option, value) for option, value in named if value is not None)
        if o.redact:
            return Invocation(options=tuple((option, option.lstrip("-").upper()) for option, _ in options))
        return Invocation(typed_program(self.typed[0]), options)

    @property
    def wants_all(self) -> bool:
        """Whether the output is a document, or has what only documents have."""
        return self.wants_json or self.options.verbose or self.options.format not in (None, "text")

    @property
    def wants_json(self) -> bool:
        return self.options.json or self.options.format == "json"


class Outcome(Struct, frozen=True):
    """What a verb has to say: `details` are its own part of the JSON document, `screen` prints its text. `stream`
    is in for both where the output is a stream of lines, and tells the exit code once it has ended. `judgement`
    is None where no directory was examined. `gate` is what a gate decided, `output` a file to write instead of
    stdout. `error` says why the exit code is 2 where it is not that no store could be read. `next` is the step
    that the screen names where it does not follow from the findings. `wrote`: the state
    directory, or the vault, is no longer what it was. `place` is the directory of a verb that works on it without
    examining it."""

    command: str
    exit_code: ExitCode
    run: Run
    judgement: Judgement | None = None
    names: Names | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    screen: Callable[[Console], None] | None = None
    stream: Callable[[], ExitCode] | None = None
    gate: GateInfo | None = None
    output: Path | None = None
    error: ErrorInfo | None = None
    next: NextStep | None = None
    wrote: bool = False
    place: Place | None = None


def typed_program(argument: str) -> tuple[str, ...]:
    """The words that start this program again from where the operator stands: its plain name where the shell finds it
    by that, else the path it was started by."""
    path = Path(argument)
    if path.parts[-2:] == ("gatewaydoctor", "__main__.py"):
        return (sys.executable, "-m", "gatewaydoctor")
    if path.suffix == ".pyz":
        return (sys.executable, argument)
    if not path.name.startswith("gatewaydoctor"):
        return PROGRAM
    from shutil import which

    found = which(path.name)
    return (path.name if found and Path(found).resolve() == path.resolve() else argument,)


def working_directory() -> Path | None:
    """None where it was removed meanwhile, or may not be named."""
    try:
        return Path.cwd()
    except OSError:
        return None


def start(options: Globals) -> Run:
    """Raises UsageError for a clock or a format it cannot use."""
    return Run(options, clock(options.now), OsReadFs(), dict(os.environ))


def start_by_machine(options: Globals) -> Run:
    """The same for a verb that a clock of the environment, where it may have been forgotten, decides nothing for."""
    machine = machine_now()
    own = Clock(machine, machine) if options.now is None else clock(options.now)
    return Run(options, own, OsReadFs(), dict(os.environ))


def machine_now() -> int:
    """The machine's clock, epoch ms."""
    return time.time_ns() // 1_000_000


def clock(given: str | None) -> Clock:
    """The time given, else that of the environment, else the machine's. Raises UsageError for no time."""
    text = os.environ.get(ClockSource.ENVIRONMENT) or None if given is None else given
    machine = machine_now()
    if text is None:
        return Clock(machine, machine)
    source = ClockSource.ENVIRONMENT if given is None else ClockSource.OPTION
    return Clock(_moment(text, source), machine, source)


def _moment(text: str, source: ClockSource) -> int:
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "Try an ISO time such as 2026-04-02T09:00:00Z, or epoch ms."
        raise UsageError(f"{source} {text!r} is not a time.", hint) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def only_formats(run: Run, verb: str, *formats: str) -> str:
    """The output format asked for. Raises UsageError for one this verb has not."""
    chosen = "json" if run.options.json else run.options.format or "text"
    if chosen not in formats:
        raise unknown_word(f"format of {verb}:", chosen, formats)
    return chosen
