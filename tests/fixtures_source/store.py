"""Rules about the store itself."""

from __future__ import annotations

import json

from gatewaydoctor.fixtures.building.template import stringify
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.scene import (
    CACHING,
    CAPPING,
    FILLER,
    Row,
    Scene,
    cut_middle,
    fixture,
    prompt_of,
    store_text,
)


@fixture("a store whose writing was cut off in its last entry")
def store_unparseable(scene: Scene) -> None:
    scene.people()
    torn(scene)
    scene.finds("store-unparseable", "critical")


def torn(scene: Scene) -> None:
    """Cut the store in its last entry. The rows before it are whole."""
    data = cut_middle(store_text(scene.rows["main"]), b'"updatedAt": 17')
    scene.write(scene.sessions("sessions.json"), data, 2 * HOUR)
    scene.rows["main"].pop()
    whole = len(scene.rows["main"])
    scene.agent(readable="gateway-empty", entries=whole, fault=("cut-short", len(data)))


@fixture("a sound store of more characters than the gateway can hold in a string, shown by stretching a small one")
def store_too_large_for_gateway(scene: Scene) -> None:
    jam(scene, runs=270, each=2_000_000)
    scene.agent(readable="gateway-empty", entries=271)
    scene.finds("store-too-large-for-gateway", "critical")
    scene.finds("session-missing-transcript", "info", 270)


@fixture("80 MB of cron runs with prompts: two copies of the store may not fit into the heap")
def store_heap_risk(scene: Scene) -> None:
    scene.release = CAPPING
    jam(scene, runs=40, each=2_000_000)
    scene.finds("store-heap-risk", "error")
    scene.finds("store-bloat", "warning", 41)
    scene.finds("session-missing-transcript", "info", 40)


