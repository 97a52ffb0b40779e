"""`gate`: one line and one exit code for whatever starts a gateway."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.cli.gate.timelimit import NoAnswer, in_child
from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.model.command import Command, typed
from gatewaydoctor.model.errors import DoctorError, ExitCode
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, NextStep

if TYPE_CHECKING:
    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.report.names import Names

SWITCH = "GATEWAYDOCTOR_GATE"
LIMIT_S = 20.0
_OFF = frozenset({"off", "no", "false", "0"})
_LET = "the start is not held back"
_OVERRIDE = f"  (start anyway: {SWITCH}=off)"

Warn = Annotated[bool, option("--warn", help="Print what would stop the start, but exit 0.")]
HeapLimit = Annotated[
    str | None,
    option(
        "--heap-limit",
        metavar="SIZE",
        help="Heap this gateway may use, such as 4GB. [default: from its service, NODE_OPTIONS or memory limit]",
    ),
]
Limit = Annotated[
    float,
    option("--limit", metavar="SECONDS", min=0.1, max=3600, help="Give up after this long and exit 0."),
]


class Answer(Struct, frozen=True):
    """What the gate says in one line, and whether the start is to be held back. `document` is JSON text."""

    told: str
    stops: bool = False
    command: Command | None = None
    aside: str = ""
    document: str | None = None

    @property
    def line(self) -> str:
        from gatewaydoctor.report.words import quoted

        run = f" Run: {' '.join(quoted(self.command))}" if self.command else ""
        return f"{self.told}{run}{self.aside}"


def gate(run: Run, *, warn: Warn = False, heap_limit: HeapLimit = None, limit: Limit = LIMIT_S) -> Outcome:
    """Exits 78 only if a start now would lose data, fail or loop, and gives the reason in one line on stderr. Exits 0
    otherwise, also if the check fails, takes longer than --limit, cannot read something or is called wrongly.
    GATEWAYDOCTOR_GATE=off lets every start through. `gatewaydoctor integrate` prints the lines that call it."""
    only_formats(run, "gate", "text", "json")
    if run.env.get(SWITCH, "").strip().lower() in _OFF:
        answer = Answer(f"gate: switched off by {SWITCH}; {_LET}")
    else:
        answer = _within(run, limit, heap_limit, warn=warn)
        if run.env.get(ClockSource.ENVIRONMENT) and not run.clock.fixed:
            answer = replace(answer, aside=f"{answer.aside}  ({ClockSource.ENVIRONMENT} is not used here)")
    code = ExitCode.DO_NOT_START if answer.stops else ExitCode.OK

    def stream() -> ExitCode:
        from gatewaydoctor.report.outgoing import outgoing_text
        from gatewaydoctor.report.words import harmless

        if not (run.options.quiet and not answer.stops):
            for line in _lines(answer) if sys.stderr.isatty() else [answer.line]:
                print(harmless(outgoing_text(line)), file=sys.stderr)
        if run.wants_json and answer.document is not None:
            sys.stdout.write(answer.document)
        return code

    without_document = run.wants_json and answer.document is None
    return Outcome("gate", code, run, details={"gate": answer.line}, stream=None if without_document else stream)


def _lines(answer: Answer) -> list[str]:
    """The same for a terminal: broken between words, and the command can be pasted."""
    from textwrap import TextWrapper

    from gatewaydoctor.report.screens.blocks.parts import command_lines

    width = shutil.get_terminal_size().columns - 1
    wrap = TextWrapper(width, break_long_words=False, break_on_hyphens=False).wrap
    command = command_lines(answer.command, width, 2) if answer.command else []
    return [*wrap(answer.told), *(f"  {each}" for each in command[:1]), *command[1:], *wrap(answer.aside.strip())]


def could_not(reason: str) -> str:
    """The line for a check that could not be made."""
    return f"gate: could not check ({reason.removesuffix('.')}); {_LET}"


def _within(run: Run, limit: float, heap_limit: str | None, *, warn: bool) -> Answer:
    def work() -> bytes:
        try:
            answer = _answer(run, limit, heap_limit, warn=warn)
        except DoctorError as error:
            answer = Answer(could_not(error.message))
        except OSError as error:
            answer = Answer(could_not(f"{error.strerror}: {error.filename}" if error.filename else str(error)))
        except Exception as error:
            if run.options.debug:
                raise
            answer = Answer(could_not(f"a bug in gatewaydoctor: {type(error).__name__}"))
        return msgspec.json.encode(answer)

    try:
        return msgspec.json.decode(in_child(work, limit), type=Answer)
    except (NoAnswer, OSError, ValueError) as error:
        return Answer(could_not(str(error)))


def _answer(run: Run, limit: float, heap_limit: str | None, *, warn: bool) -> Answer:
    from gatewaydoctor.cli.shell.examining import look
    from gatewaydoctor.cli.shell.notices import halfway_run
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.document import names_for

    quiet = replace(run, options=replace(run.options, quiet=True))
    judgement = look(quiet, Depth(hashed=run.wants_json, copies=False), _thresholds(heap_limit))
    names = names_for(judgement.examination, redact=run.options.redact)
    effect = judgement.verdict.effect
    halfway = halfway_run(run, judgement.examination.place)
    stops = (halfway is not None or (effect is not None and effect.stops_gate)) and not warn
    answer = (
        _halfway(run, judgement, names, halfway, limit)
        if stops and halfway
        else _told(run, judgement, names, limit, stops=stops)
    )
    code = ExitCode.DO_NOT_START if stops else ExitCode.OK
    if not run.wants_json:
        return answer
    from gatewaydoctor.cli.shell.report_output import document_of
    from gatewaydoctor.report.outgoing import outgoing_document
    from gatewaydoctor.report.printer import encode

    document = document_of(Outcome("gate", code, run, judgement, names, details={"gate": answer.line}))
    return replace(answer, document=f"{encode(outgoing_document(document), indent=2)}\n")


def _inside(sentence: str) -> str:
    """A sentence as it goes on behind a colon."""
    first, joint, rest = sentence.partition(" ")
    return f"{first.lower()}{joint}{rest}" if first in _LOWERED else sentence


_LOWERED = ("A", "An", "Cannot", "It", "Loading", "The")


def _thresholds(heap_limit: str | None) -> Thresholds:
    from gatewaydoctor.checks.thresholds import DEFAULTS
    from gatewaydoctor.cli.words.choices import parse_size

    return DEFAULTS if heap_limit is None else replace(DEFAULTS, heap_bytes=parse_size(heap_limit, "--heap-limit"))


def _halfway(run: Run, judgement: Judgement, names: Names, halfway: RunInfo, limit: float) -> Answer:
    place, release = judgement.examination.place, judgement.verdict.release or "the gateway"
    told = f"gate: not starting {release} on {names.path(place.state_dir)}: run {halfway.run_id}"
    if halfway.worker is not None:
        return Answer(f"{told} is changing a database; wait until it has finished.", True, aside=_OVERRIDE)
    command = _typed(run, names, _what_ends(run, halfway, limit))
    return Answer(f"{told} was interrupted while it changed a database.", True, command, _OVERRIDE)


def _what_ends(run: Run, pending: RunInfo, limit: float) -> NextStep:
    """What ends an interrupted run. To tell, files are read whole, which may not cost the answer: after half of the
    time `scan` is named, which tells it too."""
    from gatewaydoctor.cli.shell.notices import step_of

    try:
        found = in_child(lambda: msgspec.json.encode(step_of(run, pending)), limit / 2)
        return msgspec.json.decode(found, type=NextStep)
    except (NoAnswer, OSError, ValueError):
        return NextStep(typed("scan"), "a repair was interrupted")


def _typed(run: Run, names: Names, step: NextStep) -> Command | None:
    return run.invocation.complete(names.command(step.command)) if step.command else None


def _told(run: Run, judgement: Judgement, names: Names, limit: float, *, stops: bool) -> Answer:
    from gatewaydoctor.cli.shell.notices import pending_run

    x, verdict = judgement.examination, judgement.verdict
    reason = _inside(names.text(verdict.reason.removesuffix(".")))
    cause = f" ({names.text(verdict.cause)})" if verdict.cause else ""
    interrupted = pending_run(run, x.place)
    pending = _what_ends(run, interrupted, limit) if interrupted else None
    command = _typed(run, names, pending or judgement.next)
    if verdict.effect is None:
        counted = [finding.rule for finding in judgement.findings if finding.severity >= Severity.WARNING]
        rules = f"; findings: {', '.join(dict.fromkeys(counted))}" if counted else ""
        took = f"gate: ok in {time.monotonic() - run.began:.1f} s{rules}"
        return Answer(f"{took}; {pending.why}.", command=command) if pending else Answer(took)
    if stops:
        release = verdict.release or "the gateway"
        told = f"gate: not starting {release} on {names.path(x.place.state_dir)}: {reason}{cause}."
        return Answer(told, True, command, _OVERRIDE)
    if verdict.effect.stops_gate:
        return Answer(f"gate: would not start: {reason}{cause}; {_LET} (--warn).", command=command)
    word = "cannot tell" if verdict.effect is Effect.UNREAD else "at risk"
    return Answer(f"gate: {word}: {reason}{cause}; {_LET}.", command=command)
