"""Session keys and what they stand for (docs/gateway.md section 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.entry import DISPOSABLE, KeyParts, Kind, parse_key

KINDS = [
    ("agent:main:main", Kind.MAIN),
    ("main", Kind.MAIN),
    ("global", Kind.GLOBAL),
    ("unknown", Kind.OTHER),
    ("agent:main:cron:job-1", Kind.CRON_BASE),
    ("agent:main:cron:job-1:run:abc", Kind.CRON_RUN),
    ("agent:main:cron:job-1:run:abc:heartbeat", Kind.CRON_RUN),
    ("AGENT:Main:CRON:Job:RUN:x", Kind.CRON_RUN),
    ("agent:main:cron:job-1:heartbeat", Kind.HEARTBEAT),
    ("agent:main:subagent:1", Kind.SUBAGENT),
    ("agent:main:subagent:1:subagent:2", Kind.SUBAGENT),
    ("subagent:1", Kind.SUBAGENT),
    ("agent:main:acp:x", Kind.ACP),
    ("agent:main:hook:3f", Kind.HOOK),
    ("agent:main:node-7", Kind.NODE),
    ("agent:main:main:heartbeat", Kind.HEARTBEAT),
    ("agent:main:telegram:direct:42", Kind.DIRECT),
    ("agent:main:telegram:acct:direct:42", Kind.DIRECT),
    ("agent:main:direct:42", Kind.DIRECT),
    ("agent:main:whatsapp:dm:42", Kind.DIRECT),
    ("agent:main:discord:group:9", Kind.GROUP),
    ("agent:main:slack:channel:C1", Kind.CHANNEL),
    ("agent:main:slack:channel:c1:thread:99", Kind.THREAD),
    ("agent:main:telegram:group:9:topic:1", Kind.THREAD),
    ("agent:main:explicit:mine", Kind.EXPLICIT),
    ("agent:main:explicit:model-run-1", Kind.MODEL_RUN),
    ("agent:main:dashboard:1", Kind.DASHBOARD),
    ("agent:main:tui-1", Kind.TUI),
    ("agent:main:tui-local:1", Kind.TUI),
    ("agent:main:openai:1", Kind.API),
    ("agent:main:openai-user:bob", Kind.API),
    ("agent:main:openresponses:1", Kind.API),
    ("agent:main:telegram:slash:42", Kind.SLASH),
    ("agent:main:discord:acct:slash:42", Kind.SLASH),
    ("telegram:slash:42", Kind.SLASH),
    ("agent:a:cron:a:b:run:y", Kind.CRON_BASE),
    ("agent:a:cron::a:b:RUN:y", Kind.CRON_BASE),
    ("agent:main:temp:slug-generator", Kind.OTHER),
    ("", Kind.OTHER),
    (":::", Kind.OTHER),
]


@pytest.mark.parametrize(("key", "kind"), KINDS)
def test_kind(key: str, kind: Kind) -> None:
    assert parse_key(key).kind is kind


def test_cron_keys_name_job_and_run() -> None:
    assert parse_key("agent:Ops:cron:Job-1:run:R2:thread:9") == KeyParts(Kind.CRON_RUN, "ops", "Job-1", "R2")
    assert parse_key("agent:ops:cron:Job-1") == KeyParts(Kind.CRON_BASE, "ops", "Job-1")
    assert parse_key("agent:ops:cron:a:b:run:y") == KeyParts(Kind.CRON_BASE, "ops", "a:b:run:y")


def test_the_configured_main_key_counts() -> None:
    assert parse_key("agent:main:home", "home").kind is Kind.MAIN
    assert parse_key("agent:main:home").kind is Kind.OTHER


def test_conversations_are_not_disposable() -> None:
    people = {
        Kind.MAIN,
        Kind.GLOBAL,
        Kind.DIRECT,
        Kind.GROUP,
        Kind.CHANNEL,
        Kind.THREAD,
        Kind.EXPLICIT,
        Kind.DASHBOARD,
        Kind.SLASH,
        Kind.API,
    }
    assert not DISPOSABLE & (people | {Kind.TUI, Kind.NODE, Kind.OTHER, Kind.CRON_BASE})


@given(st.text())
def test_every_text_has_a_kind(key: str) -> None:
    assert parse_key(key).kind in Kind


@given(st.lists(st.sampled_from(["agent", "main", "cron", "run", "a", "", "RUN", "subagent"]), max_size=8))
def test_an_empty_part_changes_nothing(parts: list[str]) -> None:
    # The gateway drops empty parts before it looks (docs/gateway.md section 4); bare keys it takes as they are.
    if len([p for p in parts if p]) < 3 or next(p for p in parts if p) != "agent":
        return
    assert parse_key(":".join(parts)) == parse_key(":".join(p for p in parts if p))
