"""What happens to the files of removed rows: transcripts are renamed, trajectories deleted, old archives deleted."""

# The gateway resolves paths as text; Path would tidy them on the way.
# ruff: noqa: PTH104, PTH108, PTH110, PTH113, PTH114, PTH208
from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gatewaydoctor.simulate.refstore import files, js

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gatewaydoctor.simulate.refstore.files import SessionsDir


def remembered_files(removed: Iterable[Any]) -> list[tuple[Any, Any]]:
    """(sessionId, sessionFile) of removed rows, one per id; of several rows the last with a sessionFile counts."""
    found: dict[Any, tuple[Any, Any]] = {}
    for entry in removed:
        session_id, session_file = js.get(entry, "sessionId"), js.get(entry, "sessionFile")
        mark = identity(session_id)
        if mark not in found or js.truthy(session_file):
            found[mark] = (session_id, session_file)
    return list(found.values())


def identity(value: Any) -> tuple[str, Any]:
    """A hashable stand-in that is equal where a JavaScript Map sees the same key."""
    if js.is_number(value):
        return ("number", value)
    return ("text", value) if isinstance(value, str) else ("object", id(value))


def archive_transcripts(
    folder: SessionsDir, removed: Iterable[tuple[Any, Any]], store: Mapping[str, Any], now_ms: int
) -> list[str]:
    """Rename the transcripts of removed sessions to `<file>.deleted.<time>`; returns the paths they had.

    A session some row still names keeps its files, and so does any file outside the store's directory.
    """
    archived: list[str] = []
    for session_id, session_file in _unreferenced(removed, store):
        for candidate in _candidates(folder, session_id, session_file):
            path = files.real(candidate)
            if not folder.contains(path) or not _exists(path):
                continue
            try:
                os.rename(path, f"{path}.deleted.{files.stamp(now_ms)}")
            except OSError:
                continue
            archived.append(path)
    return archived


def remove_trajectories(
    folder: SessionsDir, removed: Iterable[tuple[Any, Any]], store: Mapping[str, Any]
) -> list[str]:
    """Delete the trajectory files beside the transcripts of removed sessions (2026.5.22); returns their paths.

    A pointer is followed inside the directory. The release also follows it outside, to a file that begins with
    the session's own event; this store never deletes there.
    """
    deleted: list[str] = []
    for session_id, session_file in _unreferenced(removed, store):
        given = session_file if js.truthy(session_file) else None
        try:
            transcript = folder.session_file(session_id, given)
        except (files.PathRefused, js.GatewayTypeError):
            continue
        pointer, runtime = files.trajectory_files(transcript)
        for path in dict.fromkeys((runtime, *_pointed_at(pointer, session_id), pointer)):
            if folder.contains(path) and _is_plain_file(path):
                os.unlink(path)
                deleted.append(path)
    return deleted


def delete_old_archives(directories: Iterable[str], reason: str, *, now_ms: int, max_age_ms: int) -> list[str]:
    """Delete `.<reason>.` archives whose name is older than `max_age_ms`; returns their paths."""
    deleted: list[str] = []
    for directory in dict.fromkeys(files.resolve(each) for each in directories):
        for name in _names(directory):
            archived_at = files.archived_at(name, reason)
            if archived_at is None or now_ms - archived_at <= max_age_ms:
                continue
            path = f"{directory}/{name}"
            if os.path.isfile(path):
                os.unlink(path)
                deleted.append(path)
    return deleted


def _unreferenced(removed: Iterable[tuple[Any, Any]], store: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    ids = (js.get(entry, "sessionId") for entry in store.values())
    referenced = {identity(session_id) for session_id in ids if js.truthy(session_id)}
    return (pair for pair in removed if identity(pair[0]) not in referenced)


def _candidates(folder: SessionsDir, session_id: Any, session_file: Any) -> list[str]:
    """Where the transcript may be; the row's own file comes last if its name carries another session's id."""
    named = files.names_generated_session(session_file)
    stale = named is not None and named != session_id
    found: list[str] = []
    if js.truthy(session_file) and not stale:
        _add(found, lambda: folder.session_file(session_id, session_file))
    _add(found, lambda: folder.transcript(session_id))
    if js.truthy(session_file) and stale:
        _add(found, lambda: folder.session_file(session_id, session_file))
    return list(dict.fromkeys(found))


def _add(found: list[str], resolve: Callable[[], str]) -> None:
    with suppress(files.PathRefused, js.GatewayTypeError):
        found.append(resolve())


def _pointed_at(pointer: str, session_id: Any) -> list[str]:
    if not _is_plain_file(pointer):
        return []
    try:
        with open(pointer, "rb") as file:
            found = js.parse(file.read().decode("utf-8", "replace"))
    except (OSError, ValueError):
        return []
    runtime = js.get(found, "runtimeFile")
    known = js.get(found, "traceSchema") == "openclaw-trajectory-pointer" and js.get(found, "schemaVersion") == 1
    if not known or js.get(found, "sessionId") != session_id or not js.lower_text(runtime):
        return []
    return [files.resolve(runtime)]


def _is_plain_file(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:
        return False


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
