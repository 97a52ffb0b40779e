"""A plain command line is read as typer would read it, and most that people type is plain."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewaydoctor.cli.parser import app, verb_table
from gatewaydoctor.cli.parser.options import parameters
from gatewaydoctor.cli.parser.parameters import Option, declared
from gatewaydoctor.cli.parser.plain import plain_values
from gatewaydoctor.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from gatewaydoctor.cli.parser.parameters import Parameter

PATHS = [
    (verb, *([sub] if sub else [])) for verb in verb_table.VERBS for sub in verb_table.GROUPS.get(verb, {"": ""})
]
WORDS = (
    "x",
    "name=value",
    "",
    "-",
    "--",
    "-qv",
    "-q=1",
    "--json=yes",
    "--state-dir=",
    "--state-dir=a=b",
    "--verb",
    "1",
)


def _parameters(path: tuple[str, ...]) -> list[Parameter]:
    return parameters(verb_table.function(*path), examines=path[0] in verb_table.EXAMINING)


def _by_typer(path: tuple[str, ...], words: list[str]) -> dict[str, Any] | None:
    """The values typer calls the verb with; None where it refuses the line or shows help."""
    taken: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "called", lambda function, start, values: taken.append(values))
        try:
            app.run_app(path[0], [*path, *words])
        except Exception as refused:
            assert hasattr(refused, "format_message"), refused
    return taken[0] if taken else None


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
@settings(max_examples=20)
@given(data=st.data())
def test_a_plain_line_has_the_values_typer_gives_it(path: tuple[str, ...], data: st.DataObject) -> None:
    taken = _parameters(path)
    names = [name for each in taken if isinstance(about := declared(each), Option) for name in about.names]
    words = data.draw(st.lists(st.sampled_from([*names, *(f"{name}=x" for name in names), *WORDS]), max_size=6))
    try:
        values = plain_values(taken, words)
    except UsageError:
        # The only line that is refused before typer sees it.
        assert any(one in names and other in names for one, other in pairwise(words))
        return
    if values is not None:
        assert values == _by_typer(path, words)


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("check --state-dir /x --now 1 --only a --only b", True),
        ("scan /x -v", True),
        ("repair trim slim --apply --yes --keep-per-job 1", True),
        ("runs show 2026", True),
        ("gate --limit 5", False),
        ("check --help", False),
        ("check -qv", False),
        ("check --nonsense", False),
        ("explain one two three", False),
        ("unpark", False),
    ],
)
def test_which_lines_are_plain(line: str, plain: bool) -> None:
    name, *words = line.split()
    path = (name, words.pop(0)) if name in verb_table.GROUPS else (name,)
    assert (plain_values(_parameters(path), words) is not None) is plain


def test_a_plain_line_loads_no_typer() -> None:
    from tests.cli.harness import spawn

    ran = spawn("check", "--state-dir", "/nowhere", "--debug", PYTHONVERBOSE="1")
    assert ran.code == ExitCode.CANNOT_EXAMINE
    assert "import 'gatewaydoctor.cli.parser.plain'" in ran.err
    assert "import 'typer" not in ran.err
