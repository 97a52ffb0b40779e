"""Rules about openclaw.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NOTHING_BY_ITSELF, a_gateway
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.database.refusals import CODES, Damage
from gatewaydoctor.model.gateway.files import Obstacle, Unreadable
from gatewaydoctor.model.gateway.release import numbers
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.regex import regex
from gatewaydoctor.model.words import capital, plural, size
from gatewaydoctor.state.config import accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.config import ConfigProblem, RefusedSetting
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding

UNREADABLE = Rule(
    id="config-unreadable",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The config has errors or cannot be read",
    meaning="openclaw.json, or a file it includes, cannot be read or parsed; gatewaydoctor assumed "
    "defaults for everything else it reports. Warning only: single settings have values the "
    "gateway rejects or name environment variables that are not set here, or the config is too "
    "large or too deep for gatewaydoctor alone.",
    cause="A manual edit, or two writers at once; a second object after the first is a sign of the latter.",
    gateway="It refuses to start with a config it cannot read or parse. A missing environment variable "
    "is an error, or its name is used literally; it may be set where the gateway runs.",
    remedy="Fix the position shown, or restore the newest copy next to it that parses "
    "(openclaw.json.bak and .bak.1 to .bak.4). Keep the broken file. If the file could not be "
    "read, scan again as the user the gateway runs as.",
)

SHRUNK = Rule(
    id="config-shrunk",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="Much of the config is missing",
    meaning="The config is less than half the size of a sound copy next to it, or lacks gateway.mode, "
    "which a copy has. A missing meta section alone is a warning, and not a finding at all for "
    "2026.9.6, which no longer writes it.",
    cause=(
        "Something overwrote it with only part of the config: concurrent commands, a tool that writes "
        "only its own section, or a reset."
    ),
    gateway="It starts with what is left: the other agents, channels and models are gone, and without "
    "gateway.mode some releases refuse to start. Each further write rotates the good copies by "
    "one; the fifth deletes the last.",
    remedy="Copy openclaw.json and all its copies to a safe place. Compare them, and restore the newest "
    "copy that has what is missing; the latest .bak may have been made after the loss.",
)


WITHOUT_MODE = Rule(
    id="config-without-mode",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The gateway does not start without gateway.mode",
    meaning="There is no config, or it has no gateway.mode, or one that is not local.",
    cause="A new or wrong directory, a link to the directory of another version, a volume that is not mounted, or a "
    "config that was replaced by a smaller one.",
    gateway="2026.3.28 (exit 1) and 2026.5.22 (exit 78) refuse to start: they treat such a config as "
    "damaged. They do the same for a mode they do not know, and for remote.",
    remedy="Make sure that this is the directory the gateway should use. Then restore the config from "
    "the newest sound copy next to it (openclaw.json.bak), or set gateway.mode to local in it.",
)


NEWER = Rule(
    id="config-newer",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The config was written by a newer release than last started here",
    meaning="The release that last wrote openclaw.json is newer than the one that last started here, by the state "
    "database.",
    cause="A rollback of the program without its config, a config copied from another machine, or an upgrade that "
    "has not started yet.",
    gateway="2026.9.6 refuses to start (exit 1): its binary is older than the config.",
    remedy="Start the release that wrote the config, or put back the config from before the upgrade.",
)


@REGISTRY.check(NEWER)
def config_newer(x: Examination, t: Thresholds) -> Iterator[Finding]:
    started = x.state_rows.started if x.state_rows else None
    release = x.config.release
    code = CODES[Damage.CONFIG].get(started or "")
    if not code or not release.stamped or release.version in (None, started):
        return
    yield NEWER.finding(
        f"The config was last written by {release.version}; {started} was the last to start here.",
        f"{started} refuses to start with this config (exit {code}); {release.version} does not.",
        brief=f"written by {release.version}, {started} started",
        path=x.config.path,
        evidence={"writtenBy": release.version, "started": started},
    )


REFUSED = Rule(
    id="config-refused",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The config has settings that the release refuses",
    meaning="openclaw.json has a name that the release does not know, or a value of another type than it "
    "accepts. Checked are names, types, words and bounds, also of the channels and plugins that come with it; "
    "what an earlier release accepts is not checked, as a start may move it. A * in a path is a name of your own. "
    "Warning for a release newer than 2026.9.6, and for what may be right where the gateway runs.",
    cause="A typing error, a setting of a newer or an older release, or a number in quotes.",
    gateway="It refuses to start because of one such setting: exit 1 in 2026.3.28 to 2026.5.22, exit 78 "
    "from 2026.7.1 on. Logs of 2026.4.25 and 2026.5.22 leave out the name.",
    remedy="With the gateway stopped, correct the name or the value, or remove the setting. `openclaw "
    "config validate` of the installed release checks the full config.",
)


@REGISTRY.check(WITHOUT_MODE)
def config_without_mode(x: Examination, t: Thresholds) -> Iterator[Finding]:
    config = x.config
    # A config that lost its mode has a finding with the copy that still has it; --store alone is not a gateway.
    if (
        config.problem is not None
        or config.gateway_mode == "local"
        or x.history.lost_mode
        or x.place.store is not None
    ):
        return
    what = "There is no config" if not config.exists else "The config has no gateway.mode"
    if config.gateway_mode:
        what = "gateway.mode is not local"
    link = x.place.state_dir != x.place.real_dir and not any(store.read.ref.exists for store in x.stores)
    full = [each.path for each in x.place.others if each.stores]
    yield WITHOUT_MODE.finding(
        f"{what}." + (" The state directory is a link, and holds no store." if link else ""),
        f"{a_gateway(x)} refuses to start.",
        path=config.path,
        evidence={
            "exists": config.exists,
            "mode": config.gateway_mode,
            "linksTo": str(x.place.real_dir) if x.place.state_dir != x.place.real_dir else None,
            "others": [str(path) for path in full[:EXAMPLES]],
        },
    )


@REGISTRY.check(UNREADABLE)
def config_unreadable(x: Examination, t: Thresholds) -> Iterator[Finding]:
    problem = x.config.problem
    if problem is not None and problem.obstacle is Obstacle.FORBIDDEN:
        yield unread.denied(
            x, Unreadable(problem.path, problem.text, problem.obstacle), "The config", "it does not start"
        )
    elif x.config.problem is not None:
        yield _broken(x, x.config.problem)
    elif notes := _notes(x):
        yield UNREADABLE.finding(
            f"{plural(len(notes), 'setting')} with a value the gateway rejects or a variable that is not set here.",
            "If the gateway rejects such a value, it does not start or uses its default.",
            count=len(notes),
            severity=Severity.WARNING,
            path=x.config.path,
            evidence={"notes": notes[:EXAMPLES]},
        )


def _notes(x: Examination) -> list[str]:
    """The notes on settings that have no finding of their own."""
    told = {each.path for each in x.config.refused}
    return [note for note in x.config.notes if note.partition(" ")[0] not in told]


@REGISTRY.check(REFUSED)
def config_refused(x: Examination, t: Thresholds) -> Iterator[Finding]:
    settings = x.config.refused
    if not settings or x.place.store is not None:
        return
    certain = accepted.asked(x.config.release).certain
    here = certain and not all(each.unless for each in settings)
    count = len(settings)
    those = "it" if count == 1 else "them"
    conditions = " and ".join(dict.fromkeys(each.unless for each in settings))
    told = "; ".join(_refusal(each) for each in settings[:3]) + (f"; {count - 3:,} more" if count > 3 else "")
    restores = _restores(x) and all(each.exit_code is None for each in settings)
    yield REFUSED.finding(
        f"{plural(count, 'setting')} the gateway refuses: {told}.",
        _restored(x)
        if restores
        else f"{a_gateway(x)} refuses to start{_exit(x)}."
        if here
        else f"{a_gateway(x)} refuses to start{_exit(x)} unless {conditions}."
        if certain
        else f"{accepted.RELEASES[-1]} refuses to start because of {those}; whether a newer "
        "release does is not known.",
        brief=f"{plural(count, 'setting')} the gateway refuses",
        count=count,
        severity=None if here and not restores else Severity.WARNING,
        path=x.config.path,
        evidence={
            "settings": [
                {"setting": each.path, "reason": _why(each), "meant": each.meant} for each in settings[:EXAMPLES]
            ],
        },
        by_hand=f"With the gateway stopped, keep a copy of the config, then correct or remove {those}: "
        f"{', '.join(_spelled(each) for each in settings[:EXAMPLES])}.",
    )


def _restored(x: Examination) -> str:
    return f"{a_gateway(x)} puts openclaw.json.last-good in place of the config, and starts with that."


def _restores(x: Examination) -> bool:
    """Whether the release puts the last good copy back where it cannot parse the config, or its validation refuses it
    (2026.4.25, seen; not where the config is gone, or something else is in its place)."""
    good = f"{x.config.path.name}.last-good"
    sound = any(copy.name == good and copy.parses for copy in x.history.copies)
    return sound and x.config.release.behaviour.restores_config


def _exit(x: Examination) -> str:
    own = {each.exit_code for each in x.config.refused}
    code = own.pop() if len(own) == 1 and None not in own else _usual_exit(x.config.release)
    return "" if code is None else f" (exit {code})"


def _usual_exit(release: Release) -> int | None:
    """1 up to 2026.5.22 and 78 from 2026.7.1 on (seen); between them it is not known."""
    found = numbers(release.version)
    if found is None or found <= (2026, 5, 22):
        return release.behaviour.config_exit
    return 78 if found >= (2026, 7, 1) else None


def _refusal(setting: RefusedSetting) -> str:
    return f"{_spelled(setting)} ({_why(setting)}{f'; did you mean {setting.meant}?' if setting.meant else ''})"


def _why(setting: RefusedSetting) -> str:
    return "not a setting it knows" if setting.unknown else setting.what


def _spelled(setting: RefusedSetting) -> str:
    """The path of a setting; a name that is none of the usual spelling is not repeated."""
    if _USUAL_NAME.fullmatch(setting.name):
        return setting.path
    return f"an odd name {f'in {setting.section}' if setting.section else 'at the top level'}"


_USUAL_NAME = regex(r"\$?[A-Za-z0-9_-]{1,40}|\*")


def _broken(x: Examination, problem: ConfigProblem) -> Finding:
    if problem.obstacle is not None:
        return _unread(x, problem, problem.obstacle)
    place = f" in line {problem.line:,}, column {problem.column:,}" if problem.line and problem.column else ""
    second = " A second object follows the first." if problem.second_object_at is not None else ""
    sound = [copy for copy in x.history.copies if copy.parses]
    restores = _restores(x)
    return UNREADABLE.finding(
        f"{_which(x, problem)}: {problem.text}{place}.{second}",
        _restored(x) if restores else "The gateway refuses to start with it.",
        severity=Severity.WARNING if restores else None,
        brief=f"error{place}" if place else "",
        path=problem.path,
        evidence={
            "offset": problem.offset,
            "line": problem.line,
            "column": problem.column,
            "secondObjectAt": problem.second_object_at,
            "restored": restores,
            "soundCopies": [
                {"name": copy.name, "bytes": copy.size, "mtimeMs": copy.mtime} for copy in sound[:EXAMPLES]
            ],
        },
        by_hand="Keep the broken file. Correct "
        + ("the place given" if place else "it")
        + (", or restore the newest sound copy next to it." if sound else "; there is no sound copy next to it."),
    )


def _which(x: Examination, problem: ConfigProblem) -> str:
    return "The config" if problem.path == x.config.path else "An included file"


def _unread(x: Examination, problem: ConfigProblem, obstacle: Obstacle) -> Finding:
    seen = Unreadable(problem.path, problem.text, obstacle)
    beyond = obstacle is Obstacle.BEYOND_LIMIT
    return UNREADABLE.finding(
        f"{_which(x, problem)} {'was' if beyond else 'could'} not "
        f"{'read by gatewaydoctor' if beyond else 'be read'}: {problem.text}.",
        f"{unread.consequence(seen, 'it does not start, or not with these settings')} "
        "gatewaydoctor assumes defaults.",
        severity=Severity.WARNING if beyond else None,
        path=problem.path,
        evidence={"reason": problem.text, "obstacle": obstacle.value},
        by_hand=unread.by_hand(seen),
    )


@REGISTRY.check(SHRUNK)
def config_shrunk(x: Examination, t: Thresholds) -> Iterator[Finding]:
    history = x.history
    if x.config.problem is not None and x.config.problem.obstacle is not None:
        return  # of a config that was not read not even the size is known
    # A second object is told with the config it makes unreadable.
    lost_mode = history.lost_mode and x.config.readable
    lost_meta = history.lost_meta and x.config.readable and x.config.release.behaviour.stamps_config
    if not (history.larger or lost_mode or lost_meta):
        return
    parts = []
    if history.larger:
        largest = max(copy.size for copy in history.larger)
        parts.append(f"the config is {size(history.size)}, a sound copy of it {size(largest)}")
    if lost_mode:
        parts.append("gateway.mode is missing")
    elif lost_meta:
        parts.append("its meta section is missing")
    text = "; ".join(parts)
    yield SHRUNK.finding(
        f"{capital(text)}.",
        (
            "The gateway starts with what is left, or not at all; each further write brings the good copies "
            "closer to deletion."
        )
        if history.larger or lost_mode
        else NOTHING_BY_ITSELF,
        brief="the config has lost most of itself",
        severity=None if history.larger or lost_mode else Severity.WARNING,
        path=x.config.path,
        evidence={
            "bytes": history.size,
            "exists": x.config.exists,
            "lostMode": history.lost_mode,
            "lostMeta": history.lost_meta,
            "larger": [
                {"name": copy.name, "bytes": copy.size, "mtimeMs": copy.mtime} for copy in history.larger[:EXAMPLES]
            ],
        },
    )
