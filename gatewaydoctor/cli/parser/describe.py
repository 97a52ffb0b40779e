"""The command line described, as typer knows it: for completions and the manual page, which must say the same."""

from __future__ import annotations

from typing import Any

import typer

from gatewaydoctor.cli.parser.app import HELP, build_app
from gatewaydoctor.cli.parser.options import HELP_OPTIONS, VERSION_OPTIONS, takes_value
from gatewaydoctor.cli.parser.verb_table import DEFAULT
from gatewaydoctor.cli.words.values import values_of
from gatewaydoctor.completion.tree import Argument, Option, Program, Values, VerbNode, Word

_HELP = Option(HELP_OPTIONS, "Show this message and exit.", is_global=True)
_VERSION = Option(VERSION_OPTIONS, "Show the version and exit.", is_global=True)


def described() -> Program:
    """The whole program."""
    root: Any = typer.main.get_command(build_app())
    commands = tuple(_command(each, (name,)) for name, each in root.commands.items())
    usual = next(each for each in commands if each.path == (DEFAULT,))
    summary, _, text = HELP.partition("\n\n")
    return Program((), summary, text, (*usual.options, _VERSION), (), commands, DEFAULT)


def _command(command: Any, path: tuple[str, ...]) -> VerbNode:
    if inner := getattr(command, "commands", None):
        commands = tuple(_command(each, (*path, name)) for name, each in inner.items())
        return VerbNode(path, command.help, options=(_HELP,), commands=commands)
    summary, _, text = command.help.partition("\n\n")
    options = tuple(_option(each, path) for each in command.params if each.param_type_name == "option")
    arguments = tuple(_argument(each, path) for each in command.params if each.param_type_name == "argument")
    return VerbNode(path, summary, text.strip(), (*options, _HELP), arguments)


def _option(option: Any, path: tuple[str, ...]) -> Option:
    is_global = takes_value(option.opts[0]) is not None
    if option.is_flag:
        return Option(tuple(option.opts), option.help, is_global=is_global)
    return Option(
        tuple(option.opts),
        option.help,
        option.metavar,
        _values(option, path),
        option.multiple,
        is_global,
        option.required,
    )


def _argument(argument: Any, path: tuple[str, ...]) -> Argument:
    return Argument(argument.metavar, argument.help, _values(argument, path), argument.nargs == -1)


def _values(parameter: Any, path: tuple[str, ...]) -> Values | None:
    """Its choices where typer knows them, else what is decided in values.py."""
    if choices := getattr(parameter.type, "choices", None):
        return Values("-".join((*path, parameter.name)), tuple(Word(str(choice)) for choice in choices))
    return values_of(path, parameter.name, parameter.metavar)
