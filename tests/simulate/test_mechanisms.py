"""Each mechanism switched off moves the results that hang on it; the releases differ by nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatewaydoctor.simulate import SCENARIOS, run, with_values
from gatewaydoctor.simulate.refstore import Mode
from gatewaydoctor.simulate.releases import RELEASES, RunRows
from gatewaydoctor.simulate.scenario import policy_named


def broken(monkeypatch: pytest.MonkeyPatch, release: str, **changes: Any) -> str:
    """The release with these mechanisms changed, under its own name."""
    monkeypatch.setitem(RELEASES, release, replace(RELEASES[release], **changes))
    return policy_named(release)


def set_options(scenario: str, **values: float) -> Any:
    return with_values(SCENARIOS[scenario].options(), values)


@pytest.mark.parametrize("scenario", ["cap-storm", "stuck-cron", "subagent-maps", "chat-buffers"])
def test_old_releases_die_of_their_report_and_later_ones_live(scenario: str) -> None:
    reported = SCENARIOS[scenario].policy
    assert run(scenario, policy=reported).value("death") is not None
    assert run(scenario, policy="2026.9.6").value("death") is None


@pytest.mark.parametrize("scenario", ["subagent-maps", "chat-buffers"])
@pytest.mark.parametrize(("release", "dies"), [("2026.3.13", True), ("2026.3.28", True), ("2026.4.25", False)])
def test_maps_and_buffers_die_before_2026_4_25(scenario: str, release: str, dies: bool) -> None:
    assert (run(scenario, policy=release).value("death") is not None) is dies


@pytest.mark.parametrize(
    ("sweep", "peak"),
    [("archive_after", "registryPeak"), ("context_ttl", "contextsPeak"), ("error_ttl", "errorsPeak")],
)
def test_without_its_sweep_a_map_grows_again(monkeypatch: pytest.MonkeyPatch, sweep: str, peak: str) -> None:
    swept = run("subagent-maps", policy="2026.4.25").value(peak) or 0
    unswept = run("subagent-maps", policy=broken(monkeypatch, "2026.4.25", **{sweep: None})).value(peak) or 0
    assert unswept > 10 * swept


def test_without_the_sweep_buffers_kill_2026_4_25_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("chat-buffers", policy=broken(monkeypatch, "2026.4.25", buffer_ttl=None)).value("death") is not None


def test_buffers_of_silent_runs_stay_until_a_release_frees_them() -> None:
    older, newer = (run("chat-buffers", policy=name).value("buffersPeak") or 0 for name in ("2026.5.22", "2026.9.6"))
    assert older > 1.5 * newer


def test_the_registry_holds_sessions_that_run_and_is_saved_at_every_change() -> None:
    """One session: a save at its start and those of its end; ten at once: each save has the records of all."""
    one = set_options("subagent-maps", tickets=1, sessions_per_ticket=1, record_bytes=1, end_saves=4)
    assert run("subagent-maps", one).value("bytesWritten") == 1 + 4
    assert run("subagent-maps", one, policy="2026.4.25").value("bytesWritten") == 1 + 4
    ten = run("subagent-maps", replace(one, sessions_per_ticket=10), policy="2026.4.25")
    assert ten.value("registryPeak") == 10
    assert ten.value("bytesWritten") > sum(range(1, 11)) + 4 * 10


def test_maps_that_are_bounded_already_stay_so() -> None:
    quiet = run("subagent-maps")
    assert (quiet.value("recipientsPeak") or 0) < 0.1 * (quiet.value("sequencesPeak") or 0)
    cut = run("subagent-maps", set_options("subagent-maps", sequence_limit=100)).value("sequencesPeak") or 0
    assert 100 <= cut < 200
    kept = run("subagent-maps", set_options("subagent-maps", aborted_ttl=86_400)).value("abortedPeak") or 0
    assert kept > 2 * (quiet.value("abortedPeak") or 0)


def test_without_the_copy_hardly_any_run_row_is_marked_running(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = run("stuck-cron")
    assert 4000 < (copied.value("running") or 0) < 4200
    # A copied status is whatever the job row has, none as well.
    assert copied.value("ssl-price-check.none") == 2211
    own = run("stuck-cron", policy=broken(monkeypatch, "2026.3.28", run_rows=RunRows.PREFERENCES))
    # Runs under way when the process died, and those that a crash cut short.
    assert (own.value("running") or 0) < 200
    assert own.value("ssl-price-check.none") == 0


def test_without_run_rows_the_store_does_not_grow() -> None:
    assert run("stuck-cron", policy="2026.5.22").value("rows") == 15


def test_without_the_cap_2026_4_25_dies_but_keeps_the_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    capped = run("stuck-cron", policy="2026.4.25")
    assert (capped.value("rows"), capped.value("conversationsLost"), capped.value("death")) == (500, 10, None)
    store = RELEASES["2026.4.25"].store
    assert store is not None
    release = broken(monkeypatch, "2026.4.25", store=replace(store, mode=Mode.WARN))
    assert run("stuck-cron", policy=release).value("conversationsLost") == 0
    assert (run("stuck-cron", policy=release).value("rows") or 0) > 2000
    assert run("cap-storm", policy=release).value("passes") == 0


def test_the_heap_decides_when_stuck_cron_dies_and_the_duration_does_not() -> None:
    death = run("stuck-cron").value("death") or 0
    assert run("stuck-cron", duration=4 * 86_400).value("death") == death
    assert (run("stuck-cron", set_options("stuck-cron", heap_limit=1.4e9)).value("death") or 0) < 0.7 * death
    assert run("stuck-cron", duration=86_400).value("death") is None
    early = run("stuck-cron", set_options("stuck-cron", loads_at_boot=18)).value("death") or 0
    assert early < 0.2 * death


def test_without_retained_memory_the_storm_kills_nothing() -> None:
    storm = run("cap-storm", set_options("cap-storm", retained=0))
    assert storm.value("death") is None
    assert storm.value("growth") == 0


def test_the_store_alone_neither_blocks_for_seconds_nor_dies() -> None:
    storm = run("cap-storm")
    assert (storm.value("alone.worstBlock") or 0) < 0.1
    assert storm.value("alone.death") is None
    assert (storm.value("worstBlock") or 0) > 30
    heavier = run("cap-storm", set_options("cap-storm", retained_alone=22.4e6))
    assert heavier.value("alone.death") is not None


def usage(policy: str | None = None, *remedies: str, **values: float | str) -> Any:
    options = with_values(SCENARIOS["usage-scan"].options(), values)
    return run("usage-scan", options, policy=policy, remedies=remedies)


def test_without_the_lookup_of_prices_usage_delays_nothing() -> None:
    storm, quick = usage(), usage(lookup=0.0005)
    assert storm.value("maxDelay") > 15
    assert quick.value("maxDelay") < 0.1
    assert quick.value("priced") == storm.value("priced")


def test_agents_share_a_turn_of_the_loop_and_a_piece_is_handled_in_one() -> None:
    """Nine agents at once wait for one another's pieces; one agent alone waits for its own."""
    nine, one = usage(), usage(None, "one-refresh")
    lines_in_a_piece = 65_536 // 3_600
    assert one.value("worstBlock") == pytest.approx(lines_in_a_piece * 0.12, rel=0.15)
    assert nine.value("worstBlock") > 7 * one.value("worstBlock")
    halved = usage(None, "one-refresh", piece=32_768)
    assert halved.value("worstBlock") == pytest.approx(one.value("worstBlock") / 2, rel=0.15)


