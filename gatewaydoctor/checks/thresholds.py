"""From which figure on something is worth a word. Each default has its reason next to it."""

from __future__ import annotations

from msgspec import Struct

from gatewaydoctor.model.units import HOUR_MS

_KB, _MB, _GB = 1_000, 1_000_000, 1_000_000_000


class Thresholds(Struct, frozen=True):
    """Sizes in bytes, times in ms. A value of 0 makes a rule concern the smallest case."""

    heap_bytes: int = 2_300 * _MB
    """What V8 allows itself by default on the host of docs/incidents.md 61633. Set it to --max-old-space-size."""

    bloat_bytes: int = 5 * _MB
    bloat_entry_bytes: int = 50 * _KB
    """A store of at least the first is bloated if entries have the second on average (docs/gateway.md, failure 5)."""

    bloat_share: float = 0.5
    """So is one of that size in which the fields the gateway rebuilds take this share of the bytes."""

    isolated_runs: int = 20
    """Fewest run rows that a rate is told from."""

    isolated_share: float = 1.0
    """Share of maxEntries that isolated jobs may add in a day. Run rows are kept for 24 h by default, so from 1.0 on
    they alone fill the store (docs/incidents.md 72826)."""

    cron_marker_ms: int = 2 * HOUR_MS
    """A running gateway clears a runningAtMs older than this (docs/gateway.md section 7)."""

    run_log_bytes: int = 10 * _MB
    """The gateway cuts a run log of more than 2 MB to its last 2,000 lines; one five times as large was not cut."""

    run_logs_bytes: int = 100 * _MB

    transcript_bytes: int = 50 * 1024 * 1024
    """Transcripts of 11 to 444 MB are on record as freezing a gateway (docs/gateway.md, failure 18)."""

    boot_markers: int = 10
    """Boot prompts in a row at a transcript's end. A few are normal; values below 10 have no effect."""

    archive_bytes: int = 1 * _GB
    archive_files: int = 5_000
    sidecar_bytes: int = 1 * _GB
    """Reports concern 1.9 and 8.4 GB of files that nothing prunes (docs/gateway.md, failure 19)."""

    temp_age_ms: int = HOUR_MS
    """A temp file is renamed within seconds; one this old was left behind."""

    subagents_warning: int = 100
    subagents_error: int = 800
    """Never archived runs. 2,800 of them filled 8 GB, so the default heap holds about 800 (incidents.md 52725)."""

    delivery_age_ms: int = HOUR_MS
    delivery_files: int = 25
    """Waiting deliveries: 2026.9.6 itself warns from 25 on (docs/gateway.md section 8)."""

    usage_loop_ms: int = 10_000
    """Event-loop time of one usage call, estimated: for 2026.5.22 about 80 usage lines that its cache lacks."""

    disk_bytes: int = 1 * _GB
    disk_inodes: int = 1_000


DEFAULTS = Thresholds()
