"""`python -m gatewaydoctor` and the console script."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


def run() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]) and sys.stdout:
        # The fast way: nothing else needs to be loaded to say this.
        from gatewaydoctor import __version__

        with suppress(OSError):  # which main() will tell of
            os.write(sys.stdout.fileno(), f"gatewaydoctor {__version__}\n".encode())  # nothing stays in a buffer
            return
    if sys.argv[1:2] == ["__offer"]:
        # A shell asks at Tab, and waits.
        from gatewaydoctor.completion.offers import answer

        answer(sys.argv[2:])
        return
    try:
        # Rows by the thousand make no cycles; collecting so often only costs time.
        gc.set_threshold(50_000, 20, 100)
        _load_msgspec()
        from gatewaydoctor.cli.shell.main import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130  # while still loading: nothing was begun
    except Exception as broken:
        # Of what a sound program raises main() lets nothing through. Python would end with 1, which means findings.
        if "--debug" in sys.argv:
            raise
        code = _broken(broken, sys.argv[1:])
    gc.freeze()  # at the end nothing has to be found out about what is left
    sys.exit(code)


def _load_msgspec() -> None:
    """With names of typing: those of typing_extensions, which it takes first, bring inspect, ast and tokenize along,
    a tenth of a start-up. Where these cannot be imported it takes the others, and None is Python's word for that."""
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment] # so that it cannot be found
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


def _broken(what: Exception, arguments: list[str]) -> int:
    """The exit code where the program cannot be loaded. A gate that is broken holds no start back."""
    reason = f"The installation is broken: {what}"
    if arguments[:1] == ["gate"] or ("gate" in arguments and arguments[0].startswith("-")):
        print(f"gate: could not check ({reason}); the start is not held back", file=sys.stderr)
        return 0
    print(f"gatewaydoctor: {reason}.\n  Install it again.", file=sys.stderr)
    return 70


if __name__ == "__main__":
    run()
