"""The reference store reads `session.maintenance` by itself; the scan must read the same from the same config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.release import Policy, Release
from gatewaydoctor.simulate.refstore import POLICIES, resolve_maintenance
from gatewaydoctor.state.config.settings import Settings

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.config import Maintenance

SIZES = st.sampled_from([None, 0, 1, 7.5, 4096, "4096", "10mb", "1.5g", "1 mb", "10MB", "x", True])
TIMES = st.sampled_from([None, 1, 2.5, "30d", "1h30m", "24", "90m", "soon", "1.5.d", "-1d"])
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["warn", "enforce"]),
        "maxEntries": st.integers(1, 9_000),
        "pruneAfter": TIMES,
        "pruneDays": st.sampled_from([None, 1, 7, 30]),
        "rotateBytes": SIZES,
        "resetArchiveRetention": TIMES | st.just(False),
        "maxDiskBytes": SIZES,
        "highWaterBytes": SIZES,
    },
)


def scanned(release: str, config: dict[str, object]) -> Maintenance:
    known = Release(version=release, policy=Policy(release))
    return Settings({"session": {"maintenance": config}}, {}, known).maintenance()


@given(st.sampled_from(list(POLICIES)), CONFIGS)
def test_scan_and_reference_store_take_the_same_settings(release: str, config: dict[str, object]) -> None:
    simulated, read = resolve_maintenance(POLICIES[release], config), scanned(release, config)
    assert simulated.mode == read.mode.value
    assert simulated.max_entries == read.max_entries.value
    assert simulated.prune_after_ms == read.prune_after.value
    assert simulated.reset_archive_retention_ms == read.reset_archive_retention.value
    assert simulated.max_disk_bytes == read.max_disk_bytes.value
    assert simulated.high_water_bytes == read.high_water_bytes.value
    if read.rotate_bytes.value is not None:
        assert simulated.rotate_bytes == read.rotate_bytes.value
