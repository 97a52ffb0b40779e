"""The options that say where to look, as they were given, so that every command shown can be pasted."""

from __future__ import annotations

from msgspec import Struct


class Invocation(Struct, frozen=True):
    """`program` is what the operator typed to start this program, `options` are names and values in turn."""

    program: str = "gatewaydoctor"
    options: tuple[tuple[str, str], ...] = ()

    def command(self, verb: str) -> str:
        """A verb with its own options, completed by these: `gatewaydoctor cron --state-dir D`."""
        return self.complete(f"gatewaydoctor {verb}")

    def complete(self, command: str) -> str:
        """A command of this program, quoted for a shell. Any other command, and one that examines no directory, stays
        as it is; one through sudo names its directory already."""
        from shlex import quote

        name, _, rest = command.partition(" ")
        if name == "sudo":
            return command.replace(" gatewaydoctor ", f" {self.program} ", 1)
        if name != "gatewaydoctor":
            return command
        if rest.startswith(_ANYWHERE) and not rest.endswith(" --found"):
            return f"{self.program} {rest}"
        options = [f"{option} {quote(value)}" for option, value in self.options]
        return " ".join([self.program, rest, *options])

    def hinted(self, hint: str) -> str:
        """Words with commands of this program in backticks, each as `complete` gives it. One that names its directory
        already gets no other."""
        import re

        def completed(found: re.Match[str]) -> str:
            command = found[1]
            if "--state-dir " in command:
                return f"`{command.replace('gatewaydoctor', self.program, 1)}`"
            return f"`{self.complete(command)}`"

        return re.sub(r"`(gatewaydoctor [^`]*)`", completed, hint)


PLAIN = Invocation()
_ANYWHERE = ("explain", "fixtures", "simulate", "completions")
"""Verbs that examine no state directory of the operator, but for `explain RULE --found`."""
