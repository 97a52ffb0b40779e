"""The command line as a value: verbs, options, and what may stand where. Nothing here knows typer, or any shell."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.completion.source import Source


class PathKind(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"


class Word(Struct, frozen=True):
    """A word that may be typed as it stands; it holds no blank and nothing a shell would read as more than text."""

    text: str
    help: str = ""


class Values(Struct, frozen=True):
    """What may be in one place: words that are known, words the state directory knows, and paths. Two that have
    the same name are equal."""

    name: str
    words: tuple[Word, ...] = ()
    source: Source | None = None
    path: PathKind | None = None

    @property
    def go_on(self) -> bool:
        """More is to be typed after the word, without a blank: `name=`."""
        return any(word.text.endswith("=") for word in self.words)


class Option(Struct, frozen=True):
    """`metavar` is None for a flag; `values` is None where only the operator knows what to give. A global option may
    come before its verb, too."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    values: Values | None = None
    repeatable: bool = False
    is_global: bool = False
    required: bool = False


class Argument(Struct, frozen=True):
    """A word with a place of its own; `many` takes all that follow."""

    metavar: str
    help: str
    values: Values | None = None
    many: bool = False


class VerbNode(Struct, frozen=True):
    """A verb, or one with verbs of its own. `text` is what its help says below the summary."""

    path: tuple[str, ...]
    summary: str
    text: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    commands: tuple[VerbNode, ...] = ()

    @property
    def name(self) -> str:
        return " ".join(self.path)

    @property
    def verbs(self) -> Values:
        """The verbs of its own."""
        words = tuple(Word(each.path[-1], each.summary) for each in self.commands)
        return Values("-".join(("verb", *self.path)), words)

    def argument(self, place: int) -> Argument | None:
        """What is at this place, from 0 on."""
        if place < len(self.arguments):
            return self.arguments[place]
        last = self.arguments[-1] if self.arguments else None
        return last if last and last.many else None


class Program(VerbNode, frozen=True):
    """The whole. Its options are those of the verb that is meant where none is named, for they may stand without
    it; `default` is that verb."""

    default: str = ""

    @property
    def leaves(self) -> Iterator[VerbNode]:
        """The verbs that do something, in the order of the help."""
        for command in self.commands:
            yield from command.commands or (command,)

    @property
    def everywhere(self) -> tuple[Option, ...]:
        """The global options that take the same with every verb."""
        return tuple(each for each in self.options if all(each in leaf.options for leaf in self.leaves))

    def own(self, command: VerbNode) -> tuple[Option, ...]:
        """The options of a verb next to those."""
        return tuple(option for option in command.options if option not in self.everywhere)

    @property
    def all_values(self) -> tuple[Values, ...]:
        """Everything a place may hold, each once, in the order it is met; the verbs come first."""
        found = {values.name: values for values in self._met()}
        return tuple(found.values())

    def _met(self) -> Iterator[Values]:
        for group in (self, *self.commands):
            if group.commands:
                yield group.verbs
        for leaf in self.leaves:
            places: tuple[Option | Argument, ...] = (*leaf.arguments, *leaf.options)
            yield from (place.values for place in places if place.values)

    @property
    def adopted(self) -> tuple[str, ...]:
        """Names of the options that say that the default verb is meant: its own, which are not global ones."""
        return tuple(name for option in self.options if not option.is_global for name in option.names)


def plain(text: str) -> str:
    """Help for a place that knows no markup: one line, without backticks."""
    return " ".join(text.replace("`", "").split())
