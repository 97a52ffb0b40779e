"""Docker: the gateway's image with the gate at its entrypoint, and a health check."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.quoting import yaml
from gatewaydoctor.integrate.site import REQUIREMENT

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

IMAGE = "openclaw:local"
"""What OpenClaw's own Docker setup builds (docs/install/docker.md, 2026.3.28)."""
GATEWAY = ("node", "openclaw.mjs", "gateway", "--allow-unconfigured")
"""What the gateway's image runs; an image with a new entrypoint has to say it again."""
VENV = "/opt/gatewaydoctor"
_GATE = "/usr/local/bin/gatewaydoctor-gate"
_ALIVE = "fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
"""As in the HEALTHCHECK of the gateway's image, which a new one replaces."""
_HEALTHY = f'node -e "{_ALIVE}" && {_GATE} || exit 1'
_BUILT = "openclaw:gatewaydoctor"
_FILE = "Dockerfile.gatewaydoctor"


def dockerfile(site: Site) -> str:
    command = json.dumps(list(site.gateway or GATEWAY), ensure_ascii=False)
    return f"""\
# syntax=docker/dockerfile:1
# The gateway's image, with a look at the state directory before every start that stops a start only where it would
# lose data. A check that is missing, broken or slow stops nothing.
# Where it goes:      {_FILE}
# Switch it on:       docker build -t {_BUILT} -f {_FILE} .
#                     Run that image in place of {site.image or IMAGE}; for compose see
#                     gatewaydoctor integrate docker --form compose
# Start all the same: docker run -e {gate.SWITCH}=off ...
FROM {site.image or IMAGE}
USER root
RUN apt-get update \\
    && apt-get install -y --no-install-recommends python3-venv \\
    && rm -rf /var/lib/apt/lists/* \\
    && python3 -m venv {VENV} \\
    && {VENV}/bin/pip install --no-cache-dir {REQUIREMENT}
COPY --chmod=0755 <<'END_OF_GATE' {_GATE}
{_script(site)}END_OF_GATE

USER node
# Unhealthy where the gateway does not answer, or a start now would lose data; no warning makes it so.
HEALTHCHECK --interval=5m --timeout={_timeout(site)}s --start-period=2m --retries=3 CMD {_HEALTHY}
ENTRYPOINT ["{_GATE}"]
CMD {command}
"""


def _script(site: Site) -> str:
    """The gate, and whatever it is to let start."""
    # A container that was stopped runs nothing, but lends its volumes.
    image = ("docker", "run", "--rm", "-it", "--volumes-from", "CONTAINER", "--entrypoint", *site.program, _BUILT)
    advice = gate.advice(
        replace(site, program=image),
        stop="docker stop CONTAINER",
        start="docker start CONTAINER",
        override=f"docker run -e {gate.SWITCH}=off ..., or {gate.SWITCH}=off docker compose up -d",
    )
    return gate.wrapper(site, advice)


def _timeout(site: Site) -> int:
    return 2 * site.limit + 20


def compose(site: Site) -> str:
    return f"""\
# The gateway of the OpenClaw docker-compose.yml behind the gate, and its health.
# Where it goes:      docker-compose.override.yml, beside docker-compose.yml and {_FILE}
#                     (gatewaydoctor integrate docker --output {_FILE})
# Switch it on:       docker compose up -d --build openclaw-gateway
# Start all the same: {gate.SWITCH}=off docker compose up -d openclaw-gateway
services:
  openclaw-gateway:
    image: {_BUILT}
    build:
      context: .
      dockerfile: {_FILE}
    environment:
      {gate.SWITCH}: ${{{gate.SWITCH}:-on}}
    healthcheck:
      test: ["CMD-SHELL", {yaml(_HEALTHY)}]
      interval: 5m
      timeout: {_timeout(site)}s
      start_period: 2m
      retries: 3
"""


FORMS = {"dockerfile": dockerfile, "compose": compose}
