"""What a repair changes in a database, one value an edit: carried out on a private copy, in the order given."""

from __future__ import annotations

import msgspec


class DropSessions(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropSessions"):
    """The session rows with these keys leave, with everything that belongs to them alone."""

    keys: tuple[str, ...]


class EndedSession(msgspec.Struct, frozen=True, array_like=True):
    """A session that is over since `ended_at` (epoch ms)."""

    key: str
    ended_at: int


class EndSessions(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="endSessions"):
    """These sessions get `status` and their end; abortedLastRun becomes false where it is true."""

    status: str
    sessions: tuple[EndedSession, ...]


class DropFields(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropFields"):
    """These fields leave the entries of these sessions."""

    fields: tuple[str, ...]
    keys: tuple[str, ...]


class DropOrphans(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropOrphans"):
    """Rows that refer to a row that is not there leave, `count` of them."""

    count: int


class GiveOwners(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="giveOwners"):
    """Transcripts and windows whose session row or window is lost get it again."""

    agent_id: str | None


class DropIndexes(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropIndexes"):
    """These indexes leave; no row does."""

    names: tuple[str, ...]


class DropTriggers(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropTriggers"):
    """These triggers leave, before anything else is edited; no row does."""

    names: tuple[str, ...]


class SetTrigger(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="setTrigger"):
    """The trigger `name` shall be what `sql` makes it, whether there is one now or not."""

    name: str
    sql: str


class SetVersion(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="setVersion"):
    """The schema version in the header and in the records."""

    version: int


class SetOwner(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="setOwner"):
    """The record of whose the database is: of the agent, or of all (None), and of which schema version."""

    agent_id: str | None
    version: int


class DropMigrations(
    msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropMigrations"
):
    """The records that the startup migrations of a release are done leave: the next start runs them again."""


class DropRecords(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropRecords"):
    """The quarantine records of databases at these paths, as stored, leave."""

    paths: tuple[str, ...]


class MoveJobs(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="moveJobs"):
    """Cron jobs filed under the store path `before` are filed under `after`, but for those that are there already;
    only `jobs` where any is named."""

    before: str
    after: str
    jobs: tuple[str, ...] = ()


class Brought(msgspec.Struct, frozen=True, array_like=True):
    """Sessions that come from another database: its place among the act's `sources`, and their keys."""

    source: int
    keys: tuple[str, ...]


class Rebuild(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="rebuild"):
    """A new database takes the place of the copy: the rows that can be read of its pages, and those `brought`. The
    schema is that of the act's source number `schema`, None for its own; `version`, `agent_id` and `main_key`
    are for its records where these are lost. `rows` counts what the plan could read, by table."""

    version: int
    agent_id: str | None = None
    main_key: str = "main"
    schema: int | None = None
    brought: tuple[Brought, ...] = ()
    rows: dict[str, int] = {}


class DropDeliveries(
    msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="dropDeliveries"
):
    """These waiting deliveries, each by its queue and id, leave."""

    rows: tuple[tuple[str, str], ...]


class KeepSessions(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="keepSessions"):
    """A copy of the act's sources, a database and its log, takes the place of the copy: of it nothing but these
    sessions stays, with everything that belongs to them."""

    keys: tuple[str, ...]


class BringSessions(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="bringSessions"):
    """Everything that the act's source number `source`, a database that holds nothing but these sessions, has of
    them."""

    source: int
    keys: tuple[str, ...]


class SetEnabled(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="edit", tag="setEnabled"):
    """These cron jobs, filed under `store_key`, are enabled, or disabled; nothing else of them changes."""

    store_key: str
    jobs: tuple[str, ...]
    enabled: bool


Edit = (
    Rebuild
    | DropSessions
    | EndSessions
    | DropFields
    | DropOrphans
    | GiveOwners
    | DropIndexes
    | DropTriggers
    | SetTrigger
    | SetVersion
    | SetOwner
    | DropMigrations
    | DropRecords
    | MoveJobs
    | KeepSessions
    | BringSessions
    | DropDeliveries
    | SetEnabled
)
