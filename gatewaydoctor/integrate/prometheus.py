"""Prometheus: metrics for the textfile collector of node_exporter, and alerts about them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatewaydoctor.checks.judge import start_loses
from gatewaydoctor.integrate.quoting import cron, systemd, systemd_path

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

_EVERY_MIN = 10
_STALE_S = 3600


def _collect(site: Site) -> tuple[str, ...]:
    """--output replaces the file whole or not at all, which is what the collector needs."""
    return site.argv("check", "--format", "prometheus", "--output", f"{site.textfile_dir}/gatewaydoctor.prom")


def crontab(site: Site) -> str:
    return f"""\
# Metrics of gatewaydoctor for node_exporter, every {_EVERY_MIN} minutes.
# Where it goes:      the crontab of a user who may read the state directory and write {site.textfile_dir}
# Switch it on:       node_exporter --collector.textfile.directory={shlex.quote(site.textfile_dir)}
# Then the alerts:    gatewaydoctor integrate prometheus --form alerts
SHELL=/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
*/{_EVERY_MIN} * * * * cd / && {cron(shlex.join(_collect(site)))}
"""


def service(site: Site) -> str:
    words = " \\\n    ".join(map(systemd, ("gatewaydoctor-metrics", *_collect(site))))
    return f"""\
# Metrics of gatewaydoctor for node_exporter.
# Where it goes:      /etc/systemd/system/gatewaydoctor-metrics.service
# Switch it on:       with its timer (gatewaydoctor integrate prometheus --form timer); node_exporter runs with
#                     --collector.textfile.directory={shlex.quote(site.textfile_dir)}
# Then the alerts:    gatewaydoctor integrate prometheus --form alerts

[Unit]
Description=Metrics of the OpenClaw state directory

[Service]
Type=oneshot
# A shell, since systemd takes no variable or dollar sign in the path of a program.
ExecStart=/bin/sh -c {systemd('exec "$@"')} {words}
# Findings are what is reported, not a failure.
SuccessExitStatus=1
WorkingDirectory=/
TimeoutStartSec=5min
Nice=10
NoNewPrivileges=yes
# Not PrivateTmp: the gateway's lock is in /tmp.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={systemd_path(site.textfile_dir)}
"""


def timer(_site: Site) -> str:
    return f"""\
# Runs gatewaydoctor-metrics.service every {_EVERY_MIN} minutes.
# Where it goes:      /etc/systemd/system/gatewaydoctor-metrics.timer
# Switch it on:       systemctl daemon-reload; systemctl enable --now gatewaydoctor-metrics.timer

[Unit]
Description=Metrics of the OpenClaw state directory

[Timer]
OnBootSec=2min
OnUnitActiveSec={_EVERY_MIN}min
RandomizedDelaySec=30

[Install]
WantedBy=timers.target
"""


def alerts(_site: Site) -> str:
    losing = "|".join(start_loses())
    return f"""\
# Alerts about the metrics of gatewaydoctor.
# Where it goes:      gatewaydoctor.rules.yml, named under rule_files in prometheus.yml
# Switch it on:       promtool check rules gatewaydoctor.rules.yml; then reload Prometheus
groups:
  - name: gatewaydoctor
    rules:
      - alert: GatewayStartWouldLoseData
        # What a gate stops a start for.
        expr: >-
          sum without (rule) (gatewaydoctor_rule_findings{{severity="critical",rule=~"{losing}"}}) > 0
        for: {2 * _EVERY_MIN}m
        labels:
          severity: critical
        annotations:
          summary: "{{{{ $labels.instance }}}}: a restart of the gateway would lose data, or fail"
          description: "Do not restart it. Run gatewaydoctor scan there, then gatewaydoctor repair."
      - alert: GatewayStateNeedsAttention
        expr: gatewaydoctor_ok == 0 and gatewaydoctor_success == 1
        for: 1h
        labels:
          severity: warning
        annotations:
          summary: "{{{{ $labels.instance }}}}: gatewaydoctor has findings about the gateway's state"
          description: "Run gatewaydoctor scan there."
      - alert: GatewayStateUnknown
        expr: gatewaydoctor_success == 0 or time() - gatewaydoctor_scan_timestamp_seconds > {_STALE_S}
        for: {2 * _EVERY_MIN}m
        labels:
          severity: warning
        annotations:
          summary: "{{{{ $labels.instance }}}}: the gateway's state has not been checked recently"
          description: "gatewaydoctor could not run, or does not run any more. Run gatewaydoctor scan there."
"""


FORMS = {"cron": crontab, "service": service, "timer": timer, "alerts": alerts}
