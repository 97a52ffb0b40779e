"""The manual page, in the man macros of troff. Commands and options come from the description of the command line."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import EXIT_MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.completion.tree import Argument, Option, Program, VerbNode

SHORT = "examine and repair an OpenClaw state directory, offline"

ENVIRONMENT = {
    "OPENCLAW_STATE_DIR": "The state directory, if `--state-dir` is not given. Takes precedence over `--profile`.",
    "OPENCLAW_PROFILE": "The profile `integrate` uses if `--profile` is not given; no other verb reads it.",
    "OPENCLAW_CONFIG_PATH": "The config file, if `--config` is not given.",
    "OPENCLAW_HOME": "Replaces HOME when looking for the state directory, as it does for the gateway.",
    "CLAWDBOT_STATE_DIR": "Read by the oldest releases; used if none of the above is given.",
    "OPENCLAW_GATEWAY_PORT": "The port on which to look for a running gateway.",
    "OPENCLAW_GATEWAY_PASSWORD": "Only whether it is set: a gateway that asks for a password does not start without.",
    "OPENCLAW_INCLUDE_ROOTS": "More directories from which the config may include files.",
    "GATEWAYDOCTOR_NOW": "The clock for every age without `--now`: ISO time or epoch ms. What writes refuses it.",
    "GATEWAYDOCTOR_GATE": "`off` makes the snippets from `integrate` start the gateway without a check.",
    "GATEWAYDOCTOR_CACHE": "Where gatewaydoctor.pyz unpacks its compiled parts.",
    "GITHUB_STEP_SUMMARY": "The file `--format github` adds a summary to.",
    "GITHUB_WORKSPACE": "What `--format github` makes paths relative to.",
    "NO_COLOR": "Disables colours, whatever its value.",
    "COLUMNS": "The width of tables.",
}

FILES = {
    "~/.openclaw": "The default state directory; `~/.openclaw-NAME` for a profile.",
    "openclaw.json": "The config, in the state directory.",
    "agents/ID/sessions/sessions.json": "The session store of an agent, next to its transcripts.",
    "cron/jobs.json": "The cron jobs.",
    "subagents/runs.json": "The subagent registry.",
    ".gatewaydoctor/runs/RUN": (
        "The vault: the originals of files that runs changed. Only `runs prune` deletes from it."
    ),
    "gatewaydoctor.toml": "Settings of `check`, where it runs; or `[tool.gatewaydoctor]` of pyproject.toml.",
}

EXAMPLES = (
    ("gatewaydoctor", "Scan the state directory the gateway would use."),
    ("gatewaydoctor --profile work stuck", "List the stuck entries of a profile, with the evidence."),
    ("gatewaydoctor repair", "Show the repair plan; write nothing."),
    ("gatewaydoctor repair --apply", "Apply it. Originals move to the vault."),
    ("gatewaydoctor undo", "Undo the last run, byte for byte."),
    ("gatewaydoctor check --fail-on error --format junit --output report.xml", "Fail a CI job on errors."),
    ("gatewaydoctor integrate systemd", "Print a drop-in that stops a start only if it would lose data."),
    ("gatewaydoctor sessions --kind cron-run --older-than 2d --format ndjson", "List old run rows, one per line."),
)

EDITED = "2026-11-21"
"""When the words of this file last changed."""

WIDTH = 78
MOST_WORDS = 30
"""More than these are not list to read here."""

SEE_ALSO = (("jq", 1), ("fsck", 8), ("systemd.service", 5))


def page(program: Program, version: str) -> str:
    """The whole page."""
    lines = [
        '.\\" Made by: make man',
        f'.TH GATEWAYDOCTOR 1 "{EDITED}" "gatewaydoctor {version}" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"gatewaydoctor \\- {SHORT}",
        ".SH SYNOPSIS",
        *_synopsis(program),
        ".SH DESCRIPTION",
        *_paragraphs(f"{program.summary}\n\n{program.text}"),
        ".SH COMMANDS",
        *(line for leaf in program.leaves for line in _command(leaf, program)),
        ".SH GLOBAL OPTIONS",
        "They go before or after the verb.",
        *(line for option in program.options if option.is_global for line in _global(option)),
        ".SH EXIT STATUS",
        *(line for code, meaning in EXIT_MEANINGS.items() for line in _item(f"\\fB{int(code)}\\fR", meaning)),
        ".SH ENVIRONMENT",
        *(line for name, text in ENVIRONMENT.items() for line in _item(f"\\fB{name}\\fR", text)),
        ".SH FILES",
        *(line for name, text in FILES.items() for line in _item(f"\\fI{_troff(name)}\\fR", text)),
        ".SH EXAMPLES",
        *(line for command, text in EXAMPLES for line in _item(f"\\fB{_troff(command)}\\fR", text)),
        ".SH SEE ALSO",
        ", ".join(f"\\fB{_troff(name)}\\fR({section})" for name, section in SEE_ALSO),
    ]
    return "\n".join(lines) + "\n"


def _synopsis(program: Program) -> Iterator[str]:
    yield "\\fBgatewaydoctor\\fR [\\fIOPTION\\fR]... [\\fIVERB\\fR [\\fIARGUMENT\\fR]...]"
    for leaf in program.leaves:
        yield ".br"
        yield f"\\fBgatewaydoctor {_troff(leaf.name)}\\fR [\\fIOPTION\\fR]...{_arguments(leaf.arguments)}"


def _arguments(arguments: Iterable[Argument]) -> str:
    return "".join(f" {re.sub('[A-Z]+', _variable, each.metavar)}" for each in arguments)


def _variable(word: re.Match[str]) -> str:
    return f"\\fI{word[0]}\\fR"


def _command(command: VerbNode, program: Program) -> Iterator[str]:
    yield f'.SS "gatewaydoctor {_troff(command.name)}"'
    yield from _paragraphs(f"{command.summary}\n\n{command.text}".strip())
    for argument in command.arguments:
        yield from _item(f"\\fI{_troff(argument.metavar.strip('[].'))}\\fR", argument.help)
        yield from _known(argument)
    for option in program.own(command):
        if not option.is_global:
            yield from _item(_names(option), option.help)
            yield from _known(option)


def _global(option: Option) -> Iterator[str]:
    also = " All verbs support `text` and `json`." if "--format" in option.names else ""
    return _item(_names(option), option.help + also)


def _names(option: Option) -> str:
    names = ", ".join(f"\\fB{_troff(name)}\\fR" for name in option.names)
    return names if option.metavar is None else f"{names} \\fI{_troff(option.metavar)}\\fR"


def _known(place: Option | Argument) -> Iterator[str]:
    """The words that may be there, where there are a few and the help does not list them."""
    words = place.values.words if place.values else ()
    if len(words) > MOST_WORDS or all(word.text in place.help for word in words):
        return
    if all(word.help for word in words):
        yield ".RS"
        for word in words:
            yield from _item(f"\\fB{_troff(word.text)}\\fR", word.help)
        yield ".RE"
    else:
        yield from _line(f"One of: {', '.join(word.text.removesuffix('=') for word in words)}.")


def _item(tag: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield tag
    yield from _paragraphs(text)


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield from _line(paragraph)


def _line(text: str) -> Iterator[str]:
    """Prose on lines of a width to read: words in backticks are bold, and none at the start of a line is taken for a
    request."""
    parts = " ".join(text.split()).split("`")
    marked = "".join(f"\\fB{_troff(part)}\\fR" if place % 2 else _troff(part) for place, part in enumerate(parts))
    for line in wrap(marked, WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"\\&{line}" if line.startswith((".", "'")) else line


def _troff(text: str) -> str:
    """The text as it stands: a hyphen that can be copied, a quote that stays straight."""
    return text.translate(_SPELLED)


_SPELLED = str.maketrans({"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"})
