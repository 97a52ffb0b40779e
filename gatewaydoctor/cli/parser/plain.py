"""A plain command line: options and words of the verb, each spelled whole, with text for a value. Whatever else there
may be on one (help, numbers, bundled letters, mistakes) is typer's to read, and to find words for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.parser.parameters import REQUIRED, Argument, declared, value_type
from gatewaydoctor.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.cli.parser.parameters import Parameter

_FLAG = bool
_TEXT = (str, str | None)
_TEXTS = list[str] | None


def plain_values(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """The value of every parameter, as typer would give it; None where the line is not plain."""
    given = _given(parameters, words)
    if given is None:
        return None
    values = {each.name: given.get(each.name, each.default) for each in parameters}
    return None if any(value is REQUIRED for value in values.values()) else values


def _given(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """Raises UsageError for an option in the place of another one's value."""
    options: dict[str, Parameter] = {}
    places: list[Parameter] = []
    for each in parameters:
        about = declared(each)
        if isinstance(about, Argument):
            places.append(each)
        else:
            options |= dict.fromkeys(about.names, each)
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, equals, attached = word.partition("=")
        value = attached if equals else None
        if not word.startswith("-"):
            parameter, value = _place(places), word
        else:
            parameter = options.get(name)
            if parameter and value is None and value_type(parameter) is not _FLAG:
                value = next(rest, None)
                if value in options:
                    raise UsageError(f"{name} needs a value, and {value} is an option.", _how(parameter, name))
        if parameter is None or not _take(given, parameter, value):
            return None
    return given


def _how(parameter: Parameter, name: str) -> str:
    about = declared(parameter)
    return f"Put it between them: {name} {about.metavar or 'VALUE'}."


def _place(places: list[Parameter]) -> Parameter | None:
    """The argument the next word is for. The last one may take all that follow."""
    if places[1:] or (places and value_type(places[0]) in _TEXT):
        return places.pop(0)
    return places[0] if places else None


def _take(given: dict[str, Any], parameter: Parameter, value: str | None) -> bool:
    """Whether this is a plain value of the parameter: None for a flag, else text. The last one counts."""
    kind = value_type(parameter)
    if kind is _FLAG or value is None:
        given[parameter.name] = True
        return kind is _FLAG and value is None
    if kind == _TEXTS:
        given.setdefault(parameter.name, []).append(value)
        return True
    given[parameter.name] = value
    return kind in _TEXT
