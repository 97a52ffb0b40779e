"""`--help`: what is used most in full, the rest by name; `--help -v` describes every verb and option."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from gatewaydoctor.cli.parser.options import GLOBAL_PANEL
from gatewaydoctor.cli.parser.verb_table import PANELS, USED_MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL = frozenset({"-v", "--verbose"})
_OWN = "Options"
_COLUMN = 24
"""Widest first column: a longer name has a line of its own."""
WIDTH = 100
"""Lines are no longer than this, and than the terminal."""


class HelpCommand(TyperCommand):
    """A verb. Its options with a `rich_help_panel` are told by name only, unless -v is given as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_OWN] = not _FULL.isdisjoint(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], _OWN: []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                argument = parameter.param_type_name == "argument"
                panels.setdefault("Arguments" if argument else _panel(parameter), []).append(record)
        for title, records in panels.items():
            if title in ("Arguments", _OWN) or ctx.meta.get(_OWN):
                _describe(formatter, title, records)
            else:
                _name(formatter, title, [names for names, _ in records])
        if not ctx.meta.get(_OWN):
            formatter.write(f"\n{ctx.command_path} --help -v describes every option.\n")


class Group(TyperGroup):
    """Verbs with one line each. Of the program itself those that are used most, and all others and the global options
    by name only, unless -v is given as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_OWN] = not _FULL.isdisjoint(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        if ctx.parent is None and not ctx.meta.get(_OWN):
            self._name_most(ctx, formatter)
            return
        self.format_commands(ctx, formatter)
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                panels.setdefault(_panel(parameter), []).append(record)
        for title, records in reversed(panels.items()):
            _describe(formatter, title, records)

    def _name_most(self, ctx: Any, formatter: Any) -> None:
        verbs = self._summaries()
        _describe(formatter, "Used most", [(name, verbs.pop(name)) for name in USED_MOST if name in verbs])
        others = [name for names in PANELS.values() for name in names if name in verbs]
        _name(formatter, f"Other verbs (`{ctx.command_path} --help -v` describes them)", others)
        records = (parameter.get_help_record(ctx) for parameter in self.get_params(ctx))
        _name(formatter, GLOBAL_PANEL, [record[0] for record in records if record is not None])

    def _summaries(self) -> dict[str, str]:
        return {name: command.short_help or command.help or "" for name, command in self.commands.items()}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        verbs = self._summaries()
        panels = PANELS if ctx.parent is None else {"Commands": tuple(verbs)}
        for title, names in panels.items():
            _describe(formatter, title, [(name, verbs[name]) for name in names if name in verbs])


def _panel(parameter: Any) -> str:
    return getattr(parameter, "rich_help_panel", None) or _OWN


def _describe(formatter: Any, title: str, records: Sequence[tuple[str, str]]) -> None:
    if records:
        with formatter.section(title):
            formatter.write_dl(records, col_max=_COLUMN, col_spacing=2)


def _name(formatter: Any, title: str, names: Sequence[str]) -> None:
    with formatter.section(title):
        indent = " " * formatter.current_indent
        whole = ", ".join(name.replace(" ", _JOIN) for name in names)
        text = fill(whole, formatter.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        formatter.write(f"{text.replace(_JOIN, ' ')}\n")


_JOIN = "\N{NO-BREAK SPACE}"
"""Between an option and its value while lines are broken."""
