"""import: what an import lost is put back for the next start to import, and one that was not finished is undone.

Seen with 2026.9.6: a transcript in the sessions directory completes a session that the database has in part, and one
of which it has nothing, at the next start (docs/database.md, section 6).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.databases import imports_leftovers
from gatewaydoctor.model.gateway.files import NodeKind
from gatewaydoctor.model.repair.plan import TO_VAULT, Copy, NewBytes, Segment
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.databases import beside_of, without_log
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.files.transcripts import new_header
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.history.content import lines_of
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.fs import is_there

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.database.health import ComparedLeftover
    from gatewaydoctor.model.database.migration import ImportRun, TranscriptPlace
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft


_BLANK = b"\0 \t\r\n"


def plan(draft: Draft, *, named: bool) -> None:
    """Losses are given back in any plan. An unfinished import is undone only where this is named: the next start
    finishes it."""
    if not imports_leftovers(draft.x.config.release):
        if named and draft.x.migration.losses:
            why = OutOfReach("Only 2026.9.6 was seen to import transcripts that are put back.", "Update first.")
            draft.refuse(Repair.IMPORT, draft.state_dir, why)
        return
    by_agent: defaultdict[str, list[TranscriptPlace]] = defaultdict(list)
    unread = {each.agent_id for each in without_log(draft)}
    for loss in draft.x.migration.returnable:
        if loss.agent_id not in unread:
            by_agent[loss.agent_id].append(loss)
    for agent_id, losses in by_agent.items():
        _lay_down(draft, agent_id, losses)
    if named and draft.x.migration.unfinished:
        _take_back(draft)


def _lay_down(draft: Draft, agent_id: str, losses: list[TranscriptPlace]) -> None:
    sizes: dict[str, int] = {}
    cut: list[str] = []
    for loss in losses:
        try:
            size, left_out = _give_back(draft, loss)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.IMPORT, loss.path, error)
            continue
        sizes[loss.waits_at.name] = size
        cut += [loss.path.name] if left_out else []
    if sizes:
        reason = "transcripts that an import lost or cut, for the next start to import"
        target, people = losses[0].waits_at.parent, len(sizes)
        names, total = list(sizes), sum(sizes.values())
        draft.step(Repair.IMPORT, "put back", target, reason, names, total, agent_id=agent_id, conversations=people)
    if cut:
        draft.caution("Lines that are not JSON stay in these archives only:", cut)


def _give_back(draft: Draft, loss: TranscriptPlace) -> tuple[int, int]:
    """Every line of the archive that is a record, behind a header; the archive stays. The size of the new file, and
    how many lines are no record. Raises OutOfReach and OSError."""
    number = draft.fingerprint(loss.path)
    segments, lines, left_out = records_of(draft, loss.path, number)
    if not lines:
        raise OutOfReach("None of its lines is a record.", "Examine it by hand.")
    if not loss.header:
        mtime = draft.fingerprints[number].mtime_ns // 1_000_000
        header = new_header(draft, loss.path, loss.session_id, _others(draft, loss.path), mtime)
        segments = [NewBytes(header), *segments]
    size = sum(each.end - each.start if isinstance(each, Copy) else len(each.data) for each in segments)
    if loss.homeless:
        place = loss.waits_at.parent
        if is_there(draft.fs, place):
            raise OutOfReach(f"{place} is not a directory.", "Move it away and create a directory of that name.")
        hint = f"Create it, owned by the user of the gateway: mkdir {place}"
        raise OutOfReach("There is no sessions directory to lay it down in.", hint)
    draft.create(loss.waits_at, tuple(segments), size, number, keep_mtime=True)
    return size, left_out


def _others(draft: Draft, path: Path) -> list[Path]:
    """Other transcripts that the import retired."""
    return [
        path.with_name(each.name) for each in list_files(draft.fs, path.parent).files if each.node is NodeKind.FILE
    ]


def records_of(draft: Draft, path: Path, number: int) -> tuple[list[Segment], int, int]:
    """The lines that are records, in as few pieces as they make; how many they are, and how many others there are."""
    segments: list[Segment] = []
    lines = left_out = 0
    size = draft.fingerprints[number].size
    with draft.fs.open(path) as stream:
        for offset, raw, length in lines_of(stream):
            record = raw.strip(_BLANK)
            if not record:
                continue
            if length > len(raw) or not _is_record(record):
                left_out += 1
                continue
            lines += 1
            start = offset + len(raw) - len(raw.lstrip(_BLANK))
            end = start + len(record)
            ended = end == offset + length < size
            _add(segments, Copy(number, start, end + ended))
            if not ended:
                segments.append(NewBytes(b"\n"))
    return segments, lines, left_out


def _add(segments: list[Segment], piece: Copy) -> None:
    last = segments[-1] if segments else None
    if isinstance(last, Copy) and last.end == piece.start:
        segments[-1] = Copy(piece.source, last.start, piece.end)
    else:
        segments.append(piece)


def _is_record(raw: bytes) -> bool:
    try:
        return isinstance(parse(raw), dict)
    except Illegal:
        return False


def _take_back(draft: Draft) -> None:
    """The databases of the agents of the run go to the vault, where they hold nothing that the files have not."""
    for run in draft.x.migration.unfinished:
        for agent_id in run.agents:
            database = next((each for each in draft.databases if each.agent_id == agent_id), None)
            leftover = next((each for each in draft.x.health.leftovers if each.agent_id == agent_id), None)
            if database is None or leftover is None or not leftover.compared:
                continue
            try:
                _take_back_one(draft, database, leftover, run)
            except (OutOfReach, OSError) as error:
                draft.refuse(Repair.IMPORT, database.path, error)


def _take_back_one(draft: Draft, database: DatabaseDraft, leftover: ComparedLeftover, run: ImportRun) -> None:
    newer = [each.key for each in leftover.replaced if each.older]
    extra = database.sessions.entries - leftover.same - len(leftover.replaced)
    if run.moved:
        hint = "Start the gateway: it finishes the import."
        raise OutOfReach(f"The import has moved {plural(run.moved, 'file')} already.", hint)
    if extra > 0 or newer:
        what = plural(max(extra, 0) + len(newer), "session")
        hint = "Start the gateway: it finishes the import."
        raise OutOfReach(f"The database has {what} that the file has not, or has older.", hint)
    paths = [*beside_of(draft, database.path), database.path]
    sizes = {path.name: size for path in paths if (size := draft.move(path)) is not None}
    reason = "a database that an unfinished import began; sessions.json has every session of it"
    names, total = list(sizes), sum(sizes.values())
    draft.step(Repair.IMPORT, TO_VAULT, database.path.parent, reason, names, total, agent_id=database.agent_id)
