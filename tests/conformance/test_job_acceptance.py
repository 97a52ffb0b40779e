"""What each release makes of a job that is not as it writes it, against `state/cron/acceptance.py`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gatewaydoctor.model.gateway.cron import Fate
from gatewaydoctor.state.cron.acceptance import RELEASES, TABLE, Shape
from gatewaydoctor.state.cron.jobs import shapes_of
from tests.conformance import install
from tests.conformance.record import told_all

pytestmark = pytest.mark.conformance

SCRIPT = Path(__file__).with_name("jobs.mjs")
EVERY = {"kind": "every", "everyMs": 600_000}
TURN = {"kind": "agentTurn", "message": "t"}
EVENT = {"kind": "systemEvent", "text": "t"}


def job(**more: object) -> dict[str, object]:
    """A sound job with these fields; None leaves a field out."""
    whole = {"id": "j", "name": "j", "enabled": True, "createdAtMs": 1, "schedule": EVERY, "payload": TURN}
    whole |= {"sessionTarget": "isolated", "wakeMode": "now", "state": {}} | more
    return {name: value for name, value in whole.items() if value is not None}


def cron(**more: object) -> dict[str, object]:
    return job(schedule={"kind": "cron", "tz": "UTC", "staggerMs": 0} | more)


def kind(word: str, **more: object) -> dict[str, object]:
    return job(schedule={"kind": word} | more)


SAMPLES: dict[Shape, list[object]] = {
    Shape.NULL: [None],
    Shape.NO_OBJECT: ["text"],
    Shape.ID_MISSING: [job(id=None)],
    Shape.ID_NO_TEXT: [job(id=5)],
    Shape.ID_OLD_NAME: [job(id=None, jobId="j")],
    Shape.ID_TWICE: [job(), job()],
    Shape.STATE_MISSING: [job(state=None)],
    Shape.SCHEDULE_MISSING: [job(schedule=None)],
    Shape.SCHEDULE_OUTSIDE: [job(schedule=None, cron="30 * * * *")],
    Shape.SCHEDULE_NO_OBJECT: [job(schedule=5)],
    Shape.SCHEDULE_TEXT: [job(schedule="30 * * * *")],
    Shape.SCHEDULE_EMPTY_TEXT: [job(schedule="")],
    Shape.KIND_UNKNOWN: [kind("interval")],
    Shape.KIND_GUESSED_EVERY: [kind("interval", everyMs=600_000)],
    Shape.EXPR_OLD_NAME: [cron(cron="30 * * * *")],
    Shape.EXPR_MISSING: [cron()],
    Shape.EXPR_INVALID: [cron(expr="61 * * * *")],
    Shape.EXPR_NEVER: [cron(expr="30 12 31 2 *")],
    Shape.ZONE_UNKNOWN: [cron(expr="30 * * * *", tz="Mars/Olympus")],
    Shape.EVERY_MISSING: [kind("every")],
    Shape.EVERY_TEXT: [kind("every", everyMs="600000")],
    Shape.EVERY_TOO_SMALL: [kind("every", everyMs=0)],
    Shape.AT_MISSING: [kind("at")],
    Shape.AT_INVALID: [kind("at", at="tomorrow")],
    Shape.PAYLOAD_MISSING: [job(payload=None)],
    Shape.PAYLOAD_OUTSIDE: [job(payload=None, message="t")],
    Shape.PAYLOAD_COMMAND: [job(payload=None, sessionTarget=None, command="t")],
    Shape.PAYLOAD_NO_OBJECT: [job(payload=[])],
    Shape.PAYLOAD_KIND: [job(payload={"kind": "exec", "message": "t"})],
    Shape.MESSAGE_MISSING: [job(payload={"kind": "agentTurn"})],
    Shape.TEXT_MISSING: [job(payload={"kind": "systemEvent"}, sessionTarget="main")],
    Shape.TEXT_EMPTY: [job(payload={"kind": "systemEvent", "text": ""}, sessionTarget="main")],
    Shape.TURN_IN_MAIN: [job(sessionTarget="main")],
    Shape.EVENT_ELSEWHERE: [job(payload=EVENT)],
}


def test_every_shape_has_a_sample_of_it() -> None:
    assert set(SAMPLES) == set(TABLE)
    for shape, jobs in SAMPLES.items():
        assert list(shapes_of(jobs[0])) == ([] if shape is Shape.ID_TWICE else [shape])


def fate_seen(found: dict[str, object], sound: int) -> Fate:
    """What became of the jobs in a release. `sound` is how often a job every ten minutes runs beside a sound one."""
    if not found["started"] or not found["sound"]:
        return Fate.STOPS_CRON
    if not found["held"]:
        return Fate.DROPPED
    if found["fired"]:
        return Fate.RUNS
    if found["sound"] < sound / 2:  # type: ignore[operator]
        return Fate.HOLDS_UP
    return Fate.FAILS if found["next"] and found["enabled"] else Fate.NEVER_RUNS


@pytest.mark.parametrize("release", [each for each in RELEASES if each in install.RELEASES])
def test_the_table_is_what_the_release_does(tmp_path: Path, release: str) -> None:
    cache = install.cache_dir()
    start = install.command(cache, release)
    if start is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    node, script = start
    given, found = tmp_path / "jobs.json", tmp_path / "found.json"
    given.write_text(json.dumps({"sound": [job()]} | {shape.name: jobs for shape, jobs in SAMPLES.items()}))
    environment = os.environ | {"HOME": str(tmp_path), "OPENCLAW_STATE_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [node, str(SCRIPT), str(Path(script).parent / "dist"), str(given), str(found)]
    subprocess.run(command, env=environment, check=True, timeout=600, capture_output=True)
    seen = json.loads(found.read_bytes())
    sound = seen.pop("sound")["sound"]
    assert sound > 20
    # A shared state cannot be told from one job that runs.
    table = {shape.name: TABLE[shape][RELEASES.index(release)] for shape in SAMPLES}
    assert told_all(
        (
            release,
            "job_acceptance",
            name.lower().replace("_", " "),
            _words(Fate.RUNS if table[name] is Fate.SHARES_STATE else table[name], table[name] is Fate.DROPPED),
            _words(fate_seen(each, sound), not each["left"]),
            "",
        )
        for name, each in seen.items()
    )


def _words(fate: Fate, removed: bool) -> str:
    return f"{fate.value}, and removed from the file" if removed else fate.value