def test_usage_lines_are_the_unit_and_bytes_hardly_matter() -> None:
    lines, size = usage(lines=2_300), usage(line_bytes=7_200)
    assert lines.value("finished") == pytest.approx(usage().value("finished") / 2, rel=0.05)
    assert size.value("finished") == pytest.approx(usage().value("finished"), rel=0.05)


def test_releases_differ_in_where_a_usage_call_works() -> None:
    call, refresh, worker = (usage(name) for name in ("2026.4.25", "2026.5.22", "2026.9.6"))
    # Three calls for all agents, each of which sums its 50 newest sessions anew.
    assert call.value("answered") == 3
    assert call.value("priced") == 3 * usage("2026.4.25", calls="0").value("priced")
    assert usage("2026.4.25", "cache").value("priced") == usage("2026.4.25", calls="0").value("priced")
    # A call for each agent; the cache is filled once, and a cache on top of it changes nothing.
    assert refresh.value("answered") == 27
    assert refresh.value("priced") == usage(calls="0").value("priced") == usage(None, "cache").value("priced")
    assert worker.value("maxDelay") < 0.1 < refresh.value("maxDelay")
    assert worker.value("longestCall") < 1


def test_a_cancelled_refresh_is_taken_up_by_the_next_call() -> None:
    once, again = usage(None, "cancel", calls="0"), usage(None, "cancel", calls="0 300")
    assert 0 < once.value("priced") < again.value("priced") < usage().value("priced")


def test_a_page_limits_what_a_call_sums() -> None:
    assert usage("2026.4.25", calls="0", page=10).value("priced") < usage("2026.4.25", calls="0").value("priced")
