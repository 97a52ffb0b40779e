"""Which stores a rule may concern. A damaged one has a finding of its own; rules about its rows wait until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.soundness import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.storage.files.sessions import FileSessions


def whole_stores(x: Examination) -> Iterator[tuple[StoreFacts, FileSessions]]:
    """Stores of which every row is known, those too large for the gateway included."""
    for store in x.stores:
        if store.sessions is not None and store.read.whole:
            yield store, store.sessions


def whole_session_stores(x: Examination) -> Iterator[StoreFacts | DatabaseFacts]:
    """Stores of either era of which every row is known."""
    yield from (store for store, _ in whole_stores(x))
    yield from (database for database in x.databases if database.whole)


def sound_stores(x: Examination) -> Iterator[tuple[StoreFacts, FileSessions]]:
    """Stores that the gateway reads as what they are."""
    for store, sessions in whole_stores(x):
        if isinstance(store.soundness, Sound):
            yield store, sessions


def directories(x: Examination) -> Iterator[StoreFacts]:
    """The first store of each sessions directory, for rules about files: `session.store` may put several stores into
    one directory."""
    seen = set()
    for store in x.stores:
        if store.read.ref.sessions_dir not in seen:
            seen.add(store.read.ref.sessions_dir)
            yield store