def jam(scene: Scene, runs: int, each: int) -> None:
    """The main session and runs half an hour apart in short rows, each seen with a prompt of about `each` bytes."""
    scene.main(2 * HOUR)
    for index in range(runs):
        entry = {"sessionId": f"r{index}", "updatedAt": scene.ago(2 * HOUR + index * 30 * MINUTE), **prompt_of()}
        scene.row(f"agent:main:cron:mail-digest:run:r{index}", entry, "cron-run")
    scene.stretch(scene.sessions("sessions.json"), each // len(FILLER))
    job = scene.job("mail-digest", 30 * MINUTE).record({}, scene.ago(HOUR))
    scene.jobs = [job | {"id": "mail-digest"}]


@fixture("most of the store is copies of the skills prompt")
def store_bloat(scene: Scene) -> None:
    for index in range(8):
        scene.direct((2 + index) * HOUR, index, **prompt_of())
    scene.stretch(scene.sessions("sessions.json"), 700_000 // len(FILLER))
    scene.finds("store-bloat", "warning", 8)


@fixture("an empty store beside transcripts: their index was lost")
def store_empty_beside_transcripts(scene: Scene) -> None:
    for index in range(2):
        scene.transcript(scene.new_id(), DAY + index * HOUR)
    scene.transcript(scene.new_id(), DAY, scene.machine_talk(b"[cron:1 mail-digest] Do the work.", DAY))
    scene.write(scene.sessions("sessions.json"), b"{}", HOUR)
    scene.agent(readable="yes")
    scene.finds("store-empty-beside-transcripts", "critical", 3)


@fixture("a store that began anew beside a backup with the conversations of before")
def store_copy_has_more(scene: Scene) -> None:
    for index in range(4):
        scene.direct((30 + index) * HOUR, index)
    before = store_text(scene.rows.pop("main"))
    scene.write(scene.sessions(f"sessions.json.bak.{scene.ago(DAY)}"), before)
    scene.main(2 * HOUR)
    scene.finds("store-copy-has-more", "warning", 4)
    scene.finds("transcript-unindexed", "info", 4)


@fixture("a store that is a list of entries")
def store_not_object(scene: Scene) -> None:
    scene.people()
    entries = [row.entry for row in scene.rows.pop("main")]
    scene.write(scene.sessions("sessions.json"), stringify(entries).encode(), 2 * HOUR)
    scene.agent(readable="gateway-empty", fault=("not-object", 0))
    scene.finds("store-not-object", "critical")


@fixture("a key that stands twice, letter for letter")
def store_duplicate_key(scene: Scene) -> None:
    scene.people()
    first = scene.rows["main"][1]
    again = scene.new_id()
    scene.transcript(again, HOUR)
    scene.rows["main"].append(Row(first.key, first.entry | {"sessionId": again}, first.kind, first.status))
    scene.finds("store-duplicate-key", "warning")


@fixture("two spellings of one key, which the gateway takes for one session")
def store_case_variant_key(scene: Scene) -> None:
    scene.people()
    scene.session("discord:channel:Garden", "channel", DAY)
    scene.session("discord:channel:garden", "channel", 2 * DAY)
    scene.finds("store-case-variant-key", "warning")


@fixture("a key without an agent beside the same key with it: a start keeps the newest of them")
def store_unscoped_key(scene: Scene) -> None:
    scene.release = CACHING
    scene.people()
    scene.session("discord:channel:garden", "channel", DAY)
    kept = scene.new_id()
    scene.transcript(kept, 2 * DAY)
    entry = {"sessionId": kept, "updatedAt": scene.ago(2 * DAY), "chatType": "channel"}
    scene.row("discord:channel:garden", entry, "channel")
    scene.finds("store-unscoped-key", "warning")


@fixture("a null entry, one that is text, and a session id no file may be named after")
def store_invalid_entry(scene: Scene) -> None:
    scene.people()
    scene.row("agent:main:telegram:direct:1001", "null", "direct")
    scene.row("agent:main:telegram:direct:1002", json.dumps("see the other one"), "direct")
    kept = scene.new_id()
    scene.transcript(kept, DAY)
    scene.direct(DAY, 3, session_id="no good id", sessionFile=f"{kept}.jsonl", written=False)
    for _ in range(3):
        scene.finds("store-invalid-entry", "warning")


@fixture("conversations that the next save would remove by age")
def store_prune_due(scene: Scene) -> None:
    scene.settings = {"session": {"maintenance": {"mode": "enforce"}}}
    scene.people()
    scene.direct(31 * DAY, 3)
    scene.direct(90 * DAY, 4)
    scene.finds("store-prune-due", "warning", 2)


@fixture("more entries than the cap, which the next save enforces: a quiet conversation would go")
def store_over_cap(scene: Scene) -> None:
    scene.settings = {"session": {"maintenance": {"mode": "enforce", "maxEntries": 5}}}
    fill(scene, runs=6)
    scene.finds("store-over-cap", "error", 4)


@fixture("as many entries as the cap allows, and every new session pushes one out")
def store_at_cap(scene: Scene) -> None:
    scene.release = CAPPING
    scene.settings = {"session": {"maintenance": {"maxEntries": 9}}}
    fill(scene, runs=6)
    scene.finds("store-at-cap", "warning")


@fixture("more entries than the cap, and maintenance only warns")
def maintenance_not_enforced(scene: Scene) -> None:
    scene.settings = {"session": {"maintenance": {"mode": "warn", "maxEntries": 5}}}
    fill(scene, runs=6)
    scene.finds("store-over-cap", "warning", 4)
    scene.finds("maintenance-not-enforced", "warning")


def fill(scene: Scene, runs: int) -> None:
    """Three conversations, the oldest entries, and finished runs of one job."""
    scene.people()
    job = scene.job("mail-digest")
    for index in range(runs):
        scene.run(job, 10 * MINUTE + index * 15 * MINUTE)


@fixture("a damaged store beside a temp file and two backups that may hold its entries")
def backup_candidates(scene: Scene) -> None:
    scene.people()
    whole = store_text(scene.rows["main"])
    torn(scene)
    scene.write(scene.sessions(f"sessions.json.{scene.new_id()}.tmp"), whole, 2 * HOUR)
    for days in (3, 9):
        scene.write(scene.sessions(f"sessions.json.bak.{scene.ago(days * DAY)}"), whole, days * DAY)
    scene.finds("store-unparseable", "critical")
    scene.finds("backup-candidates", "info", 3)
    scene.finds("temp-leftover", "info")


@fixture("a sessions.json beside the agent's database, every row of it in the database as well")
def legacy_store_beside_sqlite(scene: Scene) -> None:
    scene.people()
    kept = [(row.key, row.entry["sessionId"], row.entry["updatedAt"]) for row in scene.rows["main"]]
    scene.write("agents/main/agent/openclaw-agent.sqlite", agent_database(AGENT_VERSION, {}, rows=kept), HOUR)
    scene.write("state/openclaw.sqlite", state_database(STATE_VERSION, 1), HOUR)
    scene.agent(era="sqlite", readable="yes", entries=3)
    scene.finds("legacy-store-beside-sqlite", "error")


@fixture("a database written by a release newer than any that is known")
def newer_schema(scene: Scene) -> None:
    scene.write("agents/main/agent/openclaw-agent.sqlite", agent_database(31, {"done": 3}), HOUR)
    scene.write("state/openclaw.sqlite", state_database(STATE_VERSION, 1), HOUR)
    scene.agent(era="sqlite")
    scene.finds("newer-schema", "error", agent=None)
