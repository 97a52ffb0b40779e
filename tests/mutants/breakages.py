"""The breakages: what is replaced in which file, and the tests of which at least one has to fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file`, a path below gatewaydoctor/, and `new` takes its place. `tests` are
    arguments of pytest."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_EVERY = "tests/repair/test_every_repair.py"
_TRANSACT = "tests/repair/test_transact.py"
_PARKING = "tests/repair/test_parking.py"
_ROWS = "tests/repair/test_database_repairs.py"

MUTANTS = (
    # Durability
    Mutant(
        "a new file is not synced",
        "repair/writing/stream.py",
        "            fs.fsync(descriptor)\n        finally:",
        "        finally:",
        (_EVERY, "-k", "test_apply and POWER and (trim or expire)"),
    ),
    Mutant(
        "the journal is not synced",
        "repair/vault/journal.py",
        "            self._fs.fsync(descriptor)\n",
        "",
        (_EVERY, "-k", "test_apply and POWER and (trim or locks)"),
    ),
    Mutant(
        "directories of renamed files are not synced",
        "repair/run/acts.py",
        "        work.tools.fs.fsync_dir(directory)\n\n\ndef _way_back",
        "        pass\n\n\ndef _way_back",
        (_EVERY, "-k", "test_apply and NAMES and (trim or expire)"),
    ),
    # Going back
    Mutant(
        "a failure puts nothing back",
        "repair/run/putback.py",
        "            take_back(work, number)\n    sync",
        "            pass\n    sync",
        (_EVERY, "-k", "test_apply and ERROR and (trim or locks)"),
    ),
    Mutant(
        "an undo does not look whether the target was changed since",
        "repair/run/putback.py",
        "        case ActState.CHANGED:\n            raise changed(work.target(number))",
        "        case ActState.CHANGED:\n            revert(work, number, seen)",
        ("tests/repair/test_apply.py", "tests/repair/test_undo_complete.py", "tests/repair/test_aftermath.py"),
    ),
    Mutant(
        "the displaced original goes before the receipt is written",
        "repair/run/apply.py",
        "    verified = second_look(work)\n",
        "    for number in range(len(work.plan.acts)):\n        tidy(work, number)\n"
        "    verified = second_look(work)\n",
        (_EVERY, "-k", "test_apply and FULL and (trim or expire)"),
    ),
    Mutant(
        "a copy of the vault is not compared with its hash",
        "repair/run/originals.py",
        "    return content_of(work.tools.fs, path, first=first).sha256 == kept.sha256",
        "    return True",
        ("tests/repair/test_apply.py", "tests/repair/test_runs.py", "tests/repair/test_undo_complete.py"),
    ),
    Mutant(
        "a copy in the vault loses the original's mtime",
        "repair/vault/intake.py",
        "        dress = replace(dress, mtime_ns=seen.mtime_ns)\n",
        "",
        ("tests/repair/test_undo_complete.py", "tests/repair/test_runs.py", "tests/repair/test_apply.py"),
    ),
    Mutant(
        "a run that was interrupted can be pruned",
        "repair/vault/pruning.py",
        "        if run.pending:\n            raise",
        "        if False:\n            raise",
        ("tests/repair/test_runs.py", "tests/repair/test_apply.py"),
    ),
    Mutant(
        "an undo goes the same way as the run, first act first",
        "repair/run/undo.py",
        "    for number in reversed(numbers):\n        work.tools.check_stop()",
        "    for number in numbers:\n        work.tools.check_stop()",
        (_TRANSACT, "-k", "not_its_own"),
    ),
    Mutant(
        "an undo does not stop where it is told to",
        "repair/run/undo.py",
        "    for number in reversed(numbers):\n        work.tools.check_stop()\n",
        "    for number in reversed(numbers):\n",
        ("tests/cli/test_stopping.py", "-k", "undo_ends"),
    ),
    # What is refused
    Mutant(
        "a plan is applied to files that changed since",
        "repair/writing/guard.py",
        "if stat is None or not is_unchanged(stat, seen) or (number in taken and _dressed(stat) != _dressed(seen)):",
        "if stat is None:",
        ("tests/repair/test_apply.py", "tests/cli/test_changing.py"),
    ),
    Mutant(
        "a live gateway does not stop a repair",
        "repair/writing/guard.py",
        "        case Liveness.LIVE:\n            raise",
        "        case Liveness.LIVE if False:\n            raise",
        ("tests/repair/test_apply.py", "tests/repair/test_watch.py", "tests/cli/test_repairing.py"),
    ),
    Mutant(
        "a gateway that starts between two renames is not noticed",
        "repair/run/apply.py",
        "                    watch.check(often=number != group[0])\n",
        "",
        ("tests/repair/test_watch.py",),
    ),
    Mutant(
        "a held store lock keeps nobody out",
        "repair/writing/storelock.py",
        "    if verdict.liveness is Liveness.LIVE:\n        raise",
        "    if False:\n        raise",
        ("tests/repair/test_apply.py", "tests/repair/test_whose_runs.py", "tests/cli/test_repairing.py"),
    ),
    Mutant(
        "a full disk is found out half-way",
        "repair/writing/guard.py",
        "        if size > 0 and free < size + margin:",
        "        if False:",
        ("tests/repair/test_apply.py", "tests/repair/test_small_disk.py"),
    ),
    Mutant(
        "links on the way are followed",
        "repair/writing/nofollow.py",
        '| getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_PATH", os.O_RDONLY)',
        '| getattr(os, "O_PATH", os.O_RDONLY)',
        ("tests/repair/test_swapped.py",),
    ),
    Mutant(
        "a run that is undone may have targets elsewhere",
        "repair/run/context.py",
        "    check_inside(tools.fs, place.state_dir,",
        "    False and check_inside(tools.fs, place.state_dir,",
        ("tests/repair/test_ending.py",),
    ),
    Mutant(
        "a database is replaced under a process that has it open",
        "repair/writing/guard.py",
        "    if not names:",
        "    if True:",
        ("tests/repair/test_in_use.py",),
    ),
    Mutant(
        "a file put there in the last moment is overwritten",
        "repair/run/acts.py",
        "    if displaced is None or not _identical(displaced, expected):",
        "    if displaced is None:",
        ("tests/repair/test_apply.py", "tests/repair/test_swapped.py"),
    ),
    Mutant(
        "a schema that this version does not know is repaired",
        "repair/planner/build.py",
        "        if refused := _newer_schema(draft):",
        "        if (refused := _newer_schema(draft)) and False:",
        ("tests/repair/test_database_faults.py", "-k", "newer_release"),
    ),
    Mutant(
        "a plan takes files of the vault",
        "repair/writing/guard.py",
        ' or path.parts[0] == VAULT_NAME or "',
        ' or "',
        ("tests/repair/test_runs.py", "-k", "outside or vault or copies"),
    ),
    Mutant(
        "a file in the vault is open to others",
        "repair/run/acts.py",
        "        fs.redress(out, 0o600)\n",
        "        pass\n",
        ("tests/repair/test_apply.py", "-k", "private"),
    ),
    # Kept bytes stay
    Mutant(
        "a kept row loses its last byte",
        "storage/files/splice.py",
        "        out.copy(row.source, row.start, row.end)\n        return",
        "        out.copy(row.source, row.start, row.end - 1)\n        return",
        ("tests/repair/test_splice.py", "tests/repair/test_row_repairs.py"),
    ),
    Mutant(
        "a removed row is kept",
        "repair/repairs/sessions/trim.py",
        "            store.drop(each.candidate.position)\n",
        "            pass\n",
        ("tests/repair/test_row_repairs.py",),
    ),
    Mutant(
        "trim takes conversations",
        "repair/repairs/sessions/trim.py",
        "    return frozenset({Kind.CRON_RUN}) | ",
        "    return frozenset(Kind) | ",
        ("tests/repair/test_row_repairs.py",),
    ),
    Mutant(
        "a row with a recent sign of life may go",
        "repair/repairs/sessions/trim.py",
        "        return each.sign is None or self._now - each.sign >= QUIET_MS",
        "        return True",
        ("tests/repair/test_row_repairs.py",),
    ),
    Mutant(
        "a row that shares a conversation's session may go",
        "repair/repairs/sessions/trim.py",
        "        entry.session_id in shared,",
        "        False,",
        ("tests/repair/test_row_repairs.py",),
    ),
    Mutant(
        "what was written is not read back",
        "repair/run/verify.py",
        "    if found != planned:\n",
        "    if False:\n",
        ("tests/repair/test_apply.py", "-k", "read_back"),
    ),
    Mutant(
        "people's transcripts go with those of machines",
        "repair/repairs/files/orphans.py",
        "        reason = _REASONS.get(content)\n",
        '        reason = _REASONS.get(content, "no index reaches them")\n',
        ("tests/repair/test_file_repairs.py",),
    ),
    Mutant(
        "salvage takes parts of rows for rows",
        "storage/files/evidence.py",
        "        if closing in _CLOSINGS:\n",
        "        if closing.endswith((b'}', b']')):\n            return True\n        if closing in _CLOSINGS:\n",
        ("tests/repair/test_salvage_layout.py",),
    ),
    # Databases
    Mutant(
        "a database goes in without its checks",
        "repair/databases/making.py",
        '    if faults != ["ok"]:',
        "    if False:",
        (_TRANSACT,),
    ),
    Mutant(
        "rows that refer to nothing are let through",
        "repair/databases/making.py",
        "    if broken is not None:",
        "    if False:",
        (_TRANSACT,),
    ),
    Mutant(
        "a database leaves its place before the new one may take it, and no crash is told of",
        "repair/run/acts.py",
        "    return old is not None and is_same(old, kept)",
        "    return False",
        (_TRANSACT,),
    ),
    Mutant(
        "a log of another database is laid over this one",
        "storage/database/log.py",
        "        if len(fixed) < FRAME.size or fixed[8:16] != salts:",
        "        if len(fixed) < FRAME.size:",
        ("tests/database/test_image.py", "tests/database/test_opened.py"),
    ),
    # What is parked
    Mutant(
        "what is parked of a transcript is not copied",
        "repair/repairs/sessions/parking.py",
        '        if not path.name.endswith("-shm"):',
        "        if False:",
        (_PARKING,),
    ),
    Mutant(
        "two sessions are parked under one number",
        "repair/repairs/sessions/parking.py",
        '    taken |= {found[0] for each in targets if (found := parked_name(each.rpartition("/")[2]))}\n',
        "",
        (_PARKING,),
    ),
    Mutant(
        "a parked session comes back over one that lives again",
        "repair/repairs/sessions/unparking.py",
        "            if key.lower() in wanted:",
        "            if key in wanted:",
        (_PARKING,),
    ),
    Mutant(
        "a transcript that went on under another session is in the way of a parked one",
        "repair/databases/sessions.py",
        "        if transcript is not None and row[transcript] in present:",
        "        if False:",
        (_PARKING,),
    ),
    Mutant(
        "the parked name of a file is not measured",
        "repair/repairs/sessions/parking.py",
        "> LONGEST_NAME",
        "> 10**9",
        (_PARKING, "-k", "too_long"),
    ),
    Mutant(
        "what is parked of a database counts as small",
        "repair/repairs/sessions/parking.py",
        "return 2 * total + _SCHEMA_BYTES",
        "return _SCHEMA_BYTES",
        (_PARKING, "-k", "has_room"),
    ),
    Mutant(
        "a name is unknown though not every store was read",
        "repair/drafting/named.py",
        "if Repair.PARK in repairs and _all_read(x):",
        "if Repair.PARK in repairs:",
        (_PARKING, "-k", "every_store_was_read"),
    ),
    Mutant(
        "a message of exactly a day stays",
        "repair/repairs/registry/queues.py",
        "WHERE status = 'pending' AND enqueued_at <= ? ORDER",
        "WHERE status = 'pending' AND enqueued_at < ? ORDER",
        ("tests/repair/test_queues.py", "-k", "exactly_a_day"),
    ),
    Mutant(
        "a copy goes whatever became of the file it equals",
        "repair/repairs/files/space.py",
        "        draft.judge_by(twin)\n",
        "",
        ("tests/repair/test_space.py", "-k", "copy_it_equals"),
    ),
    Mutant(
        "an archive without a record is laid down",
        "repair/repairs/stores/imports.py",
        "    if not lines:\n",
        "    if lines < 0:\n",
        ("tests/repair/test_imports.py", "-k", "without_a_record"),
    ),
    # Databases made whole
    Mutant(
        "a transcript leaves with the row that it has lost",
        "repair/databases/edits.py",
        "            Owners(connection, agent_id).give_back()\n",
        "            del agent_id\n",
        (_ROWS, "-k", "gets_it_again"),
    ),
    Mutant(
        "a version is set in the header alone",
        "repair/databases/edits.py",
        "SET schema_version = ? WHERE meta_key = 'primary'",
        "SET schema_version = ? WHERE meta_key = 'none'",
        (_ROWS, "-k", "wrong_version"),
    ),
    Mutant(
        "one record of the startup migrations stays",
        "repair/databases/edits.py",
        '("startup-migrations", "state-migrations")',
        '("startup-migrations",)',
        ("tests/database/test_startup_migrations.py",),
    ),
    Mutant(
        "no schema is lent to a database that has lost its own",
        "storage/database/rescue.py",
        "self._own_schema or self._told_by_shape()",
        "self._own_schema",
        ("tests/repair/test_database_salvage.py", "-k", "another_agents_database_serves"),
    ),
    Mutant(
        "a job that is parked in a database takes the others along",
        "repair/databases/edits.py",
        'if edit.jobs else ""',
        'if not edit.jobs else ""',
        ("tests/repair/test_database_faults.py", "-k", "parked_and_put_back"),
    ),
    Mutant(
        "a message of another queue with the same name goes",
        "repair/databases/edits.py",
        "DELETE FROM delivery_queue_entries WHERE queue_name = ? AND id = ?",
        "DELETE FROM delivery_queue_entries WHERE ? IS NOT NULL AND id = ?",
        ("tests/repair/test_queues.py",),
    ),
    Mutant(
        "transcripts are laid down for a release that refuses to start over them",
        "checks/stores/databases.py",
        "    return release.behaviour.sessions_in_database and not refuses_leftovers(release)",
        "    return release.behaviour.sessions_in_database",
        ("tests/repair/test_imports.py",),
    ),
    # What is said
    Mutant(
        "a row that a later one hides is counted",
        "storage/files/sessions.py",
        "    hidden = tuple(_hidden(table.all_keys(), frozenset(repeated))) if repeated else ()\n    hidden_bytes",
        "    hidden = ()\n    hidden_bytes",
        ("tests/store", "tests/checks/test_store.py", "tests/repair/test_double_keys.py"),
    ),
    Mutant(
        "a source that could not be asked counts as dead",
        "state/alive/liveness.py",
        "    return GatewayState(Liveness.UNKNOWN if unknown else Liveness.DEAD, tuple(evidence))",
        "    return GatewayState(Liveness.DEAD, tuple(evidence))",
        ("tests/state/test_liveness.py", "tests/state/test_launch_shapes.py"),
    ),
    Mutant(
        "a process of this directory is passed over",
        "state/alive/liveness.py",
        "        says = {Owner.OURS: Liveness.LIVE,",
        "        says = {Owner.OURS: Liveness.DEAD,",
        ("tests/state/test_liveness.py", "tests/state/test_launch_shapes.py"),
    ),
    Mutant(
        "redaction lets JSON through",
        "report/outgoing.py",
        "    return value if _active is None else _active.value(value)",
        "    return value",
        ("tests/cli/test_secrets.py", "tests/cli/test_redacted_outputs.py"),
    ),
    Mutant(
        "redaction lets text through",
        "report/outgoing.py",
        "    return text if _active is None else _active.text(text)",
        "    return text",
        ("tests/cli/test_secrets.py", "tests/cli/test_redacted_outputs.py"),
    ),
    Mutant(
        "a name steers the terminal",
        "report/words.py",
        '    return "".join(_escaped(char) if unicodedata.category(char) in _HARMFUL else char for char in text)',
        "    return text",
        ("tests/report/test_words.py", "tests/cli/test_secrets.py"),
    ),
    Mutant(
        "check succeeds whatever it finds",
        "cli/gate/gating.py",
        "        return ExitCode.FINDINGS if self.decision.failing else ExitCode.OK",
        "        return ExitCode.OK",
        ("tests/cli/test_check.py",),
    ),
    Mutant(
        "a mode that a database did not take is believed",
        "repair/databases/making.py",
        '    if mode != "wal":',
        "    if False:",
        ("tests/repair/test_transact.py",),
    ),
    Mutant(
        "the gate lets a start through that would lose data",
        "cli/verbs/gate.py",
        "    stops = (halfway is not None or (effect is not None and effect.stops_gate)) and not warn",
        "    stops = False",
        ("tests/cli/test_gate.py",),
    ),
    Mutant(
        "the gate holds a start back over a bug of its own",
        "cli/verbs/gate.py",
        'answer = Answer(could_not(f"a bug in gatewaydoctor: {type(error).__name__}"))',
        "raise",
        ("tests/cli/test_gate.py",),
    ),
    Mutant(
        "a store that could not be read counts as empty",
        "report/screens/blocks/gaps.py",
        "    if unread:\n",
        "    if False:\n",
        ("tests/cli/test_unread.py",),
    ),
    Mutant(
        "a scan opens files for writing",
        "system/fs.py",
        "    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | more",
        "    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | more",
        ("tests/cli/test_contract.py", "tests/cli/test_looking.py"),
    ),
)
