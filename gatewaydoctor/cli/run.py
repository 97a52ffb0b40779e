"""One invocation: its options, its clock, the world it may look at, and what comes out of it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import ExitCode, UsageError
from gatewaydoctor.state.fs import OsReadFs, ReadFs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.cli.options import Globals
    from gatewaydoctor.examine.world import Where
    from gatewaydoctor.report.names import Names

NOW_VARIABLE = "GATEWAYDOCTOR_NOW"


@dataclass(frozen=True, slots=True)
class Run:
    """`now` is epoch ms. `fs` and `env` are all a verb sees of the machine."""

    options: Globals
    now: int
    fs: ReadFs
    env: Mapping[str, str]

    @property
    def where(self) -> Where:
        from gatewaydoctor.examine.world import Where

        o = self.options
        return Where(o.state_dir, o.config, o.profile, o.store, o.agent, o.path_map)

    @property
    def wants_json(self) -> bool:
        return self.options.json or self.options.format == "json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb has to say: `details` are its own part of the JSON document, `screen` prints its text. `stream`
    stands in for both where the output is a stream of lines. `judgement` is None where no directory was examined."""

    command: str
    exit_code: ExitCode
    run: Run
    judgement: Judgement | None = None
    names: Names | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    screen: Callable[[Console], None] | None = None
    stream: Callable[[], None] | None = None


def start(options: Globals) -> Run:
    """Raises UsageError for a clock or a format it cannot use."""
    return Run(options, _now(options.now or os.environ.get(NOW_VARIABLE)), OsReadFs(), dict(os.environ))


def _now(text: str | None) -> int:
    if not text:
        return time.time_ns() // 1_000_000
    if text.lstrip("-").isdigit() and len(text) < 16:
        return int(text)
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--now {text!r} is no time.", "Give an ISO time such as 2026-04-02T09:00:00Z, or epoch ms."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def only_formats(run: Run, verb: str, *formats: str) -> str:
    """The output format asked for. Raises UsageError for one this verb has not."""
    chosen = "json" if run.options.json else run.options.format or "text"
    if chosen not in formats:
        raise UsageError(f"{verb} has no format {chosen!r}.", f"Choose one of: {', '.join(formats)}.")
    return chosen


def stderr_is_terminal() -> bool:
    return sys.stderr.isatty()
