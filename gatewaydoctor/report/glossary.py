"""Words of the screens that are gatewaydoctor's own, as README's glossary and `explain WORD` tell them."""

from __future__ import annotations

from msgspec import Struct


class Term(Struct, frozen=True):
    """Words that are told together, and what they mean, each in turn; code in backticks."""

    words: tuple[str, ...]
    meaning: str


GLOSSARY = (
    Term(("state directory",), "the directory of one gateway, `~/.openclaw` by default"),
    Term(("store",), "`sessions.json`, or an agent database"),
    Term(
        ("session", "session key", "kind"),
        "a row of a store, its name, and what kind of session the name makes it",
    ),
    Term(("conversation",), "a session in which a person wrote"),
    Term(("job row", "run row"), "the sessions of cron: one per job, one per run"),
    Term(("tick", "burst"), "runs started together; many ticks in a short time"),
    Term(("stuck",), "marked running, with no sign of life for an hour and no gateway that runs"),
    Term(
        ("transcript", "unindexed transcript"),
        "the messages of a session; one that no session refers to",
    ),
    Term(("era",), "`files`, `mixed` (cron in a database) or `sqlite` (all in databases)"),
    Term(
        ("finding", "rule", "verdict"),
        'one thing that is wrong, what found it, and the answer to "will it start"',
    ),
    Term(("plan", "forecast"), "what a repair would do, and what the next start would do"),
    Term(
        ("vault", "run", "receipt"),
        "where originals are kept, one applied plan, and its record",
    ),
)


def term(word: str) -> Term | None:
    """The entry with this word, in any case of letters and in the plural too."""
    wanted = " ".join(word.lower().split())
    spelled = {wanted, wanted.removesuffix("s"), f"{wanted.removesuffix('ies')}y"}
    return next((each for each in GLOSSARY if spelled.intersection(each.words)), None)
