"""`orphans`: files by class, and entries without a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats

if TYPE_CHECKING:
    from gatewaydoctor.examine.sessions.stores import StoreFacts


def orphans(run: Run) -> Outcome:
    """Reads every unindexed transcript to see whether it holds a conversation; its text is never shown. A file is
    referenced if any agent's session, checkpoint, topic name or mapped path points to it."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.document import CAP
    from gatewaydoctor.report.screens import orphans as screen

    only_formats(run, "orphans", "text", "json")
    judgement = look(run, Depth(read_orphans_up_to=None))
    seen = view(run, judgement.examination)
    cap = None if run.options.all else CAP
    details = {"stores": [_details(store, cap) for store in judgement.examination.stores]}
    return Outcome(
        "orphans",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, seen),
        next=screen.step(judgement.examination, seen),
    )


def _details(store: StoreFacts, cap: int | None) -> dict[str, Any]:
    unindexed = store.transcripts.orphans
    counts: dict[str, int] = {}
    for orphan in unindexed:
        word = orphan.content.value if orphan.content else "not-read"
        counts[word] = counts.get(word, 0) + 1
    missing = [each for each in store.pointers.listed if each.resolution.missing] if store.pointers else []
    return {
        "agentId": store.agent_id,
        "directory": str(store.listing.directory),
        "unindexed": counts,
        "referencesKnown": store.transcripts.referenced_known,
        "files": [
            {
                "name": orphan.record.name,
                "bytes": orphan.record.size,
                "mtimeMs": orphan.record.mtime,
                "content": orphan.content.value if orphan.content else None,
            }
            for orphan in unindexed[:cap]
        ],
        "missing": [
            {
                "key": each.entry.key,
                "kind": each.entry.kind.value,
                "sessionId": each.entry.session_id,
                "presence": each.resolution.presence.value,
                "found": each.resolution.found,
            }
            for each in missing[:cap]
        ],
    }
