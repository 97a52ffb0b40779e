"""cron: a daily check that sends mail only about new findings."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatewaydoctor.integrate.quoting import cron

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

# Cron mails whatever is printed, so a check that passes prints nothing.
_QUIET_UNLESS = 'said=$("$@" 2>&1) && exit; code=$?; printf "%s\\n" "$said"; exit "$code"'


def mail(site: Site) -> str:
    baseline = f"{site.state_dir}.gatewaydoctor-baseline.json"
    check = site.argv("check", "--fail-on", "warning", "--baseline", baseline)
    lock = f"{site.state_dir}.gatewaydoctor.lock"
    command = shlex.join(("flock", "-n", lock, "/bin/sh", "-c", _QUIET_UNLESS, "gatewaydoctor-cron", *check))
    return f"""\
# A daily check; mail only about findings that are new since the baseline or
# grew worse, or if the check failed.
# Where it goes:      the crontab of the user the gateway runs as (crontab -e)
# Switch it on:       {site.line("check", "--baseline", baseline, "--write-baseline")}
#                     (once, and whenever what is there now is to go into the baseline)
# flock keeps two checks apart (util-linux). In a crontab a percent sign needs
# a backslash before it.
SHELL=/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
# MAILTO=operator@example.org
17 6 * * * cd / && {cron(command)}
"""


FORMS = {"mail": mail}
