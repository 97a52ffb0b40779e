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
    "scan": "Everything on one screen: what is wrong, worst first, and the next step (the default).",
    "forecast": "Show what happens when the gateway starts, in order, with times and costs.",
    "status": "Entries by status and kind, their ages, and what makes the store big.",
    "cron": "Cron jobs by what their runs left behind: ticks, bursts, stuck runs.",
    "stuck": "Sessions marked running that are stuck, with the evidence.",
    "migration": "Audit the move to databases: what is in a database, only in files, or nowhere.",
    "orphans": "Files by class: unindexed history, archives, leftovers.",
    "subagents": "The subagent registry: what is never archived or has lost its child.",
    "usage": "What one sessions.usage call must read.",
    "sessions": "The entries themselves, filtered, as a table or a stream.",
    "check": "The gate: the same findings, one decision, for scripts, CI and monitoring.",
    "gate": "Stop a start that would lose data, fail or loop: for ExecStartPre and entrypoints.",
    "snapshot": "A consistent copy of the state directory, with hashes.",
    "repair": "Shows a plan of what would go and what stays; with --apply does exactly that.",
    "park": "Take one session or agent out of the next start's sight, until unpark.",
    "unpark": "Put back a parked session or agent, also after the gateway has run.",
    "after": "Check a repair once the gateway is up: sessions there, no new burst, jobs still disabled.",
    "undo": "Put back what a run changed, byte for byte.",
    "runs": "What earlier repairs kept: list, show, verify, prune.",
    "simulate": "Reproduce the storms of five incidents and compare remedies.",
    "explain": "What a finding means, why it happens, what the gateway will do.",
    "fixtures": "Directories to test with: make them, and compare them with what they should show.",
    "integrate": "A ready snippet for systemd, launchd, Docker, Kubernetes, cron, CI, monitoring or a fleet.",
    "completions": "Print a completion script for bash, zsh, fish or powershell.",
}
"""Verb -> one line of help, in the order of the help screen."""

EXAMINING = frozenset(
    {
        *("scan", "forecast", "status", "cron", "stuck", "migration", "orphans", "subagents", "usage", "sessions"),
        *("check", "gate"),
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
        "list": "Every run of this state directory and how far it came.",
        "show": "Show what a run did and whether it can be undone.",
        "verify": "Hash what the vault holds and compare with its manifest.",
        "prune": "Delete the originals of a run for good.",
    },
    "fixtures": {
        "list": "The recipes and what each one makes.",
        "make": "Make a state directory by a recipe, byte for byte the same each time.",
        "validate": "Compare fixtures with what has to be found in them.",
        "set-up": "Copy a fixture's state directory with its times, modes and sizes, to examine it directly.",
        "new": "Turn a state directory into a small, anonymised fixture that shows the same.",
    },
}
"""Verbs with verbs of their own -> one line of help each."""


def function(verb: str, sub: str | None = None) -> Callable[..., Outcome]:
    """The function behind a verb: `gatewaydoctor.cli.<verb>` holds `<verb>`, or `<verb>_<sub>` for a group."""
    name = verb if sub is None else f"{verb}_{sub}".replace("-", "_")
    found: Callable[..., Outcome] = getattr(import_module(f"gatewaydoctor.cli.verbs.{verb}"), name)
    return found
