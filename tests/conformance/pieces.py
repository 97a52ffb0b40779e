"""The checks of `make conformance`: what each compares, on which releases, and how it is cut into pieces."""

from __future__ import annotations

from msgspec import Struct

FILES = ("2026.3.28", "2026.4.25", "2026.5.22")
MIXED = "2026.7.1"
"""Sessions in files, jobs in a database."""
DATABASES = ("2026.8.1", "2026.9.3", "2026.9.5", "2026.9.6")
_OFTEN = ("2026.8.1", "2026.9.3", "2026.9.6")
"""Those of them that every check is run on."""
RELEASES = (*FILES, MIXED, *DATABASES)


class Check(Struct, frozen=True):
    """One test module. `what` is compared on `releases`; in `slices` pieces each fits ten minutes a release."""

    name: str
    what: str
    releases: tuple[str, ...]
    slices: int = 1
    module: str = ""

    @property
    def file(self) -> str:
        return f"tests/conformance/test_{self.module or self.name}.py"

    @property
    def command(self) -> str:
        part = f" --slice 1/{self.slices}" if self.slices > 1 else ""
        return f'make conformance PIECE="{self.name} RELEASE{part}"'


CHECKS = (
    Check("reading", "which damaged session stores load, and with how many sessions", (*FILES, MIXED)),
    Check("field_types", "what becomes of a session whose fields have odd types", FILES),
    Check("reference_store", "files after `sessions cleanup --enforce`, byte for byte", FILES, slices=2),
    Check("orphans", "which transcripts are in no index, against `doctor`", (*FILES, MIXED), slices=2),
    Check("config_settings", "which settings of openclaw.json are accepted", (*FILES, MIXED, *_OFTEN)),
    Check("job_acceptance", "what becomes of a malformed cron job", FILES),
    Check("liveness", "whether a gateway is running, however it was started", (*FILES, MIXED, *_OFTEN), slices=4),
    Check("models", "the inputs of the simulations", FILES),
    Check("heap", "whether a store fits into the heap", (*FILES, "2026.9.6")),
    Check("starts", "each line of the forecast of a start", (*FILES, "2026.9.6"), slices=8),
    Check("file_classes", "what a start makes of damage in the file era", (*FILES, MIXED), slices=2),
    Check("database_classes", "what a start makes of a damaged database", DATABASES, slices=8),
    Check("repairs", "a start after each repair of a database", _OFTEN, slices=4),
    Check("stopped_runs", "conversations after a start in the middle of a killed repair", ("2026.9.6",), slices=2),
    Check("classes_repaired", "what a repair restores of each damage, after a start", ("2026.9.6",), slices=6),
)
