"""docs/scan.svg shows what the program prints."""

from __future__ import annotations

import re

from tests.picture import PICTURE, picture


def test_the_picture_is_that_of_the_program() -> None:
    assert picture() == PICTURE.read_text(encoding="utf-8"), "bring it up to date with: make readme"


def test_a_reader_of_the_picture_asks_no_other_host() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "url(http" not in text
    assert not re.search(r"(href|src)\s*=", text)


def test_the_picture_fits_a_terminal_of_80_by_24() -> None:
    rows = re.findall(r'clipPath id="scan-line-(\d+)"', PICTURE.read_text(encoding="utf-8"))
    assert 10 < len(rows) < 24
