"""The description the scripts and the manual page are made from says what the program does."""

from __future__ import annotations

import re

import pytest

from gatewaydoctor.cli.parser import verb_table as verbs
from gatewaydoctor.cli.parser.describe import described
from gatewaydoctor.cli.parser.options import takes_value
from gatewaydoctor.completion.tree import Option, Values, Word, plain
from gatewaydoctor.repair.drafting.options import REPAIRS, Repair
from gatewaydoctor.simulate.releases import RELEASES
from tests.cli.harness import run

PROGRAM = described()
LEAVES = {leaf.name: leaf for leaf in PROGRAM.leaves}
PLACES = [(leaf, place) for leaf in PROGRAM.leaves for place in (*leaf.arguments, *leaf.options)]


FREE = {"TIME", "N", "X", "INT", "FLOAT", "STR", "GLOB", "SIZE", "KEY", "FROM=TO", "NAME"}
FREE |= {"FORM", "SECONDS", "IMAGE", "COMMAND"}
"""Metavars of places where only the operator knows what to give."""


def option(verb: str, name: str) -> Option:
    return next(each for each in LEAVES[verb].options if name in each.names)


def words(values: Values | None) -> list[str]:
    return [word.text for word in values.words] if values else []


def test_every_verb_is_described_once() -> None:
    single = [verb for verb in verbs.VERBS if verb not in verbs.GROUPS]
    grouped = [f"{verb} {sub}" for verb, subs in verbs.GROUPS.items() for sub in subs]
    assert sorted(LEAVES) == sorted([*single, *grouped])


def test_somebody_has_decided_about_every_place() -> None:
    """A new metavar is either one that cli/values.py knows, or one of these."""
    undecided = {place.metavar for _, place in PLACES if place.metavar is not None and place.values is None}
    assert {metavar.strip("[].") for metavar in undecided} <= FREE


def test_values_of_one_name_are_the_same() -> None:
    met: dict[str, Values] = {}
    for _, place in PLACES:
        if place.values:
            assert met.setdefault(place.values.name, place.values) == place.values


def test_an_option_takes_a_value_with_every_verb_or_with_none() -> None:
    """fish and the words before the verb rely on it."""
    kinds: dict[str, set[bool]] = {}
    for leaf in PROGRAM.leaves:
        for each in leaf.options:
            for name in each.names:
                kinds.setdefault(name, set()).add(each.metavar is not None)
    assert [name for name, seen in kinds.items() if len(seen) > 1] == []


def test_words_can_stand_in_a_script_unquoted() -> None:
    for values in PROGRAM.all_values:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", values.name)
        for word in words(values):
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*=?", word), word
        assert len(words(values)) == len(set(words(values)))


@pytest.mark.parametrize("verb", LEAVES)
def test_the_formats_offered_are_those_the_verb_has(verb: str) -> None:
    """A wrong one is refused with a list of the right ones, before anything is looked at."""
    needed = {
        "DEST": (),
        "DIR": ("/nowhere",),
        "SHELL": ("bash",),
        "RECIPE": ("cap-storm",),
        "NAME": ("n",),
        "RUN": ("r",),
        "KEY": ("agent:main:main",),
    }
    needed["TARGET"] = ("cron",)
    given = [word for each in LEAVES[verb].arguments for word in needed.get(each.metavar.strip("[]"), ())]
    given += [word for each in LEAVES[verb].options if each.required for word in (each.names[0], "/nowhere/x")]
    ran = run(*LEAVES[verb].path, *given, "--state-dir", "/nowhere", "--format", "runes")
    if verb == "gate":  # which holds no start back over a wrong word
        assert (ran.code, words(option(verb, "--format").values)) == (0, ["text", "json"])
        return
    assert ran.code == 2
    refused = re.search(r"Use one of: (.*)\.\n", ran.err)
    assert refused, ran.err
    assert refused[1].split(", ") == words(option(verb, "--format").values)


def test_global_options_are_those_that_may_stand_first() -> None:
    for leaf in PROGRAM.leaves:
        for each in leaf.options:
            if "--help" not in each.names:
                assert each.is_global == (takes_value(each.names[0]) is not None)
    assert PROGRAM.adopted == ("--fail-on", "--max-age", "--stuck-after", "--threshold", "--verify", "--output")


@pytest.mark.parametrize(
    ("verb", "name", "known"),
    [
        ("check", "--fail-on", ["critical", "error", "warning", "info", "never"]),
        ("repair", "--end-as", ["failed", "timeout", "killed"]),
        ("repair", "--transcripts", ["vault", "leave"]),
        ("simulate chat-buffers", "--remedy", ["sweep-stale-buffers", "all"]),
        ("simulate usage-scan", "--policy", list(RELEASES)),
    ],
)
def test_some_options_know_their_words(verb: str, name: str, known: list[str]) -> None:
    assert words(option(verb, name).values) == known


def test_each_scenario_offers_its_own_remedies_only() -> None:
    cap, usage = (set(words(option(f"simulate {name}", "--remedy").values)) for name in ("cap-storm", "usage-scan"))
    assert "append-log" in cap - usage
    assert "paginate" in usage - cap


def test_every_repair_has_a_purpose() -> None:
    assert set(REPAIRS) == set(Repair)
    assert words(LEAVES["repair"].arguments[0].values) == [repair.value for repair in Repair]


def test_the_help_of_repair_names_every_repair() -> None:
    from gatewaydoctor.cli.verbs.repair import repair

    assert set(Repair) <= set(re.findall(r"[a-z]+", (repair.__doc__ or "").partition("Repairs: ")[2]))


def test_help_is_one_plain_line() -> None:
    assert plain("Say `running`\n  twice.") == "Say running twice."
    assert Word("a").help == ""
