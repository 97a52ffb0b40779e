"""What verbs take on the command line, as values: `Annotated[str | None, option("--name", ...)]`. `app` makes
typer's parameters of them; a plain line (`plain`) is read without typer, which takes longer to load than a small
directory to examine."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Option(Struct, frozen=True):
    """`metavar` is None for a flag. Options of a `panel` are told by name only, unless everything is asked for.
    `min` and `max` are bounds of a number."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    panel: str | None = None
    shows_default: bool = True
    min: float | None = None
    max: float | None = None


class Argument(Struct, frozen=True):
    """A word with a place of its own."""

    help: str
    metavar: str
    shows_default: bool = True


def option(
    *names: str,
    help: str,
    metavar: str | None = None,
    panel: str | None = None,
    shows_default: bool = True,
    min: float | None = None,
    max: float | None = None,
) -> Option:
    """An option with its names as they are typed."""
    return Option(names, help, metavar, panel, shows_default, min, max)


def argument(*, metavar: str, help: str, shows_default: bool = True) -> Argument:
    return Argument(help, metavar, shows_default)


def declared(parameter: Parameter) -> Option | Argument:
    """What a parameter is on the command line."""
    found: Option | Argument = parameter.annotation.__metadata__[0]
    return found


def value_type(parameter: Parameter) -> Any:
    """The type of its value, such as `str | None`."""
    return parameter.annotation.__origin__


def keyword(name: str, default: object, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def own_parameters(function: Callable[..., Any]) -> Iterable[Parameter]:
    """Those of a verb; its `run` is not given on the command line."""
    found = signature(function, eval_str=True).parameters.values()
    return [each.replace(kind=Parameter.KEYWORD_ONLY) for each in found if each.name != "run"]
