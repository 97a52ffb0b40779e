"""What each release accepts in openclaw.json: names and types of settings, as data. It starts with none it refuses.

Source: `openclaw config validate` of each release, run over one config for each section and name, and over fifteen
values for each typed setting; `make conformance` does so again. What is not listed here is judged by the schema of
the release (shapes).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.gateway.config import UNKNOWN_NAME, RefusedSetting
from gatewaydoctor.model.gateway.release import Policy, numbers
from gatewaydoctor.state.config.demands import (
    ANOTHER_PLUGIN,
    of_databases,
    of_every_release,
    of_plugin_paths,
    of_what_it_brings,
)
from gatewaydoctor.state.config.secrets import of_certificate, of_clients
from gatewaydoctor.state.config.shapes import SPECIAL, kind_of, meant, mistakes, mistakes_of_rows
from gatewaydoctor.state.config.together import (
    RELEASE,
    address_that_is_missing,
    agents_of,
    contradictions,
    contradictions_of_databases,
    hooks_with_the_token_of_the_gateway,
    program_that_is_missing,
    token_of_spaces,
    unknown_agents,
)
from gatewaydoctor.state.config.units import parse_bytes, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.state.config.outside import Outside
    from gatewaydoctor.state.config.settings import Settings

    Get = Callable[..., object]

RELEASES = (
    "2026.3.28",
    "2026.4.25",
    "2026.5.22",
    "2026.7.1",
    "2026.8.1",
    "2026.9.3",
    "2026.9.5",
    "2026.9.6",
)
"""The releases that were asked, oldest first."""

Known = tuple[str, str, str]
"""The first and the last release that knows these names, and the names."""

NAMES: Mapping[str, tuple[Known, ...]] = {
    "": (
        ("2026.3.28", "2026.7.1", "audio canvasHost cli media web"),
        (
            "2026.3.28",
            "2026.9.6",
            "$schema acp agents approvals auth bindings broadcast browser channels commands cron diagnostics "
            "discovery env gateway hooks logging mcp memory messages meta models nodeHost plugins secrets session "
            "skills talk tools ui update wizard",
        ),
        ("2026.4.25", "2026.7.1", "crestodian"),
        ("2026.4.25", "2026.9.6", "surfaces"),
        ("2026.5.22", "2026.7.1", "commitments"),
        ("2026.5.22", "2026.9.6", "accessGroups proxy security"),
        ("2026.7.1", "2026.7.1", "audit marketplaces tui"),
        ("2026.7.1", "2026.9.6", "transcripts"),
        ("2026.8.1", "2026.9.6", "attachments cloudWorkers desktop telemetry tts"),
        ("2026.9.3", "2026.9.6", "worktreeRoot"),
        ("2026.9.5", "2026.9.6", "worktreeAcceleration"),
    ),
    "meta": (
        ("2026.3.28", "2026.7.1", "lastTouchedAt"),
        ("2026.3.28", "2026.9.6", "lastTouchedVersion"),
        ("2026.8.1", "2026.9.6", "migrations"),
    ),
    "gateway": (
        (
            "2026.3.28",
            "2026.7.1",
            "channelHealthCheckMinutes channelMaxRestartsPerHour channelStaleEventThresholdMinutes",
        ),
        (
            "2026.3.28",
            "2026.9.6",
            "allowRealIpFallback auth bind controlUi customBindHost http mode nodes port push reload remote "
            "tailscale tls tools trustedProxies",
        ),
        ("2026.4.25", "2026.5.22", "webchat"),
        ("2026.5.22", "2026.7.1", "handshakeTimeoutMs"),
        ("2026.7.1", "2026.9.6", "terminal"),
        ("2026.8.1", "2026.9.6", "cliAgents publicOrigin roles"),
        ("2026.9.6", "2026.9.6", "portals"),
    ),
    "session": (
        ("2026.3.28", "2026.4.25", "parentForkMaxTokens"),
        ("2026.3.28", "2026.7.1", "agentToAgent idleMinutes typingIntervalSeconds typingMode"),
        (
            "2026.3.28",
            "2026.9.6",
            "dmScope identityLinks mainKey maintenance reset resetByChannel resetByType resetTriggers scope "
            "sendPolicy store threadBindings",
        ),
        ("2026.5.22", "2026.7.1", "writeLock"),
        ("2026.8.1", "2026.9.6", "groupScope sharing"),
        ("2026.9.6", "2026.9.6", "notifyOnCreate"),
    ),
    "session.maintenance": (
        ("2026.3.28", "2026.7.1", "pruneDays rotateBytes"),
        (
            "2026.3.28",
            "2026.9.6",
            "highWaterBytes maxDiskBytes maxEntries mode pruneAfter resetArchiveRetention",
        ),
        ("2026.8.1", "2026.9.6", "archiveDashboardAfter preserveRecent"),
        ("2026.9.5", "2026.9.6", "coldStorage"),
    ),
    "cron": (
        ("2026.3.28", "2026.7.1", "failureDestination maxConcurrentRuns retry runLog store webhook"),
        ("2026.3.28", "2026.9.6", "enabled failureAlert sessionRetention webhookToken"),
        ("2026.7.1", "2026.9.6", "triggers"),
        ("2026.8.1", "2026.9.6", "webhookSsrfPolicy"),
        ("2026.9.3", "2026.9.6", "skipMissedJobs"),
    ),
    # 2026.8.1 and later take `list`, too, and move its agents to `entries`.
    "agents": (
        ("2026.3.28", "2026.9.6", "defaults list"),
        ("2026.8.1", "2026.9.6", "entries ownership"),
    ),
}
"""Section -> the names of its settings."""


class Type(Enum):
    """What a setting may be; the value completes "not "."""

    OBJECT = "an object"
    LIST = "a list"
    TEXT = "text"
    BOOLEAN = "true or false"
    WHOLE = "a whole number of 1 or more"
    WHOLE_OR_ZERO = "a whole number of 0 or more"
    PORT = "a whole number from 1 to 65535"
    DURATION = "a duration such as 30d"
    SOME_TIME = "a duration above 0 such as 30d"
    DURATION_OR_FALSE = "a duration such as 30d, or false"
    SOME_TIME_OR_FALSE = "a duration above 0 such as 30d, or false"
    TEXT_DURATION_OR_FALSE = "a duration in quotes such as 24h, or false"
    SIZE = "a size such as 10mb"
    SIZE_OR_FALSE = "a size such as 10mb, or false"
    MAINTENANCE_MODE = "warn or enforce"
    SCOPE = "per-sender or global"


Typed = tuple[str, str, str, Type]
"""A setting, the first and the last release for which this holds, and its type."""

_ALL = (RELEASES[0], RELEASES[-1])
_FILES = ("2026.3.28", "2026.7.1")
_DATABASES = ("2026.8.1", "2026.9.6")

TYPES: tuple[Typed, ...] = (
    *((name, *_ALL, Type.OBJECT) for name in ("meta", "gateway", "session", "session.maintenance", "cron", "agents")),
    *((name, *_ALL, Type.OBJECT) for name in ("agents.defaults", "agents.defaults.subagents", "env", "env.vars")),
    ("meta.lastTouchedVersion", *_ALL, Type.TEXT),
    ("gateway.port", *_FILES, Type.WHOLE),
    ("gateway.port", *_DATABASES, Type.PORT),
    ("session.store", *_ALL, Type.TEXT),
    ("session.mainKey", *_ALL, Type.TEXT),
    ("session.scope", *_ALL, Type.SCOPE),
    ("session.maintenance.mode", *_ALL, Type.MAINTENANCE_MODE),
    ("session.maintenance.maxEntries", *_ALL, Type.WHOLE),
    ("session.maintenance.pruneAfter", *_FILES, Type.DURATION),
    ("session.maintenance.pruneAfter", *_DATABASES, Type.SOME_TIME),
    ("session.maintenance.pruneDays", *_FILES, Type.WHOLE),
    ("session.maintenance.rotateBytes", "2026.3.28", "2026.4.25", Type.SIZE),
    ("session.maintenance.resetArchiveRetention", *_FILES, Type.DURATION_OR_FALSE),
    ("session.maintenance.resetArchiveRetention", *_DATABASES, Type.SOME_TIME_OR_FALSE),
    ("session.maintenance.maxDiskBytes", *_FILES, Type.SIZE),
    ("session.maintenance.maxDiskBytes", *_DATABASES, Type.SIZE_OR_FALSE),
    ("session.maintenance.highWaterBytes", *_ALL, Type.SIZE),
    ("cron.enabled", *_ALL, Type.BOOLEAN),
    ("cron.store", *_FILES, Type.TEXT),
    ("cron.maxConcurrentRuns", *_FILES, Type.WHOLE),
    ("cron.sessionRetention", *_ALL, Type.TEXT_DURATION_OR_FALSE),
    ("agents.list", *_ALL, Type.LIST),
    ("agents.entries", *_DATABASES, Type.OBJECT),
    ("agents.defaults.subagents.archiveAfterMinutes", *_ALL, Type.WHOLE_OR_ZERO),
)


class Asked(Struct, frozen=True):
    """The releases whose word counts for a directory: a setting is refused where all of them refuse it. `certain` is
    False for a release newer than any of them."""

    releases: tuple[str, ...]
    certain: bool = True


_POLICIES: Mapping[Policy, tuple[str, ...]] = {
    Policy.V2026_3_28: ("2026.3.28",),
    Policy.V2026_4_25: ("2026.4.25",),
    Policy.V2026_5_22: ("2026.5.22", "2026.7.1"),
    Policy.V2026_9_6: ("2026.8.1", "2026.9.3", "2026.9.5", "2026.9.6"),
}


def asked(release: Release) -> Asked:
    """The release itself where it was asked, else the two that it lies between; every release for one that is older
    than all of them, or not known."""
    wanted = numbers(release.version)
    if wanted is None:
        return Asked(RELEASES if release.policy is None else _POLICIES[release.policy])
    if wanted in (known := [numbers(each) or () for each in RELEASES]):
        return Asked((RELEASES[known.index(wanted)],))
    later = next((at for at, each in enumerate(known) if each > wanted), None)
    if later is None:
        return Asked((RELEASES[-1],), certain=False)
    return Asked(RELEASES[later - 1 : later + 1] if later else RELEASES)


def refused(settings: Settings, outside: Outside) -> tuple[RefusedSetting, ...]:
    """The settings of a whole config, includes merged, that keep its release from starting; in the order of the
    tables."""
    document, releases = settings.document, asked(settings.release).releases
    tried = releases == (RELEASE,)
    rows = (each for each in _rows(document) if not (tried and each.path.endswith(".id")))
    told = [*_unknown(document, releases), *_mistyped(document, releases, settings.get), *rows]
    told += _demanded(settings, releases, outside)
    paths = {each.path for each in told}
    deeper = mistakes(document, releases, RELEASES[: _place(releases[0])])
    if tried:
        deeper += mistakes_of_rows(_at(document, "agents.list"), RELEASE, "2026.7.1")
        # A start reads where to listen before it validates.
        deeper = [replace(each, exit_code=1) if each.path == "gateway.bind" else each for each in deeper]
    found = (*told, *(each for each in deeper if each.path not in paths))
    return tuple(_hedged(each, outside) for each in found)


def _demanded(settings: Settings, releases: tuple[str, ...], outside: Outside) -> Iterator[RefusedSetting]:
    document, agents = settings.document, agents_of(settings.document)
    yield from of_every_release(document, agents)
    if _place(releases[0]) >= _place(_DATABASES[0]):
        yield from of_databases(document, agents)
    yield from of_what_it_brings(document, releases[-1])
    if _place(releases[-1]) <= _place("2026.9.3"):
        yield from of_plugin_paths(document, outside.state_dir, outside.lstat)
    yield from of_clients(document, outside, settings.env, newest=releases == (RELEASE,))
    auth_exit = 78 if _place(releases[0]) >= _place("2026.4.25") else None
    yield from contradictions(document, outside.state_dir, settings.env, auth_exit)
    yield from of_certificate(document, outside)
    if _place(releases[-1]) <= _place("2026.5.22"):
        yield from hooks_with_the_token_of_the_gateway(document)
    if _place(releases[0]) >= _place("2026.7.1"):
        yield from unknown_agents(document)
    if _place(releases[0]) >= _place(_DATABASES[0]):
        yield from contradictions_of_databases(document)
    if _place(releases[0]) >= _place("2026.9.3"):
        yield from token_of_spaces(document)
        if outside.no_workspace:
            yield RefusedSetting("agents.*", "workspace", "a file, or below one")
    if releases == (RELEASE,):
        yield from program_that_is_missing(document, settings.env, outside.there)
    if _place(releases[0]) >= _place("2026.5.22"):
        yield from address_that_is_missing(document, outside.has_address)


def _hedged(setting: RefusedSetting, outside: Outside) -> RefusedSetting:
    """A channel, provider or memory that the release lacks may be that of another plugin, if there may be one."""
    if setting.section == "channels" and setting.unknown:
        setting = replace(setting, unless=ANOTHER_PLUGIN)
    alone = setting.unless == ANOTHER_PLUGIN and not outside.plugins
    return replace(setting, unless="") if alone else setting


def _unknown(document: Mapping[str, object], releases: tuple[str, ...]) -> Iterator[RefusedSetting]:
    for section, spans in NAMES.items():
        inner = _at(document, section)
        if not isinstance(inner, dict):
            continue
        # A name of an earlier release may be moved at start, as 2026.9.6 does with some, so it is not judged.
        known = {
            name
            for first, _, names in spans
            if any(_place(first) <= _place(each) for each in releases)
            for name in names.split()
        }
        for name in inner:
            if name not in known and name not in SPECIAL:
                yield RefusedSetting(section, name, UNKNOWN_NAME, meant(name, known))


def _mistyped(document: Mapping[str, object], releases: tuple[str, ...], get: Get) -> Iterator[RefusedSetting]:
    for path in dict.fromkeys(path for path, *_ in TYPES):
        section, _, name = path.rpartition(".")
        inner = _at(document, section)
        if not isinstance(inner, dict) or name not in inner:
            continue
        value = get(*path.split("."))
        if isinstance(value, str) and "${" in value:
            continue  # a variable that may be set where the gateway runs
        wanted = [type_of(path, each) for each in releases]
        if all(each is not None and not accepts(each, value) for each in wanted) and wanted[-1] is not None:
            yield RefusedSetting(section, name, f"{kind_of(value)}, not {wanted[-1].value}")


def type_of(path: str, release: str) -> Type | None:
    """The type of a setting in one of RELEASES; None where it has none here."""
    return next(
        (wanted for name, first, last, wanted in TYPES if name == path and _within(first, last, release)), None
    )


def _rows(document: Mapping[str, object]) -> Iterator[RefusedSetting]:
    """Agents in a list need an id, which is text."""
    rows = _at(document, "agents.list")
    for at, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            yield RefusedSetting("agents.list", str(at), f"{kind_of(row)}, not {Type.OBJECT.value}")
        elif not isinstance(row.get("id"), str):
            what = f"{kind_of(row['id'])}, not text" if "id" in row else "missing"
            yield RefusedSetting(f"agents.list.{at}", "id", what)


def _within(first: str, last: str, release: str) -> bool:
    return _place(first) <= _place(release) <= _place(last)


def _place(release: str) -> int:
    return RELEASES.index(release)


def _at(document: Mapping[str, object], path: str) -> object:
    value: object = document
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def accepts(wanted: Type, value: object) -> bool:
    """Whether a setting of this type may have this value."""
    match wanted:
        case Type.OBJECT:
            return isinstance(value, dict)
        case Type.LIST:
            return isinstance(value, list)
        case Type.TEXT:
            return isinstance(value, str)
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.WHOLE:
            return _whole(value, 1)
        case Type.WHOLE_OR_ZERO:
            return _whole(value, 0)
        case Type.PORT:
            return _whole(value, 1, 65_535)
        case Type.MAINTENANCE_MODE:
            return value in ("warn", "enforce")
        case Type.SCOPE:
            return value in ("per-sender", "global")
        case Type.SIZE:
            return parse_bytes(value) is not None
        case Type.SIZE_OR_FALSE:
            return value is False or parse_bytes(value) is not None
        case Type.DURATION:
            return parse_duration(value, "d") is not None
        case Type.SOME_TIME:
            return bool(parse_duration(value, "d"))
        case Type.DURATION_OR_FALSE:
            return value is False or parse_duration(value, "d") is not None
        case Type.SOME_TIME_OR_FALSE:
            return value is False or bool(parse_duration(value, "d"))
        case Type.TEXT_DURATION_OR_FALSE:
            return value is False or (isinstance(value, str) and parse_duration(value, "h") is not None)


def _whole(value: object, least: int, most: int = 2**53 - 1) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most and value == int(value)
