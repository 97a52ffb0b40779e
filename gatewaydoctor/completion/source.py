"""What a script asks the program for while a person types."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Words that only the state directory holds, or, for forms, at the rest of the line."""

    RUNS = "runs"
    INTERRUPTED = "interrupted"
    JOBS = "jobs"
    AGENTS = "agents"
    PROFILES = "profiles"
    FORMS = "forms"
