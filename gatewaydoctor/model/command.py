"""A command to type, as a value: it becomes text where it is shown (`report/invocation`, `report/words`)."""

from __future__ import annotations

from msgspec import Struct

PROGRAM = ("gatewaydoctor",)


class Command(Struct, frozen=True):
    """`words` follow those that start the program, each as the program gets it: a verb, its arguments, its
    options. `user` is the id of the user it has to be run as, None for whoever reads it. `placed`: it says where to
    look already, or looks nowhere."""

    words: tuple[str, ...]
    program: tuple[str, ...] = PROGRAM
    user: int | None = None
    placed: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """Every word of it."""
        sudo = () if self.user is None else ("sudo", "-u", f"#{self.user}")
        return (*sudo, *self.program, *self.words)

    def __str__(self) -> str:
        """Quoted for a shell, with every character as it is."""
        from shlex import join

        return join(self.argv)


def typed(*words: str) -> Command:
    """A command of this program, before it says where to look."""
    return Command(words)


def explained(rule: str) -> Command:
    """What tells the meaning of a rule, what was found here and what to do by hand."""
    return typed("explain", rule, "--found")
