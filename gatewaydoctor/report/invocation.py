"""The options that say where to look, as they were given, so that every command shown can be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.command import PROGRAM, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.model.command import Command


class Invocation(Struct, frozen=True):
    """`program` are the words that started this program, `options` are names and values in turn."""

    program: tuple[str, ...] = PROGRAM
    options: tuple[tuple[str, str], ...] = ()

    def command(self, *words: str) -> Command:
        """A verb with its own options, completed by these: `gatewaydoctor cron --state-dir D`."""
        return self.complete(typed(*words))

    def complete(self, command: Command) -> Command:
        """A command of this program with these options; any other command, and one that says already where to look or
        looks nowhere, without."""
        if command.program != PROGRAM:
            return command
        placed = command.placed or _looks_nowhere(command.words)
        options = () if placed else (word for option in self.options for word in option)
        return replace(command, program=self.program, words=(*command.words, *options), placed=True)

    def hinted(self, hint: str) -> str:
        """Words with commands of this program in backticks, each completed; a quoted word of one may hold backticks.
        One that names its directory already gets no other."""
        import re
        from shlex import join, split

        options = join([word for option in self.options for word in option])

        def completed(found: re.Match[str]) -> str:
            typed = found[1]
            words = split(typed)
            placed = "--state-dir" in words or _looks_nowhere(words)
            return f"`{join(self.program)} {typed}{'' if placed or not options else f' {options}'}`"

        return re.sub(rf"`{join(PROGRAM)} ((?:[^`'\"]|'[^']*'|\"[^\"]*\")+)`", completed, hint)


PLAIN = Invocation()


def _looks_nowhere(words: Sequence[str]) -> bool:
    """Whether a command examines no state directory of the operator."""
    return words[0] in ("explain", "fixtures", "simulate", "completions") and words[-1] != "--found"
