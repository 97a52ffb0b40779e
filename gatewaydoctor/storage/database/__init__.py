"""What a gateway keeps in its databases: sessions, transcripts, jobs, the schema of each release, and what is wrong.

`Transcripts(database)` (transcripts.py) gives the events of a session and of archived ones, unpacked; `Tables`
(select.py) reads tables of any release, NULL for columns that are not there; `read_sessions` (sessions.py) the
session rows; rescue.py the rows of a database that does not hold together. The files themselves are read by
storage/sqlite.
"""
