"""Expressions that are compiled at their first use are those of re.compile."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import gatewaydoctor
from gatewaydoctor.model.regex import Uncompiled, regex


def test_matches_as_the_compiled_expression_does() -> None:
    lazy, usual = regex(r"([a-z]+)-(\d+)", re.IGNORECASE), re.compile(r"([a-z]+)-(\d+)", re.IGNORECASE)
    for text in ("Run-17", "run", "x run-2 y-3"):
        assert [found.groups() for found in lazy.finditer(text)] == [found.groups() for found in usual.finditer(text)]
        assert bool(lazy.fullmatch(text)) == bool(usual.fullmatch(text))
    assert regex(rb"\s+").sub(b"_", b"a  b") == b"a_b"


def test_a_mistake_is_raised_at_the_first_use() -> None:
    wrong = regex("(")
    with pytest.raises(re.error):
        wrong.match("x")


def test_every_expression_of_the_package_compiles() -> None:
    modules = [
        import_module(found.name)
        for found in pkgutil.walk_packages(gatewaydoctor.__path__, "gatewaydoctor.")
        if not found.name.endswith("__main__")
    ]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Uncompiled)]
    assert len(found) > 50
    for expression in found:
        assert isinstance(expression.pattern, str | bytes)
