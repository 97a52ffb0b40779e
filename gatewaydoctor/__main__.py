"""`python -m gatewaydoctor` and the console script."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # The fast way: nothing else needs to be loaded to say this.
        from gatewaydoctor import __version__

        print(f"gatewaydoctor {__version__}")
        return
    from gatewaydoctor.cli.main import main

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
