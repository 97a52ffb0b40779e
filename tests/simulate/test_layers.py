"""simulate/ stands on model, store and state, and on nothing above them."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gatewaydoctor" / "simulate"
ALLOWED = {"simulate", "model", "storage", "state", "system"}
HEAVY = {"matplotlib", "rich"}


def modules(folder: Path = PACKAGE) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found, folder
    return found


def imported(path: Path, *, at_top: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if at_top else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_imports_go_downwards() -> None:
    for path in modules():
        ours = {name.split(".")[1] for name in imported(path, at_top=False) if name.startswith("gatewaydoctor.")}
        assert ours <= ALLOWED, path


def test_the_models_load_neither_rich_nor_matplotlib() -> None:
    for path in modules():
        if path.name != "screen.py":
            assert not {name.split(".")[0] for name in imported(path, at_top=True)} & HEAVY, path


def test_the_reference_store_needs_nothing_but_itself() -> None:
    for path in modules(PACKAGE / "refstore"):
        ours = {name for name in imported(path, at_top=False) if name.startswith("gatewaydoctor.")}
        assert all(name.startswith("gatewaydoctor.simulate.refstore") for name in ours), path
