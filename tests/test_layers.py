"""Imports go downwards only (docs/architecture.md section 11)."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gatewaydoctor"

LAYERS = (
    ("model",),
    ("system",),
    ("storage",),
    ("state",),
    ("examine",),
    ("checks",),
    ("report", "repair", "simulate", "fixtures", "integrate"),
    ("completion",),
    ("cli",),
)
"""From the bottom up. A layer may use those below it; the parts of one layer may not use each other."""

EXCEPTIONS = {
    ("state", "gatewaydoctor.storage"): (
        "gatewaydoctor.storage.jsontext",
        "gatewaydoctor.storage.database",
        "gatewaydoctor.storage.sqlite",
    )
}
"""What one layer may use of another, where that is less than all."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
NO_LAYER = {"__init__", "__main__"}


def imports(source: str, package: str) -> list[str]:
    """Every module imported anywhere in a source, for types or inside functions as well."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from gatewaydoctor import cli` names a layer, and `from gatewaydoctor.storage import files` a room.
            if module == "gatewaydoctor" or (PACKAGE.parent / module.replace(".", "/")).is_dir():
                found += [f"{module}.{alias.name}" for alias in node.names]
            else:
                found.append(module)
    return found


def wrong(layer: str, module: str) -> bool:
    """Whether a file of this layer may not import that module."""
    top, _, rest = module.partition(".")
    if top != "gatewaydoctor" or not rest:
        return False
    other = rest.partition(".")[0]
    if other not in LEVEL or other == layer:
        return False
    if LEVEL[other] >= LEVEL[layer]:
        return True
    allowed = EXCEPTIONS.get((layer, f"gatewaydoctor.{other}"))
    return allowed is not None and not module.startswith(allowed)


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_part_has_a_layer() -> None:
    parts = {layer_of(path) for path in PACKAGE.rglob("*.py")}
    assert parts - NO_LAYER == set(LEVEL)


def test_no_import_goes_up_or_sideways() -> None:
    edges = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if layer_of(path) not in NO_LAYER
        for module in imports(path.read_text(), ".".join(["gatewaydoctor", *path.relative_to(PACKAGE).parts[:-1]]))
        if wrong(layer_of(path), module)
    ]
    assert edges == []


def graph() -> dict[str, set[str]]:
    """Module -> every module of the package that it names, for types as well."""
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
    }
    packages = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    return {
        name: set(imports(path.read_text(), ".".join(path.relative_to(PACKAGE.parent).parts[:-1])))
        & packages.keys() - {name}
        for name, path in packages.items()
    }


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter(graph()).prepare()


def test_a_circle_is_seen() -> None:
    found = graph()
    found["gatewaydoctor.model.errors"].add("gatewaydoctor.cli.shell.main")
    with pytest.raises(CycleError):
        TopologicalSorter(found).prepare()


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("model", "from gatewaydoctor.storage.files.reader import StoreReader"),
        ("storage", "import gatewaydoctor.state.place.home"),
        ("state", "from gatewaydoctor.storage.files.sessions import FileSessions"),
        ("checks", "def f():\n    from gatewaydoctor.report import words"),
        ("report", "from gatewaydoctor.repair.run.apply import apply"),
        ("report", "if TYPE_CHECKING:\n    from gatewaydoctor.cli.verbs.usage import UsageTotal"),
        ("examine", "from gatewaydoctor import cli"),
        ("examine", "from ..checks import judge"),
    ],
)
def test_upward_edges_are_seen(layer: str, line: str) -> None:
    assert any(wrong(layer, module) for module in imports(line, f"gatewaydoctor.{layer}"))


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("cli", "from gatewaydoctor.report.words import harmless"),
        ("state", "from gatewaydoctor.storage.jsontext.grammar import scan"),
        ("report", "from gatewaydoctor.checks.judge import Judgement"),
        ("model", "from gatewaydoctor.model.gateway.entry import Entry"),
        ("model", "from gatewaydoctor import __version__"),
        ("model", "import msgspec"),
    ],
)
def test_downward_edges_are_fine(layer: str, line: str) -> None:
    assert not any(wrong(layer, module) for module in imports(line, f"gatewaydoctor.{layer}"))


def reads_command_line(source: str) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "argv" and ast.unparse(node.value) == "sys"
        for node in ast.walk(ast.parse(source))
    )


def test_the_command_line_is_read_where_the_program_begins() -> None:
    """`__main__` hands it to main(), and a Run keeps it as it was typed."""
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if reads_command_line(path.read_text())}
    assert found == {"__main__.py", "cli/shell/run.py"}


SHARED = ("entries", "jsontext")
"""What both storage engines use; neither knows the other, and `open` alone knows both."""


def rooms(path: Path) -> set[str]:
    """The rooms of storage that a module uses."""
    package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
    names = (name.removeprefix("gatewaydoctor.storage.") for name in imports(path.read_text(), package))
    return {name.partition(".")[0] for name in names} & {"files", "database", "sqlite", *SHARED}


def used_by(room: str) -> set[str]:
    return set().union(*map(rooms, (PACKAGE / "storage" / room).glob("*.py")))


def test_a_storage_engine_does_not_know_the_other() -> None:
    assert used_by("files") <= {"files", *SHARED}
    assert used_by("database") <= {"database", "sqlite", *SHARED}
    assert used_by("sqlite") == {"sqlite"}, "it reads files of SQLite, whoever keeps what in them"
    assert {name for room in SHARED for name in used_by(room)} <= {*SHARED}
    assert rooms(PACKAGE / "storage" / "open.py") == {"files", "database"}


def asks_era(source: str) -> bool:
    """Whether an era is compared or matched, rather than asked for what it means."""
    sides = [
        side
        for node in ast.walk(ast.parse(source))
        for side in (node.comparators if isinstance(node, ast.Compare) else (getattr(node, "pattern", None),))
    ]
    return any(
        isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "Era"
        for side in sides
        if side is not None
        for inner in ast.walk(side)
    )


def test_only_storage_asks_for_the_era() -> None:
    """`model/gateway/era` gives it its meaning; the others ask for that."""
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if asks_era(path.read_text())}
    assert found == {"storage/open.py", "model/gateway/era.py"}


@pytest.mark.parametrize(
    "line", ["found = each.era is Era.FILES", "match era:\n    case Era.FILES | Era.MIXED: pass"]
)
def test_a_question_for_the_era_is_seen(line: str) -> None:
    assert asks_era(line)
