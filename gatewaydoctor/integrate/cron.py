"""cron: a daily look with mail only about what is new."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatewaydoctor.integrate.quoting import cron

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

# Cron mails whatever is printed, so a look that passes prints nothing.
_QUIET_UNLESS = 'said=$("$@" 2>&1) && exit; code=$?; printf "%s\\n" "$said"; exit "$code"'


def mail(site: Site) -> str:
    baseline = f"{site.state_dir}.gatewaydoctor-baseline.json"
    look = site.argv("check", "--fail-on", "warning", "--baseline", baseline)
    lock = f"{site.state_dir}.gatewaydoctor.lock"
    command = shlex.join(("flock", "-n", lock, "/bin/sh", "-c", _QUIET_UNLESS, "gatewaydoctor-cron", *look))
    return f"""\
# A look every day; mail only about what is new since the baseline, has grown or got worse, or when it could not look.
# Where it goes:      the crontab of the user the gateway runs as (crontab -e)
# Switch it on:       {site.line("check", "--baseline", baseline, "--write-baseline")}
#                     (once, and whenever what is there now shall count as known)
# Two looks at a time are kept apart by flock (util-linux). In a crontab a percent sign needs a backslash before it.
SHELL=/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
# MAILTO=operator@example.org
17 6 * * * cd / && {cron(command)}
"""


FORMS = {"mail": mail}
