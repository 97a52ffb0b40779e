"""What releases do is asked of their behaviour, in one table; other tables answer for every policy."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.release import BEHAVIOURS, UNKNOWN_RELEASE, Policy, numbers
from gatewaydoctor.state.place.release import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent.parent / "gatewaydoctor"


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of every module that names a policy, with its place."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        if "Policy" in text:
            for node in ast.walk(ast.parse(text)):
                yield f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}", node


def names_policy(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Policy"


def compares(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) and any(
        names_policy(inner) for side in node.comparators for inner in ast.walk(side)
    )


def test_no_comparison_with_a_policy() -> None:
    assert [where for where, node in nodes() if compares(node)] == []


def test_a_comparison_is_seen() -> None:
    assert compares(ast.parse("policy in (Policy.V2026_3_28, None)", mode="eval").body)


def test_tables_answer_for_every_policy() -> None:
    tables = {
        where: sum(map(names_policy, node.keys))
        for where, node in nodes()
        if isinstance(node, ast.Dict) and any(map(names_policy, node.keys))
    }
    assert len(tables) >= 3
    assert {where: count for where, count in tables.items() if count != len(Policy)} == {}


def test_the_table_is_in_order_of_time() -> None:
    first = [behaviour.since for behaviour in BEHAVIOURS.values()]
    assert list(BEHAVIOURS) == list(Policy)
    assert first == sorted(set(first))


@pytest.mark.parametrize("policy", Policy)
def test_a_policy_is_that_of_its_own_release(policy: Policy) -> None:
    assert policy_of(policy.value) is policy


def test_nothing_is_taken_for_granted_of_an_unknown_release() -> None:
    assert not UNKNOWN_RELEASE.known
    assert UNKNOWN_RELEASE.behaviour.config_exit is None
    assert not UNKNOWN_RELEASE.behaviour.deletes_archives


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026.4.25", (2026, 4, 25)),
        (" v2026.7.2-beta.1", (2026, 7, 2)),
        ("2026.4", None),
        ("2026.4.2500", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers(text: str | None, expected: tuple[int, int, int] | None) -> None:
    assert numbers(text) == expected
