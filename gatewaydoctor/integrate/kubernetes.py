"""Kubernetes: the gate as an init container, and a CronJob that reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.package import PYZ
from gatewaydoctor.integrate.quoting import kubernetes, yaml, yaml_block

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

IMAGE = "gatewaydoctor:local"
DEPLOYMENT = "openclaw"
VOLUME = "openclaw-home"
CLAIM = "openclaw-home-pvc"
"""Names as in the manifests OpenClaw ships (scripts/k8s/manifests)."""

_SECURITY = """\
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
resources:
  requests:
    cpu: 50m
    memory: 64Mi
"""
_UNLIMITED = "# No memory limit: a killed check would keep the gateway from starting.\n"

_PUSH = """\
import sys, urllib.request as web
body = sys.stdin.buffer.read()
web.urlopen(web.Request(sys.argv[1], body, {"Content-Type": "text/plain"}, method="PUT"), timeout=30)
"""


def _image_notes(site: Site, image: str) -> str:
    return f"""\
# The image:       FROM python:3.12-slim
#                  COPY --chmod=0755 {site.package or PYZ} /usr/local/bin/gatewaydoctor
#                  built as {image} and pushed where the cluster finds it"""


def _mount(site: Site) -> str:
    return f"volumeMounts:\n  - name: {VOLUME}\n    mountPath: {yaml(site.state_dir)}\n    readOnly: true\n"


def _args(words: tuple[str, ...], depth: int) -> str:
    return "\n".join(f"{' ' * depth}- {kubernetes(word)}" for word in words)


def patch(site: Site) -> str:
    image, deployment = site.image or IMAGE, site.unit or DEPLOYMENT
    override = f"kubectl set env deployment/{deployment} -c gatewaydoctor {gate.SWITCH}=off"
    words = ("gatewaydoctor-gate", *gate.command(site))
    return f"""\
# An init container that asks gatewaydoctor and stops a start only if it would
# lose data, fail or loop. A gate that is broken or slow stops nothing; an
# image that cannot be pulled does.
# Where it goes:   gatewaydoctor-patch.yaml
# Switch it on:    kubectl patch deployment {deployment} --patch-file gatewaydoctor-patch.yaml
{_image_notes(site, image)}
# Start anyway:    {override}
# The volume is called {VOLUME} in the manifests of OpenClaw; put in
# the name your deployment has for it.
spec:
  template:
    spec:
      initContainers:
        - name: gatewaydoctor
          image: {yaml(image)}
          imagePullPolicy: IfNotPresent
          command: ["/bin/sh", "-c", {kubernetes(gate.SCRIPT)}]
          args:
{_args(words, 12)}
          env:
            - name: {gate.SWITCH}
              value: "on"
{yaml_block(_UNLIMITED + _SECURITY, 10)}
{yaml_block(_mount(site), 10)}
"""


def cronjob(site: Site) -> str:
    """The JSON report goes to the log of the pod, the metrics to a push gateway where one is named."""
    image = site.image or IMAGE
    run = f"""\
"$@" --json
code=$?
[ -z "$PUSHGATEWAY" ] || "$@" --format prometheus | python3 -c '
{_PUSH}' "$PUSHGATEWAY/metrics/job/gatewaydoctor/namespace/$NAMESPACE" || exit 70
# Findings do not fail the job; a scan that cannot run does.
[ "$code" -le 1 ] || exit "$code"
"""
    return f"""\
# Scans the state directory every hour: a JSON report in the log of the pod,
# and metrics for a Prometheus Pushgateway. One per gateway of a fleet, in its
# namespace.
# Where it goes:      gatewaydoctor-cronjob.yaml
# Switch it on:       kubectl apply -n NAMESPACE -f gatewaydoctor-cronjob.yaml
{_image_notes(site, image)}
# Gather reports:     kubectl logs -n NAMESPACE -l app=gatewaydoctor --tail=-1
# The claim is called {CLAIM} in the manifests of OpenClaw. Without a push
# gateway leave PUSHGATEWAY empty.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: gatewaydoctor
  labels:
    app: gatewaydoctor
spec:
  schedule: "17 * * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: 600
      template:
        metadata:
          labels:
            app: gatewaydoctor
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          affinity:
            # A volume that one node may mount is where the gateway is.
            podAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector:
                    matchLabels:
                      app: openclaw
          containers:
            - name: gatewaydoctor
              image: {yaml(image)}
              imagePullPolicy: IfNotPresent
              command: ["/bin/sh", "-c"]
              args:
                - |
{yaml_block(run, 18)}
{_args(("gatewaydoctor", *site.argv("check")), 16)}
              env:
                - name: PUSHGATEWAY
                  value: ""
                - name: NAMESPACE
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.namespace
{yaml_block(_SECURITY, 14)}
{yaml_block(_mount(site), 14)}
          volumes:
            - name: {VOLUME}
              persistentVolumeClaim:
                claimName: {CLAIM}
"""


FORMS = {"patch": patch, "cronjob": cronjob}
