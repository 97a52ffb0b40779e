"""Every screen, byte for byte, at 80 and 160 columns.

`GATEWAYDOCTOR_WRITE_GOLDEN=1 pytest tests/cli/test_golden.py` writes the files again; read the difference before it
is kept.
"""

from __future__ import annotations

import os
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
AT = ("--state-dir", str(SHOWN))


def screens() -> Iterator[tuple[str, scenes.Maker, tuple[str, ...]]]:
    """Name of the file, the directory, the command line."""
    for verb in EXAMINING:
        yield f"busy-{verb}", scenes.busy, (verb, *AT)
    yield "busy-scan-verbose", scenes.busy, ("scan", "--verbose", *AT)
    yield "busy-scan-quiet", scenes.busy, ("scan", "--quiet", *AT)
    yield "busy-scan-redact", scenes.busy, ("scan", "--redact", *AT)
    yield "busy-stuck-all", scenes.busy, ("stuck", "--all", *AT)
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


def test_no_golden_file_is_left_over() -> None:
    wanted = {f"{name}-{width}.txt" for name, _, _ in screens() for width in WIDTHS}
    assert {path.name for path in GOLDEN.glob("*")} == wanted
