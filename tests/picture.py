"""The picture in README: the scan screen as a terminal shows it. `python -m tests.picture` writes docs/scan.svg."""

from __future__ import annotations

import re
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from gatewaydoctor.fixtures import DEFAULT_NOW, make
from tests.cli.harness import ElsewhereFs, Machine

PICTURE = Path(__file__).parent.parent / "docs" / "scan.svg"
COLUMNS = 80
SHOWN = Path("/srv/gateway")
COMMAND = "gatewaydoctor --state-dir /srv/gateway"
DARK = ((72, 79, 88), (255, 123, 114), (126, 231, 135), (227, 179, 65))
DARK += ((121, 192, 255), (210, 168, 255), (86, 212, 221), (177, 186, 196))
BRIGHT = ((139, 148, 158), (255, 161, 152), (160, 240, 165), (242, 204, 96))
BRIGHT += ((165, 214, 255), (226, 197, 255), (179, 240, 255), (255, 255, 255))
THEME = TerminalTheme((13, 17, 23), (230, 237, 243), list(DARK), list(BRIGHT))
_HEIGHTS = re.compile(r"""(viewBox="0 0 994 |width="992" height="|width="975\.0" height=")([\d.]+)""")
_DESCENT = 6
"""Added below the last line, which is cut through its letters in some fonts."""
_FOREIGN_FONTS = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)


def screen() -> str:
    """What the program prints on a terminal that takes colours, about the incident of 185 MB."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        make("issue-61633", state, now=DEFAULT_NOW)
        machine = Machine(fs=ElsewhereFs(state, SHOWN), width=COLUMNS, terminal=True, env={"TERM": "xterm-256color"})
        return machine.run("--state-dir", str(SHOWN)).out


def picture() -> str:
    """The screen as SVG: the same bytes each time, and no file of another host in it."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
    console.print(Text.assemble(("$ ", "green"), COMMAND))
    console.print(Text.from_ansi(screen().rstrip("\n")))
    svg = _HEIGHTS.sub(
        lambda found: f"{found[1]}{float(found[2]) + _DESCENT:.1f}",
        console.export_svg(title="", theme=THEME, unique_id="scan"),
    )
    fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
    plain = _FOREIGN_FONTS.sub("", svg).replace("font-family: Fira Code, monospace", f"font-family: {fonts}")
    # Some viewers drop the blanks a text begins with unless told not to.
    return plain.replace('<g class="scan-matrix">', '<g class="scan-matrix" xml:space="preserve">')


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
