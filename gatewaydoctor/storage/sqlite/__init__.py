"""SQLite files read as SQLite itself would read them at that moment, and nothing created, locked or changed.

    match open_database(fs, path):              # never raises; Fault says kind, reason and page
        case Fault() as fault: ...
        case database:
            with database:
                database.user_version, database.header, database.schema, database.tables, database.columns("t")
                database.log, database.journal  # what of the -wal or a hot journal counts
                for row in (rows := database.rows("SELECT ...", values)): ...
                rows.fault                      # set where the stream ended early
                database.all("SELECT ...")      # few rows, or a Fault
                database.pages                  # records and keys straight from pages, damaged ones too
                database.bytes_by_table()       # where the bytes are

`read_database_once(fs, path, read)` calls `read` again where a running gateway wrote over what was being read.

The layers, from the file up: raw (bytes at an offset), log (what counts of it; recovery lets SQLite judge its
checksums), image (the pages as SQLite would see them, a hot journal undone), pages (b-trees in Python), vfs and sql
(the same pages under SQLite), opened (the face). apsw is loaded with the first statement or the first log.
"""
