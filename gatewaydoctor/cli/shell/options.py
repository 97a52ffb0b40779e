"""Options that every verb takes, before or after its name."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from gatewaydoctor.model.errors import DoctorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.cli.shell.run import Outcome, Run

_PANEL = "Global options (before or after the verb)"


class Globals(Struct, frozen=True):
    """Global options as given; None or False where they were not."""

    state_dir: str | None = None
    config: str | None = None
    profile: str | None = None
    store: str | None = None
    agent: str | None = None
    path_map: tuple[str, ...] = ()
    json: bool = False
    format: str | None = None
    now: str | None = None
    all: bool = False
    redact: bool = False
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=_PANEL, show_default=False)


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
    _TEXT, typer.Argument(metavar="[DIR]", help="State directory, as with --state-dir.", show_default=False)
]
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _parameters() -> list[inspect.Parameter]:
    defaults = Globals()
    return [
        inspect.Parameter(
            name, _KEYWORD, default=None if name == "path_map" else getattr(defaults, name), annotation=annotation
        )
        for name, annotation in _ANNOTATIONS.items()
    ]


def listed() -> Callable[..., None]:
    """A callback that does nothing and takes every global option, so that the help of the program lists them."""

    def callback(**_: Any) -> None:
        pass

    version = Annotated[bool, _option("--version", "-V", help="Show the version and exit.")]
    parameters = [*_parameters(), inspect.Parameter("version", _KEYWORD, default=False, annotation=version)]
    _declare(callback, parameters)
    return callback


def takes_value(option: str) -> bool | None:
    """Whether a global option takes a value; None where it is not a global option."""
    for name, annotation in _ANNOTATIONS.items():
        if option in annotation.__metadata__[0].param_decls or option == "--" + name.replace("_", "-"):
            return annotation.__origin__ is not bool
    return None


def _take(values: dict[str, Any]) -> Globals:
    picked = {name: values.pop(name) for name in _ANNOTATIONS if name in values}
    picked["path_map"] = tuple(picked.get("path_map") or ())
    named = values.pop(_DIRECTORY, None)
    if named is not None and picked.get("state_dir") not in (None, named):
        raise UsageError(f"Two state directories: {named} and --state-dir {picked['state_dir']}.", "Name one.")
    picked["state_dir"] = picked.get("state_dir") if named is None else named
    return Globals(**picked)


def verb(
    function: Callable[..., Outcome], start: Callable[[Globals], Run], *, examines: bool = False
) -> Callable[..., Outcome]:
    """A verb as typer wants it: the global options are next to its own, and reach it as `run`. One that `examines`
    takes the state directory as an argument as well."""

    @functools.wraps(function)
    def command(**values: Any) -> Outcome:
        run = start(_take(values))
        try:
            return function(run, **values)
        except DoctorError as error:
            # Only here it is known how this program was started, and on which directory.
            error.hint = run.invocation.hinted(error.hint)
            raise

    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "run"]
    argument = [inspect.Parameter(_DIRECTORY, _KEYWORD, default=None, annotation=_DIRECTORY_ARGUMENT)]
    _declare(command, [*(p.replace(kind=_KEYWORD) for p in own), *(argument if examines else ()), *_parameters()])
    return command


def _declare(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> None:
    """Let typer see these parameters instead of **values."""
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in parameters}
