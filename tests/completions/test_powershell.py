"""The script for PowerShell, as far as it can be judged without one: its brackets, its tables and what they name."""

from __future__ import annotations

import re

from gatewaydoctor.cli.parser.describe import described
from gatewaydoctor.completion.tree import Values
from tests.completions.shells import script

PROGRAM = described()
TEXT = script("powershell").read_text()
STRING = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|#.*")


def bare() -> str:
    """The script without its strings and comments."""
    return STRING.sub("", TEXT)


def table(name: str) -> str:
    """The rows of one of the tables at the start."""
    found = re.search(rf"^    \${name} = (?:\[ordered\])?@\{{\n(.*?)^    \}}$", TEXT, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_brackets_close_in_order() -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    opened: list[str] = []
    for char in bare():
        if char in pairs.values():
            opened.append(char)
        elif char in pairs:
            assert opened.pop() == pairs[char]
    assert opened == []
    assert "'" not in bare()


def test_it_registers_one_native_completer() -> None:
    assert bare().count("Register-ArgumentCompleter -Native -CommandName gatewaydoctor -ScriptBlock {") == 1
    assert "param($wordToComplete, $commandAst, $cursorPosition)" in bare()


def test_no_table_has_a_key_twice() -> None:
    """Keys differ in more than case: PowerShell does not tell `-v` from `-V`."""
    levels: list[set[str]] = []
    for line in TEXT.splitlines():
        key = re.match(r" +('(?:[^']|'')*') = ", line)
        if key:
            assert key[1].casefold() not in levels[-1], line
            levels[-1].add(key[1].casefold())
        opened = STRING.sub("", line)
        levels += [set() for _ in range(opened.count("{"))]
        del levels[len(levels) - opened.count("}") :]
    assert levels == []


def test_every_verb_and_option_is_in_a_table() -> None:
    verbs, everywhere = table("verbs"), table("everywhere")
    for leaf in PROGRAM.leaves:
        start = verbs.index(f"        '{leaf.name}' = @{{\n")
        own = verbs[start : verbs.index("\n        }\n", start) + 1]
        for option in leaf.options:
            for name in option.names:
                assert f"'{name}' = " in own or f"'{name}' = " in everywhere


def test_every_name_of_values_leads_to_words_a_question_or_paths() -> None:
    named = set(re.findall(r"'--?[\w-]+' = '([a-z-]+)', ", TEXT))
    for arguments in re.findall(r"Arguments = @\((.*)\)", TEXT):
        named |= {word.strip("' ") for word in arguments.split(",") if word}
    known = {values.name: values for values in PROGRAM.all_values}
    assert named - {"free"} == set(known)
    for values in known.values():
        assert isinstance(values, Values)
        assert (f"        '{values.name}' = [ordered]@{{" in table("words")) == bool(values.words)
        assert (f"'{values.name}' = " in table("asked")) == (values.source is not None)
        assert values.words or values.source or values.path
