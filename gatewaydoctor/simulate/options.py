"""Options of a scenario: frozen dataclasses whose fields say unit, origin of the default, and meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from gatewaydoctor.simulate.values import Input, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option:
    """One option as a command line needs it: `name` with dashes, its type, default and description."""

    name: str
    kind: type
    default: Any
    unit: str
    label: Label
    help: str


class BadOption(ValueError):
    """An option that the scenario does not have, or whose value is of the wrong type or out of range."""


def given(default: T, unit: str, help: str) -> T:
    """A field whose default stands in the incident report."""
    return _field(default, unit, Label.GIVEN, help)


def derived(default: T, unit: str, help: str) -> T:
    """A field whose default follows from given figures; `help` says how."""
    return _field(default, unit, Label.DERIVED, help)


def measured(default: T, unit: str, help: str) -> T:
    """A field whose default was measured on a real release."""
    return _field(default, unit, Label.MEASURED, help)


def assumed(default: T, unit: str, help: str) -> T:
    """A field whose default no report gives."""
    return _field(default, unit, Label.ASSUMED, help)


def describe(options: Any) -> tuple[Option, ...]:
    """The options of a scenario's dataclass (class or instance), in order."""
    return tuple(
        Option(item.name.replace("_", "-"), type(item.default), item.default, *_note(item.metadata))
        for item in fields(options)
    )


def inputs(options: Any) -> tuple[Input, ...]:
    """What was put in, with where it is from. A value other than the default is the user's own."""
    found: list[Input] = []
    for item in fields(options):
        unit, label, help = _note(item.metadata)
        value = getattr(options, item.name)
        own = value != item.default
        source = f"set for this run; {help}" if own else help
        found.append(Input(item.name.replace("_", "-"), value, unit, Label.ASSUMED if own else label, source))
    return tuple(found)


def with_values(options: T, values: Mapping[str, str | float]) -> T:
    """The options with these values, keys with dashes or underscores, texts converted to each field's type.

    Raises BadOption on an unknown name, a value that is not a number where one is needed, or a number below zero.
    """
    known = {item.name: type(item.default) for item in fields(options)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for name, value in values.items():
        attribute = name.replace("-", "_")
        if attribute not in known:
            raise BadOption(f"no option {name}; there are {', '.join(key.replace('_', '-') for key in known)}")
        changes[attribute] = _convert(name, known[attribute], value)
    return replace(options, **changes)  # type: ignore[type-var]


def _convert(name: str, kind: type, value: str | float) -> Any:
    try:
        converted = kind(value)
    except (TypeError, ValueError):
        raise BadOption(f"--{name} takes a {'whole number' if kind is int else 'number'}, not {value}") from None
    if kind is not str and not 0 <= converted < float("inf"):
        raise BadOption(f"--{name} cannot be {value}")
    return converted


def _field(default: T, unit: str, label: Label, help: str) -> T:
    made: T = field(default=default, metadata={"unit": unit, "label": label, "help": help})
    return made


def _note(metadata: Mapping[str, Any]) -> tuple[str, Label, str]:
    return metadata["unit"], metadata["label"], metadata["help"]
