"""The command line as typer has it: help, numbers, choices, words for mistakes. Loaded by a line that needs those."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewaydoctor.cli.parser import verb_table as verbs
from gatewaydoctor.cli.parser.help import WIDTH, Group, HelpCommand
from gatewaydoctor.cli.parser.options import HELP_OPTIONS, called, global_parameters, parameters, version_parameter
from gatewaydoctor.cli.parser.parameters import REQUIRED, Option, declared, value_type
from gatewaydoctor.cli.shell.run import Outcome
from gatewaydoctor.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gatewaydoctor.cli.parser.parameters import Parameter

HELP = """Examine and repair the state directory of an OpenClaw gateway, offline.

Without a verb, it scans. Scanning is read-only."""


def run_app(only: str | None, arranged: Sequence[str]) -> Outcome | None:
    """What the verb returns; None where help was shown. Raises typer's errors about what was typed."""
    try:
        found = build_app(only)(arranged, standalone_mode=False, prog_name="gatewaydoctor")
    except typer.Abort:
        raise KeyboardInterrupt from None
    if found == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt  # which typer had made a code of
    return found if isinstance(found, Outcome) else None


def build_app(only: str | None = None) -> typer.Typer:
    """The typer app with all verbs, or with the one that is called."""
    settings = {"help_option_names": list(HELP_OPTIONS), "max_content_width": WIDTH}
    app = typer.Typer(
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings=settings,
    )
    app.callback(help=HELP.replace("\n\n", " "))(_listed() if only is None else lambda: None)
    for name, summary in verbs.VERBS.items():
        if only not in (None, name):
            continue
        if name not in verbs.GROUPS:
            _add(app, name, None, summary)
            continue
        group = typer.Typer(cls=Group, help=summary, no_args_is_help=True, rich_markup_mode=None)
        group.callback()(lambda: None)
        for sub, sub_summary in verbs.GROUPS[name].items():
            _add(group, name, sub, sub_summary)
        app.add_typer(group, name=name)
    return app


def _add(app: typer.Typer, name: str, sub: str | None, summary: str) -> None:
    function = verbs.function(name, sub)
    text = f"{summary}\n\n{inspect.cleandoc(function.__doc__ or '')}".strip()

    def command(**values: Any) -> Outcome:
        return called(name, function, values)

    _declare(command, parameters(function, examines=name in verbs.EXAMINING))
    app.command(sub or name, cls=HelpCommand, help=text, short_help=summary)(command)


def _listed() -> Callable[..., None]:
    """A callback that does nothing and takes every global option, so that the help of the program lists them."""

    def callback(**_: Any) -> None:
        pass

    _declare(callback, [*global_parameters(), version_parameter()])
    return callback


def _declare(function: Callable[..., Any], taken: Iterable[Parameter]) -> None:
    """Let typer see these parameters instead of **values."""
    known = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is REQUIRED else each.default,
            annotation=Annotated[value_type(each), _of_typer(declared(each))],
        )
        for each in taken
    ]
    function.__signature__ = inspect.Signature(known)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in known}


def _of_typer(about: Any) -> Any:
    if isinstance(about, Option):
        return typer.Option(
            *about.names,
            help=about.help,
            metavar=about.metavar,
            rich_help_panel=about.panel,
            show_default=about.shows_default,
            min=about.min,
            max=about.max,
        )
    return typer.Argument(help=about.help, metavar=about.metavar, show_default=about.shows_default)
