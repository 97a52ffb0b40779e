"""The verbs, and where each lives. Only the one that is called gets imported: start-up time is a feature."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.cli.shell.run import Outcome

MENDING = frozenset({"snapshot", "repair", "park", "unpark", "undo", "runs"})
"""Verbs that may write into a state directory."""
WRITING = MENDING | {"fixtures", "simulate"}
DEFAULT = "scan"
GATE = "gate"

VERBS = {
    "scan": "Show the verdict, what is wrong, and the next step (the default).",
    "forecast": "Show what happens when the gateway starts, in order.",
    "status": "Count sessions by status and kind, and what takes the space.",
    "cron": "List cron jobs with what their runs left: bursts, stuck runs.",
    "stuck": "List sessions marked running that are stuck, with evidence.",
    "migration": "Audit the move to databases: what is where, what is nowhere.",
    "orphans": "List files by class: unindexed history, archives, leftovers.",
    "subagents": "List subagent runs that are never archived or lost their session.",
    "usage": "Show what one sessions.usage call must read.",
    "sessions": "List the sessions themselves, filtered, as a table or a stream.",
    "check": "Exit 1 on findings: for scripts, CI and monitoring.",
    "gate": "Stop a start that would lose data, fail or loop.",
    "snapshot": "Copy the state directory consistently, with hashes.",
    "repair": "Show the plan of a repair; with --apply do exactly that.",
    "park": "Hide one session or agent from the next start, until unpark.",
    "unpark": "Put a parked session or agent back, also after a start.",
    "after": "Check a repair once the gateway is up.",
    "undo": "Put back what a run changed, byte for byte.",
    "runs": "List, show, verify or prune what earlier repairs kept.",
    "simulate": "Reproduce the storms of five incidents and compare remedies.",
    "explain": "Explain a finding: what it means, why, and what its repair does.",
    "fixtures": "Make directories to test with, and compare what they show.",
    "integrate": "Print a snippet for systemd, Docker, Kubernetes, cron, CI, others.",
    "completions": "Print a completion script for bash, zsh, fish or powershell.",
}
"""Verb -> one line of help, in the order of the help screen."""

PANELS = {
    "Examine": (
        *("scan", "forecast", "explain", "status", "cron", "stuck", "sessions", "orphans", "subagents", "usage"),
        "migration",
    ),
    "Repair": ("repair", "after", "undo", "runs", "park", "unpark", "snapshot"),
    "Scripts and services": ("gate", "check", "integrate", "completions"),
    "Try out": ("fixtures", "simulate"),
}
"""Heading of the help screen -> its verbs."""
USED_MOST = ("scan", "explain", "forecast", "repair", "after", "undo", "gate", "check")
"""What the short help screen describes."""

EXAMINING = frozenset(
    {
        *("scan", "forecast", "status", "cron", "stuck", "migration", "orphans", "subagents", "usage", "sessions"),
        *("check", "gate", "explain"),
    }
)
"""Verbs that take the state directory as an argument, too."""

GROUPS: dict[str, dict[str, str]] = {
    "simulate": {
        "cap-storm": "A store at its cap: a pass for every burst of new sessions (72826).",
        "stuck-cron": "Cron runs that never end, and a store that no longer loads (61633).",
        "subagent-maps": "Three maps that let nothing go (52725).",
        "chat-buffers": "Buffers of runs that never end (51821).",
        "usage-scan": "Usage calls that starve the event loop (003).",
    },
    "runs": {
        "list": "List every run and how far it got.",
        "show": "Show what a run did and whether it can be undone.",
        "verify": "Hash what the vault holds and compare with its manifest.",
        "prune": "Delete the originals of a run for good.",
    },
    "fixtures": {
        "list": "List the recipes and what each one makes.",
        "make": "Make a state directory by a recipe, byte for byte the same each time.",
        "validate": "Compare fixtures with what has to be found in them.",
        "set-up": "Copy a fixture's state directory with its times, modes and sizes, to examine it directly.",
        "new": "Turn a state directory into a small, anonymised fixture that shows the same.",
    },
}
"""Verbs with verbs of their own -> one line of help each."""


def function(verb: str, sub: str | None = None) -> Callable[..., Outcome]:
    """The function behind a verb: `gatewaydoctor.cli.verbs.<verb>` holds `<verb>`, or `<verb>_<sub>` for a group."""
    name = verb if sub is None else f"{verb}_{sub}".replace("-", "_")
    found: Callable[..., Outcome] = getattr(import_module(f"gatewaydoctor.cli.verbs.{verb}"), name)
    return found
