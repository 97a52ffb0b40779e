"""Rules about openclaw.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NOTHING_BY_ITSELF
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.config import Policy
from gatewaydoctor.model.finding import Severity
from gatewaydoctor.model.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.config import ConfigProblem
    from gatewaydoctor.model.finding import Finding

UNREADABLE = Rule(
    id="config-unreadable",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The config cannot be used as it is",
    meaning="openclaw.json, or a file it includes, cannot be read or parsed; defaults were assumed for what "
    "follows. Or single settings have values the gateway refuses, or name environment variables that are not set "
    "here; that is a warning.",
    cause="An edit by hand, or two writers at once: a second object behind the first one is their mark.",
    gateway="It refuses to start over a config it cannot parse. A missing environment variable is an error or "
    "leaves the name in place; it may be set where the gateway runs.",
    remedy="Correct the place given, or put back the newest copy beside it that parses (openclaw.json.bak and "
    ".bak.1 to .bak.4). Keep the broken file.",
)

SHRUNK = Rule(
    id="config-shrunk",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The config has lost most of itself",
    meaning="The config has less than half the size of a sound copy beside it, or lacks gateway.mode, which a copy "
    "has. A lost meta section alone is a warning, and none at all for 2026.9.6, which does not write it any more.",
    cause="A writer that did not know all of it: racing commands, a tool that writes only its own part, a reset.",
    gateway="It starts with what is left: agents, channels and models of the rest are gone; without gateway.mode "
    "some releases refuse to start. Each further write rotates the good copies one step on; the fifth deletes the "
    "last.",
    remedy="Copy openclaw.json and all its copies away. Compare, and put back the newest copy that has what is "
    "missing; the latest .bak may have been made after the loss.",
)


@REGISTRY.check(UNREADABLE)
def config_unreadable(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if x.config.problem is not None:
        yield _broken(x, x.config.problem)
    elif x.config.notes:
        yield UNREADABLE.finding(
            f"{plural(len(x.config.notes), 'setting')} with a value the gateway refuses, or a variable not set here.",
            "Where the gateway refuses such a value too, it does not start, or takes its default.",
            count=len(x.config.notes),
            severity=Severity.WARNING,
            path=x.config.path,
            evidence={"notes": list(x.config.notes[:EXAMPLES])},
        )


def _broken(x: Examination, problem: ConfigProblem) -> Finding:
    place = f" in line {problem.line:,}, column {problem.column:,}" if problem.line and problem.column else ""
    second = " A second object follows the first." if problem.second_object_at is not None else ""
    included = "an included file" if problem.path != x.config.path else "the config"
    sound = [copy for copy in x.history.copies if copy.parses]
    return UNREADABLE.finding(
        f"{included[0].upper()}{included[1:]}: {problem.text}{place}.{second}",
        "The gateway refuses to start over it.",
        path=problem.path,
        evidence={
            "offset": problem.offset,
            "line": problem.line,
            "column": problem.column,
            "secondObjectAt": problem.second_object_at,
            "soundCopies": [
                {"name": copy.name, "bytes": copy.size, "mtime": copy.mtime} for copy in sound[:EXAMPLES]
            ],
        },
    )


@REGISTRY.check(SHRUNK)
def config_shrunk(x: Examination, t: Thresholds) -> Iterator[Finding]:
    history = x.history
    # A second object is told with the config it makes unreadable.
    lost_mode = history.lost_mode and x.config.readable
    lost_meta = history.lost_meta and x.config.readable and x.config.release.policy is not Policy.V2026_9_6
    if not (history.larger or lost_mode or lost_meta):
        return
    parts = []
    if history.larger:
        largest = max(copy.size for copy in history.larger)
        parts.append(f"the config has {size(history.size)}, a sound copy of it {size(largest)}")
    if lost_mode:
        parts.append("gateway.mode is gone")
    elif lost_meta:
        parts.append("its meta section is gone")
    text = "; ".join(parts)
    yield SHRUNK.finding(
        f"{text[0].upper()}{text[1:]}.",
        "The gateway starts with what is left, or not at all; each further write pushes the good copies out."
        if history.larger or lost_mode
        else NOTHING_BY_ITSELF,
        severity=None if history.larger or lost_mode else Severity.WARNING,
        path=x.config.path,
        evidence={
            "bytes": history.size,
            "exists": x.config.exists,
            "lostMode": history.lost_mode,
            "lostMeta": history.lost_meta,
            "larger": [
                {"name": copy.name, "bytes": copy.size, "mtime": copy.mtime} for copy in history.larger[:EXAMPLES]
            ],
        },
    )
