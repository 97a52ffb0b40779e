"""Every error has a stable code, an exit code that says no more than it knows, and the next step."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from pathlib import Path

import gatewaydoctor
from gatewaydoctor.model.errors import EXIT_MEANINGS, DoctorError, ExitCode

PACKAGE = Path(gatewaydoctor.__file__).parent
OF_FAILURES = {
    ExitCode.CANNOT_EXAMINE,
    ExitCode.REFUSED,
    ExitCode.PUT_BACK,
    ExitCode.LEFT_HALFWAY,
    ExitCode.INTERRUPTED,
}


def errors(root: type[DoctorError] = DoctorError) -> set[type[DoctorError]]:
    """The root and all that descend from it, with every module loaded."""
    if root is DoctorError:
        for module in pkgutil.walk_packages(gatewaydoctor.__path__, "gatewaydoctor."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return {root}.union(*map(errors, root.__subclasses__()))


def test_codes_are_stable_words_of_one_exit_code() -> None:
    exits: dict[str, set[ExitCode]] = defaultdict(set)
    for error in errors():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code), error
        assert error.exit_code in OF_FAILURES, error
        exits[error.code].add(error.exit_code)
    assert len(exits) > 8
    assert {code: found for code, found in exits.items() if len(found) > 1} == {}


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_MEANINGS) == set(ExitCode)


def takes_a_hint(error: type[DoctorError]) -> bool:
    return list(inspect.signature(error).parameters)[:2] == ["message", "hint"]


def without_a_hint(source: str, names: set[str]) -> list[int]:
    """Lines where one of these errors is made without a second argument, or with an empty one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            hints = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "hint")]
            starred = any(isinstance(arg, ast.Starred) for arg in node.args)
            if not starred and (not hints or (isinstance(hints[0], ast.Constant) and not hints[0].value)):
                found.append(node.lineno)
    return found


def test_every_error_says_what_to_do() -> None:
    names = {error.__name__ for error in errors() if takes_a_hint(error)}
    assert {"UsageError", "CannotExamine"} <= names
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in without_a_hint(path.read_text(), names)
    ]
    assert found == []


def test_an_error_without_a_next_step_is_seen() -> None:
    assert without_a_hint("raise UsageError('No.', '')", {"UsageError"}) == [1]
    assert without_a_hint("raise UsageError('No.')", {"UsageError"}) == [1]
