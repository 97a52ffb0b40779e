"""Which user-role messages a machine wrote: literal markers of 2026.3.28 and 2026.5.22. Text is never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOTSTRAP_MARKER = "openclaw:bootstrap-context:full"
"""customType of the line a full bootstrap leaves (agents/bootstrap-files). A boot loop repeats it."""

BOOT_PREFIXES = (
    "You are running a boot check.",
    "[System] Your previous turn was interrupted by a gateway",
)
"""Prompts that a start of the gateway writes: the boot hook and restart recovery."""

MACHINE_PREFIXES = (
    *BOOT_PREFIXES,
    "[cron:",
    "[Subagent Context]",
    "[Subagent Task]",
    "Read HEARTBEAT.md if it exists",
    "[OpenClaw heartbeat poll]",
    "Run the following periodic tasks (only those due",
    "A scheduled reminder has been triggered.",
    "A scheduled cron event was triggered",
    "An async command you ran earlier has completed.",
    "Pre-compaction memory flush",
    "[Inter-session message]",
    "[Post-compaction context refresh]",
    "Continue where you left off. The previous model attempt failed",
    "Write a dream diary entry from these memory fragments",
    "A new session was started via /new or /reset",
    "[OpenClaw session ",
    "SECURITY NOTICE: The following content is from an EXTERNAL",
)
"""Cron prompts, subagent tasks, heartbeats, reminders, hooks, memory and dreaming, the greeting of a new session."""

_MACHINE_PROVENANCE = frozenset({"inter_session", "internal_system"})

# What the gateway puts before a message: the time, and queued system events, one per line.
_CLOCK = regex(r"\[[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} \d{2}:\d{2}[^\]\n]{0,40}\] ")
_EVENT = regex(r"System(?: \(untrusted\))?: \[")
_EVENT_MORE = regex(r"System(?: \(untrusted\))?: ")
# A hook's prompt may carry one line about itself before the notice.
_HOOK_CONTEXT = regex(r"(?:Task|Job ID|Received): [^\n]*\n\n")


def is_machine_text(text: str, prompts: tuple[str, ...] = ()) -> bool:
    """Whether the gateway wrote this user message. `prompts` are configured ones, such as agents' heartbeat prompts.
    A message of queued system events alone counts; one that goes on after them is judged by what follows."""
    body = text.lstrip()
    if _EVENT.match(body):
        body = _after_events(body)
        if not body:
            return True
    if clock := _CLOCK.match(body):
        body = body[clock.end() :]
    if context := _HOOK_CONTEXT.match(body):
        body = body[context.end() :]
    return body.startswith(MACHINE_PREFIXES) or (bool(prompts) and body.startswith(prompts))


def is_machine_provenance(provenance: object) -> bool:
    """Messages between sessions and of the gateway itself say so in a field of their own (since 2026.3)."""
    return isinstance(provenance, dict) and provenance.get("kind") in _MACHINE_PROVENANCE


def is_boot_text(text: str) -> bool:
    body = text.lstrip()
    if _EVENT.match(body):
        body = _after_events(body)
    if clock := _CLOCK.match(body):
        body = body[clock.end() :]
    return body.startswith(BOOT_PREFIXES)


def is_only_events(text: str) -> bool:
    """Whether the text is queued system events and nothing else."""
    body = text.lstrip()
    return _EVENT.match(body) is not None and not _after_events(body)


def texts(message: Mapping[str, object]) -> tuple[list[str], bool]:
    """The message's texts, and whether it holds nothing else, such as an attachment."""
    content = message.get("content")
    if isinstance(content, str):
        return [content], True
    blocks = content if isinstance(content, list) else [content] if content else []
    found = [
        block["text"]
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str)
    ]
    return found, len(found) == len(blocks)


def _after_events(body: str) -> str:
    lines = body.split("\n")
    for index, line in enumerate(lines):
        if line.strip() and not _EVENT_MORE.match(line):
            return "\n".join(lines[index:])
    return ""
