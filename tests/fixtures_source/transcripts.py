"""Rules about transcripts and what lies beside them."""

from __future__ import annotations

from gatewaydoctor.fixtures.building.transcripts import Role, Turn
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from tests.fixtures_source.scene import CACHING, FILLER, Scene, fixture, line

_BOOT = b"[System] Your previous turn was interrupted by a gateway restart. Continue."


@fixture("transcripts no index reaches: of a person, of a machine, a header only, and no transcript at all")
def transcript_unindexed(scene: Scene) -> None:
    scene.people()
    scene.transcript(scene.new_id(), 4 * DAY)
    scene.transcript(scene.new_id(), 5 * DAY, scene.machine_talk(b"[cron:1 mail-digest] Do the work.", 5 * DAY))
    scene.header_only(scene.new_id(), 6 * DAY)
    scene.write(scene.sessions("notes.jsonl"), line(note="copied here by somebody"), 7 * DAY)
    scene.finds("transcript-unindexed", "info", 4)


@fixture("three transcripts with a torn last line, NUL bytes at the end, and no last newline")
def transcript_torn_tail(scene: Scene) -> None:
    scene.main(2 * HOUR)
    torn, zeroed, open_ended = (
        scene.sessions(f"{scene.direct((4 + number) * HOUR, number)}.jsonl") for number in (1, 2, 3)
    )
    scene.files[torn] = scene.files[torn][:-40]
    scene.files[zeroed] += bytes(600)
    scene.files[open_ended] = scene.files[open_ended].removesuffix(b"\n")
    scene.finds("transcript-torn-tail", "warning", 3)


@fixture("a transcript without its first line: opening it would empty it")
def transcript_bad_header(scene: Scene) -> None:
    scene.people()
    path = scene.sessions(f"{scene.direct(DAY, 3)}.jsonl")
    scene.files[path] = scene.files[path].partition(b"\n")[2]
    scene.finds("transcript-bad-header", "error")


@fixture("a transcript of 60 MB, shown by stretching a small one")
def transcript_huge(scene: Scene) -> None:
    scene.main(2 * HOUR)
    turns = (
        Turn(Role.USER, scene.ago(3 * HOUR), b"What does the log say?"),
        Turn(Role.ASSISTANT, scene.ago(3 * HOUR - MINUTE), FILLER.strip().encode() + b" And so on."),
        *scene.talk(2 * HOUR),
    )
    session_id = scene.direct(2 * HOUR, 1, turns=turns)
    path = scene.sessions(f"{session_id}.jsonl")
    scene.files[path] = scene.files[path].replace(FILLER.strip().encode(), FILLER.encode(), 1)
    scene.stretch(path, 60_000_000 // len(FILLER))
    scene.finds("transcript-huge", "warning")


@fixture("a transcript that ends in a dozen restart prompts: the gateway dies over this session each time")
def transcript_boot_loop(scene: Scene) -> None:
    scene.direct(DAY, 1)
    boots = [Turn(Role.USER, scene.ago(2 * HOUR - index * MINUTE), _BOOT) for index in range(12)]
    scene.main(2 * HOUR - 12 * MINUTE, turns=(*scene.talk(3 * HOUR), *boots))
    scene.finds("transcript-boot-loop", "error")


@fixture("archives and repair backups of 1.2 GB, shown by stretching small ones")
def archive_growth(scene: Scene) -> None:
    scene.people()
    stamps = ("2026-03-01T10-11-12.345Z", "2026-03-09T08-00-00.000Z")
    names = [f"{scene.new_id()}.jsonl.bak.{stamp}" for stamp in stamps]
    names.append(f"{scene.new_id()}.jsonl.bak-4242-{scene.ago(12 * DAY)}")
    for name in names:
        _stretched(scene, name, 400_000_000)
    scene.finds("archive-growth", "warning", 3)


@fixture("a session that was reset and one that was removed: their history is in archives that will be deleted")
def archived_history(scene: Scene) -> None:
    scene.release = CACHING
    scene.people()
    for stamp, reason in (("2026-03-25T10-11-12.345Z", "reset"), ("2026-03-28T08-00-00.000Z", "deleted")):
        session = scene.new_id()
        name = f"{session}.jsonl.{reason}.{stamp}"
        scene.write(scene.sessions(name), scene.lines(session, 5 * DAY, scene.talk(5 * DAY)), 5 * DAY)
    scene.finds("archived-history", "info", 2)


@fixture("checkpoints and trajectories of 1.2 GB, shown by stretching small ones")
def sidecar_growth(scene: Scene) -> None:
    scene.release = CACHING
    session_id = scene.main(2 * HOUR)
    scene.direct(3 * DAY, 2)
    names = [f"{session_id}.checkpoint.{scene.new_id()}.jsonl" for _ in range(2)]
    for name in (*names, f"{session_id}.trajectory.jsonl"):
        _stretched(scene, name, 400_000_000)
    scene.finds("sidecar-growth", "warning", 3)


def _stretched(scene: Scene, name: str, size: int) -> None:
    path = scene.sessions(name)
    scene.write(path, line(type="session", version=3, id="old", note=FILLER), 20 * DAY)
    scene.stretch(path, size // len(FILLER))


@fixture("temp files of interrupted writes, beside a sound store and beside the cron jobs")
def temp_leftover(scene: Scene) -> None:
    scene.people()
    scene.job("mail-digest")
    scene.write(scene.sessions(f"sessions.json.{scene.new_id()}.tmp"), b'{\n  "agent:main:main": {', 4 * DAY)
    scene.write(scene.sessions(f".fs-safe-replace.4242.{scene.new_id()}.tmp"), b"", 2 * DAY)
    scene.write("cron/jobs.json.4242.0123456789abcdef.tmp", b'{"version": 1', 3 * DAY)
    scene.finds("temp-leftover", "info", 1, agent=None)
    scene.finds("temp-leftover", "info", 2)
