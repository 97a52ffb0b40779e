"""Words of the screens that are gatewaydoctor's own, as README's glossary and `explain WORD` tell them."""

from __future__ import annotations

from msgspec import Struct


class Term(Struct, frozen=True):
    """Words that are told together, and what they mean in turn; code in backticks. `each`: the meaning of every one
    by itself, where there are several."""

    words: tuple[str, ...]
    meaning: str
    each: tuple[str, ...] = ()

    @property
    def meanings(self) -> tuple[tuple[str, str], ...]:
        """Every word with its own."""
        return tuple(zip(self.words, self.each or (self.meaning,), strict=True))


GLOSSARY = (
    Term(("state directory",), "the directory of one gateway, `~/.openclaw` by default"),
    Term(("store",), "`sessions.json`, or an agent database"),
    Term(
        ("session", "session key", "kind"),
        "a row of a store, its name, and what kind of session the name makes it",
        (
            "a row of a store",
            "the name of that row",
            "what kind of session the name makes it, such as direct or cron-run",
        ),
    ),
    Term(("conversation",), "a session in which a person wrote"),
    Term(
        ("job row", "run row"),
        "the sessions of cron: one per job, one per run",
        ("the session that a cron job has for itself (base row)", "the session of one run of a cron job"),
    ),
    Term(
        ("tick", "burst"),
        "runs started together; many ticks in a short time",
        ("cron runs that started together", "many ticks in a short time"),
    ),
    Term(("stuck",), "marked running, with no sign of life for an hour and no gateway that runs"),
    Term(
        ("transcript", "unindexed transcript"),
        "the messages of a session; one that no session refers to",
        ("the messages of a session", "a transcript that no session refers to"),
    ),
    Term(("era",), "`files`, `mixed` (cron in a database) or `sqlite` (all in databases)"),
    Term(
        ("finding", "rule", "verdict"),
        'one thing that is wrong, what found it, and the answer to "will it start"',
        ("one thing that is wrong", "what finds it; each has a name to type", 'the answer to "will it start"'),
    ),
    Term(
        ("plan", "forecast"),
        "what a repair would do, and what the next start would do",
        ("what a repair would do; nothing is written yet", "what the next start would do, in order"),
    ),
    Term(
        ("vault", "run", "receipt"),
        "where originals are kept, one applied plan, and its record",
        (
            "the directory that keeps the originals, .gatewaydoctor in the state directory",
            "one applied plan, which can be undone",
            "the record of a run",
        ),
    ),
)


def term(word: str) -> Term | None:
    """The entry with this word, in any case of letters and in the plural too."""
    wanted = " ".join(word.lower().split())
    spelled = {wanted, wanted.removesuffix("s"), f"{wanted.removesuffix('ies')}y"}
    return next((each for each in GLOSSARY if spelled.intersection(each.words)), None)
