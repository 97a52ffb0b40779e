"""The baseline file of `check`: read, and written again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gatewaydoctor.checks.baseline import SCHEMA_VERSION
from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.outcome.gate import Baseline, KnownFinding

if TYPE_CHECKING:
    from gatewaydoctor.system.fs import ReadFs

LARGEST = 64 * 1024 * 1024


class BadBaseline(DoctorError):
    """The baseline cannot be compared with; passing or failing without it would both be wrong."""

    code: ClassVar[str] = "baseline"


def read_baseline(fs: ReadFs, path: Path) -> Baseline:
    """Raises BadBaseline where there is none, or it is damaged or of another version."""
    import msgspec

    try:
        with fs.open(path) as stream:
            data = b""
            while len(data) <= LARGEST and (block := stream.read(LARGEST)):
                data += block
    except FileNotFoundError:
        raise BadBaseline(f"Baseline not found: {path}.", "To create it, add --write-baseline.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadBaseline(f"The baseline {path} could not be read: {reason}.", "Fix that first.") from error
    try:
        baseline = msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadBaseline(
            f"{path} is not a baseline: {error}.", "To write a new one, add --write-baseline."
        ) from error
    if baseline.schema_version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        version = baseline.schema_version
        raise BadBaseline(
            f"The baseline {path} has version {version!r}.", "To write a new one, add --write-baseline."
        )
    return baseline


def write_baseline(path: Path, baseline: Baseline) -> None:
    """A new baseline keeps the mode of the one it replaces; the first one is private, for it holds session keys.
    Raises CannotWrite."""
    import msgspec

    from gatewaydoctor.cli.shell.output import PRIVATE, kept_mode, write
    from gatewaydoctor.report.printer import encode

    baseline = msgspec.structs.replace(baseline, findings=tuple(map(_shown, baseline.findings)))
    write(path, f"{encode(baseline, indent=2)}\n", kept_mode(path, PRIVATE))


def _shown(known: KnownFinding) -> KnownFinding:
    """Names as people may read them; a lone surrogate would make the file one that cannot be read back."""
    import msgspec

    from gatewaydoctor.report.words import harmless

    names = {name: getattr(known, name) for name in ("agent_id", "path", "key")}
    shown = {name: harmless(text) for name, text in names.items() if text is not None}
    return msgspec.structs.replace(known, **shown)
