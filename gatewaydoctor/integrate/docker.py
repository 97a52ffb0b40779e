"""Docker: the gateway's image with the gate at its entrypoint, and a health check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.package import dockerfile_steps
from gatewaydoctor.integrate.quoting import yaml

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

IMAGE = "openclaw:local"
"""What OpenClaw's own Docker setup builds (docs/install/docker.md, 2026.3.28)."""
GATEWAY = ("node", "openclaw.mjs", "gateway", "--allow-unconfigured")
"""What the gateway's image runs; an image with a new entrypoint has to say it again."""
_GATE = "/usr/local/bin/gatewaydoctor-gate"
_ALIVE = "fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
"""As in the HEALTHCHECK of the gateway's image."""
_HEALTHY = f'node -e "{_ALIVE}"'
_TIMEOUT_S = 10
_BUILT = "openclaw:gatewaydoctor"
_FILE = "Dockerfile.gatewaydoctor"


def dockerfile(site: Site) -> str:
    command = json.dumps(list(site.gateway or GATEWAY), ensure_ascii=False)
    return f"""\
# syntax=docker/dockerfile:1
# The gateway's image with gatewaydoctor, which is asked before every start and
# stops a start only if it would lose data, fail or loop. A gate that is
# missing, broken or slow stops nothing.
# Where it goes:   {_FILE}, next to {site.package or "the package it copies"}
# Switch it on:    docker build -t {_BUILT} -f {_FILE} .
#                  Run that image in place of {site.image or IMAGE}; for compose see
#                  gatewaydoctor integrate docker --form compose
# Start anyway:    docker run -e {gate.SWITCH}=off ...
# After a stop:    docker run --rm -it --volumes-from CONTAINER --entrypoint {site.program[0]} \\
#                  {_BUILT} repair {" ".join(site.options)}
FROM {site.image or IMAGE}
USER root
{dockerfile_steps(site)}
COPY --chmod=0755 <<'END_OF_GATE' {_GATE}
{gate.wrapper(site)}END_OF_GATE

USER node
# Unhealthy if the gateway does not answer. A bad store does not make it so: a
# gateway that runs must not be killed for what only its next start would do.
HEALTHCHECK --interval=5m --timeout={_TIMEOUT_S}s --start-period=2m --retries=3 CMD {_HEALTHY}
ENTRYPOINT ["{_GATE}"]
CMD {command}
"""


def compose(site: Site) -> str:
    return f"""\
# The gateway of the OpenClaw docker-compose.yml with the gate, and its health.
# Where it goes:   docker-compose.override.yml, next to docker-compose.yml and {_FILE}
#                  (gatewaydoctor integrate docker --output {_FILE})
# Switch it on:    docker compose up -d --build openclaw-gateway
# Start anyway:    {gate.SWITCH}=off docker compose up -d openclaw-gateway
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
      timeout: {_TIMEOUT_S}s
      start_period: 2m
      retries: 3
"""


FORMS = {"dockerfile": dockerfile, "compose": compose}
