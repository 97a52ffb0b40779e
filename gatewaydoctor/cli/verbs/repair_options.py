"""The options of `repair`, and the words they take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.writing import (
    no_directory,
)
from gatewaydoctor.model.errors import UsageError, unknown_word
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.repair.drafting.options import ENDINGS, Repair

if TYPE_CHECKING:
    from collections.abc import Sequence


_TRIM, _CRON = "Which rows and files (trim, expire, temps, subagents, queues)", "Which jobs (cron)"

RepairNames = Annotated[
    list[str] | None, argument(metavar="[REPAIR]...", help="All recommended ones when none is named.")
]
Apply = Annotated[bool, option("--apply", help="Do it. Without this only the plan is shown.")]
PlanFile = Annotated[str | None, option("--plan", metavar="FILE", help="Apply this saved plan.")]
PlanOut = Annotated[str | None, option("--plan-out", metavar="FILE", help="Save the plan.")]
Resume = Annotated[str | None, option("--resume", metavar="RUN", help="Finish an interrupted run.")]
KindOption = Annotated[
    list[str] | None,
    option("--kind", metavar="KIND", help="trim: another disposable kind; repeatable.", panel=_TRIM),
]
StatusOption = Annotated[
    list[str] | None, option("--status", metavar="WORD", help="trim: only this status.", panel=_TRIM)
]
JobOption = Annotated[list[str] | None, option("--job", metavar="JOB", help="trim: only this cron job.", panel=_TRIM)]
OlderThan = Annotated[
    str | None,
    option(
        "--older-than",
        metavar="TIME",
        help="trim, temps, subagents, queues: age from which they go.",
        panel=_TRIM,
    ),
]
KeepPerJob = Annotated[
    str, option("--keep-per-job", metavar="N", help="trim: newest runs kept, or `all`.", panel=_TRIM)
]
MaxEntries = Annotated[
    int | None, option("--max-entries", metavar="N", help="trim: rows left, at most.", panel=_TRIM)
]
Transcripts = Annotated[
    str, option("--transcripts", metavar="vault|leave", help="trim: of rows that go.", panel=_TRIM)
]
EndAs = Annotated[str, option("--end-as", metavar="STATUS", help="expire: failed, timeout or killed.", panel=_TRIM)]
Disable = Annotated[
    list[str] | None,
    option("--disable", metavar="JOB", help="cron: disable this job; repeatable.", panel=_CRON),
]
Enable = Annotated[
    list[str] | None,
    option("--enable", metavar="JOB", help="cron: enable this job; repeatable.", panel=_CRON),
]
Park = Annotated[
    list[str] | None,
    option("--park", metavar="JOB", help="cron: take this job out of the gateway's sight.", panel=_CRON),
]
Unpark = Annotated[
    list[str] | None,
    option("--unpark", metavar="JOB", help="cron: put a parked job back.", panel=_CRON),
]
Drop = Annotated[
    list[str] | None,
    option("--drop", metavar="JOB", help="cron: let a parked job go for good.", panel=_CRON),
]
Name = Annotated[
    list[str] | None,
    option("--name", metavar="KEY", help="Let this session or file go although protected; repeatable."),
]


Retrying = Annotated[
    bool | None,
    option(
        "--disable-retrying/--leave-retrying",
        help="Disable jobs that retry without end, if their runs go. [default: if a person confirms]",
        shows_default=False,
    ),
]


def repairs_named(words: list[str] | None) -> tuple[Repair, ...]:
    known = [repair.value for repair in Repair]
    for word in words or ():
        if word not in known:
            no_directory(word, "a repair", here=True)
            raise _no_such_repair(word, known)
    return tuple(repair for repair in Repair if repair.value in (words or ()))


def _no_such_repair(word: str, known: Sequence[str]) -> UsageError:
    """A rule that was named instead leads to its repair."""
    from gatewaydoctor.checks.judge import all_rules

    rule = next((rule for rule in all_rules() if rule.id == word), None)
    if rule is not None and rule.repair:
        return UsageError(
            f"{word} is a rule; its repair is {rule.repair}.", f"Run `gatewaydoctor repair {rule.repair}`."
        )
    if rule is not None:
        hint = f"`gatewaydoctor explain {word}` shows what to do by hand."
        return UsageError(f"{word} is a rule, and no repair removes its findings.", hint)
    return unknown_word("repair", word, known)


def kept_per_job(text: str) -> int | None:
    if text == "all":
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(f"--keep-per-job {text!r} is not valid.", "Use a number from 0 on, or `all`.")
    return int(text)


def goes_to_vault(word: str) -> bool:
    if word not in ("vault", "leave"):
        raise unknown_word("word for --transcripts:", word, ("vault", "leave"))
    return word == "vault"


def end_status(word: str) -> Status:
    endings = {each.value: each for each in ENDINGS}
    if word not in endings:
        raise unknown_word("status for --end-as:", word, endings)
    return endings[word]
