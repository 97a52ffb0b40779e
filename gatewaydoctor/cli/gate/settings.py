"""What a look and a gate go by: the command line, else gatewaydoctor.toml, else pyproject.toml, else the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.checks.thresholds import DEFAULTS, Thresholds
from gatewaydoctor.cli.gate.settingsfile import settings_table
from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.examine.sessions.stuck import DEFAULT_STUCK_AFTER_MS
from gatewaydoctor.model.errors import UsageError, nearest, unknown_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gatewaydoctor.model.outcome.gate import FailOn
    from gatewaydoctor.system.fs import ReadFs

T = TypeVar("T")

FAIL_WORDS: tuple[FailOn, ...] = ("critical", "error", "warning", "info", "never")
COMMAND_LINE = "command line"
DEFAULT = "default"

MaxAge = Annotated[
    str | None,
    option(
        "--max-age",
        "--stuck-after",
        metavar="TIME",
        help="Silence after which a session marked running is stuck. [default: 1h]",
    ),
]
ThresholdOption = Annotated[
    list[str] | None,
    option(
        "--threshold",
        metavar="NAME=VALUE",
        help="Change a rule's threshold, such as bloat-bytes=20MB; repeatable.",
    ),
]


class Sourced(Struct, Generic[T], frozen=True):
    """A value and who gave it. `unit` is that of a number, where it has one."""

    value: T
    origin: str
    unit: Literal["ms", "bytes"] | None = None


class GateOptions(Struct, frozen=True):
    """The settings as options; None where an option was not given."""

    fail_on: str | None = None
    only: Iterable[str] | None = None
    skip: Iterable[str] | None = None
    baseline: str | None = None
    max_age: str | None = None
    thresholds: Iterable[str] | None = None


class Settings(Struct, frozen=True):
    """`max_age` in ms; `baseline` as it was spelled. `origins` names who gave each threshold, by its public name.
    `directory` is where the settings file lies, None without one."""

    fail_on: Sourced[FailOn]
    only: Sourced[tuple[str, ...]]
    skip: Sourced[tuple[str, ...]]
    baseline: Sourced[str | None]
    max_age: Sourced[int]
    thresholds: Thresholds = DEFAULTS
    origins: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None

    def told(self) -> dict[str, Sourced[Any]]:
        """Every setting by its name, in the order a person would look for them."""
        thresholds = {
            public_name(name): Sourced(
                getattr(self.thresholds, name), self.origins.get(public_name(name), DEFAULT), _unit(name)
            )
            for name in _THRESHOLDS.values()
        }
        return {
            "fail-on": self.fail_on,
            "only": self.only,
            "skip": self.skip,
            "baseline": self.baseline,
            "max-age": replace(self.max_age, unit="ms"),
            **thresholds,
        }


def public_name(name: str) -> str:
    """A threshold's name on the command line and in files: `bloat-bytes`, `temp-age`. Spans carry their unit in the
    value."""
    return name.removesuffix("_ms").replace("_", "-")


def _unit(name: str) -> Literal["ms", "bytes"] | None:
    return "ms" if name.endswith("_ms") else "bytes" if name.endswith("_bytes") else None


_THRESHOLDS = {public_name(name): name for name in Thresholds.__struct_fields__}
THRESHOLD_NAMES = tuple(_THRESHOLDS)
KEYS = ("fail-on", "only", "skip", "baseline", "max-age", "thresholds")
LOOKING_KEYS = ("max-age", "thresholds")
"""Those that decide what is found, not what comes of it."""


def settle(
    fs: ReadFs, directory: Path | None, given: GateOptions, default_fail_on: FailOn, heeded: Iterable[str] = KEYS
) -> Settings:
    """The settings for one invocation; `directory` is where a settings file may lie, and `heeded` are the keys taken
    from it. Raises UsageError for a key or a value that makes no sense, and CannotExamine for a file that cannot be
    read."""
    table, origin = settings_table(fs, directory) if directory else ({}, DEFAULT)
    _known(table, KEYS, origin, "setting")
    thresholds, origins = _thresholds(table.get("thresholds", {}), given.thresholds, origin)
    from_file = {name: value for name, value in table.items() if name in heeded}
    from_options = {
        "fail-on": given.fail_on,
        "only": _listed(given.only),
        "skip": _listed(given.skip),
        "baseline": given.baseline,
        "max-age": given.max_age,
    }

    def pick(name: str, default: object) -> Sourced[Any]:
        if from_options[name] is not None:
            return Sourced(_PARSERS[name](from_options[name], f"--{name}"), COMMAND_LINE)
        if name in from_file:
            return Sourced(_PARSERS[name](from_file[name], f"{origin}: {name}"), origin)
        return Sourced(default, DEFAULT)

    return Settings(
        pick("fail-on", default_fail_on),
        pick("only", ()),
        pick("skip", ()),
        pick("baseline", None),
        pick("max-age", DEFAULT_STUCK_AFTER_MS),
        thresholds,
        origins,
        directory if table else None,
    )


def _listed(values: Iterable[str] | None) -> list[str] | None:
    return list(values) if values else None


def _thresholds(table: object, options: Iterable[str] | None, origin: str) -> tuple[Thresholds, Mapping[str, str]]:
    if not isinstance(table, dict):
        raise UsageError(f"{origin}: thresholds is not a table.", "Put them under [thresholds].")
    _known(table, _THRESHOLDS, origin, "threshold")
    values = {name: (value, origin, f"{origin}: {name}") for name, value in table.items()}
    for word in options or ():
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"--threshold {word!r} has no value.", "Try bloat-bytes=20MB.")
        _known((name,), _THRESHOLDS, "--threshold", "threshold")
        values[name] = (text, COMMAND_LINE, f"--threshold {name}")
    parsed: dict[str, Any] = {
        _THRESHOLDS[name]: _figure(_THRESHOLDS[name], value, said) for name, (value, _, said) in values.items()
    }
    return replace(DEFAULTS, **parsed), {name: by for name, (_, by, _) in values.items()}


def _known(names: Iterable[str], known: Iterable[str], origin: str, what: str) -> None:
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {near}?" if near else f"Known: {', '.join(known)}."
            raise UsageError(f"{origin}: there is no {what} {name!r}.", hint)


def _figure(name: str, value: object, said: str) -> float:
    """A threshold's value, in the unit its name says."""
    from gatewaydoctor.cli.words.choices import parse_size

    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(
            f"{said} {value!r} is not a number.", "Use a number, or text with a unit such as 20MB or 2h."
        )
    if _unit(name) == "ms":
        return parse_span(str(value), said)
    if isinstance(value, str) and _unit(name) == "bytes":
        return parse_size(value, said)
    whole = isinstance(getattr(DEFAULTS, name), int)
    try:
        figure = int(value) if whole else float(value)
    except (ValueError, OverflowError):
        figure = -1
    if not 0 <= figure < 2**63 or (whole and float(value) != figure):
        raise UsageError(f"{said} {value!r} is not a number.", f"Give a {'whole ' if whole else ''}number from 0 up.")
    return figure


def _word(value: object, said: str) -> FailOn:
    for word in FAIL_WORDS:
        if value == word:
            return word
    raise unknown_word(f"severity for {said}:", str(value), FAIL_WORDS)


def _patterns(value: object, said: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise UsageError(f"{said} is not a list of rules.", 'Write it as ["store-*", "lock-stale"].')


def _path(value: object, said: str) -> str:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return value
    raise UsageError(f"{said} needs a path.", "Name a file outside the state directory.")


def _span(value: object, said: str) -> int:
    return parse_span(str(value), said)


_PARSERS = {"fail-on": _word, "only": _patterns, "skip": _patterns, "baseline": _path, "max-age": _span}
