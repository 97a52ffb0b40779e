"""Options that every verb takes, before or after its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from gatewaydoctor.cli.parser.parameters import (
    Option,
    Parameter,
    argument,
    declared,
    option,
    own_parameters,
    value_type,
)
from gatewaydoctor.cli.parser.verb_table import GATE
from gatewaydoctor.cli.shell.run import Globals, start, start_by_machine
from gatewaydoctor.model.errors import DoctorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.cli.shell.run import Outcome

HELP_OPTIONS = ("--help", "-h")
VERSION_OPTIONS = ("--version", "-V")
GLOBAL_PANEL = "Global options (before or after the verb)"


def _option(*names: str, help: str, metavar: str | None = None) -> Option:
    return option(*names, help=help, metavar=metavar, panel=GLOBAL_PANEL, shows_default=False)


_TEXT = str | None
_ANNOTATIONS: dict[str, Any] = {
    "state_dir": Annotated[_TEXT, _option("--state-dir", metavar="DIR", help="State directory to examine.")],
    "config": Annotated[_TEXT, _option("--config", metavar="FILE", help="openclaw.json to read the settings from.")],
    "profile": Annotated[_TEXT, _option("--profile", metavar="NAME", help="Profile: ~/.openclaw-NAME.")],
    "store": Annotated[_TEXT, _option("--store", metavar="FILE", help="Examine this one sessions.json alone.")],
    "agent": Annotated[_TEXT, _option("--agent", metavar="ID", help="Examine this one agent.")],
    "path_map": Annotated[
        list[str] | None,
        _option("--path-map", metavar="FROM=TO", help="Read absolute paths below FROM as below TO; repeatable."),
    ],
    "json": Annotated[bool, _option("--json", help="One JSON document on stdout.")],
    "format": Annotated[_TEXT, _option("--format", metavar="FORMAT", help="Output format; each verb names its own.")],
    "now": Annotated[
        _TEXT,
        _option("--now", metavar="TIME", help="Clock for every age: ISO or epoch ms (env GATEWAYDOCTOR_NOW)."),
    ],
    "all": Annotated[bool, _option("--all", help="Show every item of capped lists.")],
    "redact": Annotated[bool, _option("--redact", help="Replace ids, names and paths, consistently, for sharing.")],
    "no_color": Annotated[bool, _option("--no-color", help="No colours (also NO_COLOR).")],
    "quiet": Annotated[bool, _option("--quiet", "-q", help="Only what is asked for: no progress, no hints.")],
    "verbose": Annotated[bool, _option("--verbose", "-v", help="More evidence, and where settings come from.")],
    "debug": Annotated[bool, _option("--debug", help="Show the traceback of a bug.")],
}


_DIRECTORY = "examined_directory"
_DIRECTORY_ARGUMENT = Annotated[
    _TEXT, argument(metavar="[DIR]", help="State directory, as with --state-dir.", shows_default=False)
]


def global_parameters() -> list[Parameter]:
    defaults = Globals()
    return [
        Parameter(name, annotation, None if name == "path_map" else getattr(defaults, name))
        for name, annotation in _ANNOTATIONS.items()
    ]


def version_parameter() -> Parameter:
    """`--version`, which only the program itself has."""
    return Parameter("version", Annotated[bool, _option(*VERSION_OPTIONS, help="Show the version and exit.")], False)


def parameters(function: Callable[..., Outcome], *, examines: bool) -> list[Parameter]:
    """Everything a verb takes: what is its own, and the global options. One that `examines` takes the state
    directory as an argument as well."""
    directory = [Parameter(_DIRECTORY, _DIRECTORY_ARGUMENT, None)] if examines else []
    return [*own_parameters(function), *directory, *global_parameters()]


def takes_value(option: str) -> bool | None:
    """Whether a global option takes a value; None where it is not a global option."""
    for each in global_parameters():
        about = declared(each)
        if isinstance(about, Option) and option in about.names:
            return value_type(each) is not bool
    return None


def called(verb: str, function: Callable[..., Outcome], values: dict[str, Any]) -> Outcome:
    """What the verb makes of the values of its parameters: the global options reach it as `run`."""
    run = (start_by_machine if verb == GATE else start)(_take(values))
    try:
        return function(run, **values)
    except DoctorError as error:
        # Only here it is known how this program was started, and on which directory.
        error.hint = run.invocation.hinted(error.hint)
        raise


def _take(values: dict[str, Any]) -> Globals:
    picked = {name: values.pop(name) for name in _ANNOTATIONS if name in values}
    picked["path_map"] = tuple(picked.get("path_map") or ())
    named = values.pop(_DIRECTORY, None)
    if named is not None and picked.get("state_dir") not in (None, named):
        raise UsageError(f"Two state directories: {named} and --state-dir {picked['state_dir']}.", "Name one.")
    picked["state_dir"] = picked.get("state_dir") if named is None else named
    return Globals(**picked)
