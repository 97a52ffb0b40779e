"""`python -m gatewaydoctor.cli.parser.manual`: the manual page docs/gatewaydoctor.1."""

from __future__ import annotations

import sys

from gatewaydoctor import __version__
from gatewaydoctor.cli.parser.describe import described
from gatewaydoctor.completion.manual import page


def manual() -> str:
    return page(described(), __version__)


if __name__ == "__main__":
    sys.stdout.write(manual())
