"""What verbs take on the command line, as values: `Annotated[str | None, option("--name", ...)]`. `app` makes
typer's parameters of them; a plain line (`plain`) is read without typer, which takes longer to load than a small
directory to examine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


REQUIRED: Any = object()


class Parameter(Struct, frozen=True):
    """What a verb is called with by name. inspect has such a value, and takes a tenth of a start-up to load.
    `default` is REQUIRED where the line has to give it."""

    name: str
    annotation: Any
    default: Any = REQUIRED


def declared(parameter: Parameter) -> Option | Argument:
    """What a parameter is on the command line."""
    found: Option | Argument = parameter.annotation.__metadata__[0]
    return found


def value_type(parameter: Parameter) -> Any:
    """The type of its value, such as `str | None`."""
    return parameter.annotation.__origin__


def own_parameters(function: Callable[..., Any]) -> Sequence[Parameter]:
    """Those of a verb; its `run` is not given on the command line. A function that was made of data says them itself,
    as `taken`."""
    if (taken := getattr(function, "taken", None)) is not None:
        return tuple(taken)
    hints, code = get_type_hints(function, include_extras=True), function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    last = function.__defaults__ or ()
    defaults = dict(zip(names[code.co_argcount - len(last) :], last, strict=False)) | (function.__kwdefaults__ or {})
    return [Parameter(name, hints[name], defaults.get(name, REQUIRED)) for name in names if name != "run"]
