"""Every screen, byte for byte, at 80 and 160 columns.

`GATEWAYDOCTOR_WRITE_GOLDEN=1 pytest tests/cli/test_golden.py` writes the files again; read the difference before it
is kept.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.cli import scenes
from tests.cli.harness import EXAMINING, ElsewhereFs, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent.parent / "golden"
WRITE = "GATEWAYDOCTOR_WRITE_GOLDEN"
WIDTHS = (80, 160)
SHOWN = Path("/srv/openclaw")
PLAN_ID = re.compile(r"(?<=^Plan )[0-9a-f]{16}", re.MULTILINE)
"""Made of inodes and times, among others."""
WHOLE = {"busy-scan-verbose", "busy-stuck-all", "busy-repair-all", "explain", "explain-store-unparseable",
         "damaged-repair"}  # fmt: skip
"""Screens that show all of something because that was asked for, and a plan that people say yes to."""
AT = ("--state-dir", str(SHOWN))


def screens() -> Iterator[tuple[str, scenes.Maker, tuple[str, ...]]]:
    """Name of the file, the directory, the command line."""
    for verb in EXAMINING:
        yield f"busy-{verb}", scenes.busy, (verb, *AT)
    yield "busy-scan-verbose", scenes.busy, ("scan", "--verbose", *AT)
    yield "busy-scan-quiet", scenes.busy, ("scan", "--quiet", *AT)
    yield "busy-scan-redact", scenes.busy, ("scan", "--redact", *AT)
    yield "busy-stuck-all", scenes.busy, ("stuck", "--all", *AT)
    yield "busy-forecast", scenes.busy, ("forecast", *AT)
    yield "healthy-scan", scenes.healthy, ("scan", *AT)
    for verb in ("scan", "status", "orphans"):
        yield f"damaged-{verb}", scenes.damaged, (verb, *AT)
    yield "explain", scenes.healthy, ("explain",)
    yield "explain-store-unparseable", scenes.healthy, ("explain", "store-unparseable")
    yield "fixtures-list", scenes.healthy, ("fixtures", "list")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    makers = {maker.__name__: maker for _, maker, _ in screens()}
    return {name: maker(tmp_path_factory.mktemp(name)).root for name, maker in makers.items()}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("name", "maker", "arguments"), list(screens()), ids=[name for name, _, _ in screens()])
def test_a_screen_is_as_it_was(
    name: str,
    maker: scenes.Maker,
    arguments: tuple[str, ...],
    width: int,
    made: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gatewaydoctor.report.screens.blocks.head.__version__", "0.0.0")
    monkeypatch.setattr("gatewaydoctor.report.redaction.secret_offset", lambda: 500 * 24 * 60 + 61)
    ran = Machine(fs=ElsewhereFs(made[maker.__name__], SHOWN), width=width).run(*arguments)
    assert ran.err == ""
    assert max(map(cell_len, ran.out.splitlines())) <= width
    path = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get(WRITE):
        path.write_text(ran.out, encoding="utf-8")
    assert ran.out == path.read_text(encoding="utf-8")


PLANS = {"busy-repair": (scenes.busy, ()), "busy-repair-all": (scenes.busy, ("--all",)),
         "damaged-repair": (scenes.damaged, ())}  # fmt: skip
"""Plans, which a repair makes on the real file system only."""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path is as long as SHOWN, so that lines break alike."""
    parent = Path(tempfile.gettempdir())
    path = parent / secrets.token_hex(8)[: len(str(SHOWN)) - len(str(parent)) - 1]
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_as_it_was(name: str, width: int, short_path: Path) -> None:
    if len(str(short_path)) != len(str(SHOWN)):
        pytest.skip("the path of the temporary directory is too long")
    maker, options = PLANS[name]
    maker(short_path)
    ran = Machine(width=width).run("repair", *options, "--state-dir", str(short_path))
    assert ran.err == ""
    before_the_command, step, _ = ran.out.partition("next: apply this plan:\n")
    shown = PLAN_ID.sub("PLANID", before_the_command.replace(str(short_path), str(SHOWN))) + step
    path = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get(WRITE):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(({name for name, _, _ in screens()} | set(PLANS)) - WHOLE))
def test_a_screen_fits_a_small_terminal(name: str) -> None:
    shown = (GOLDEN / f"{name}-80.txt").read_text(encoding="utf-8").splitlines()
    assert len(shown) <= 23 - (name in PLANS), "24 with the prompt, and of a plan the command"


def test_no_golden_file_is_left_over() -> None:
    names = [*(name for name, _, _ in screens()), *PLANS]
    wanted = {f"{name}-{width}.txt" for name in names for width in WIDTHS}
    assert {path.name for path in GOLDEN.glob("*")} == wanted
