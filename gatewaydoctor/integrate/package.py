"""How gatewaydoctor gets into an image or a job: from a file or image that is named, never by a name from an index.

A name on a public index may be anybody's.
"""

from __future__ import annotations

import shlex
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

PYZ = "gatewaydoctor.pyz"
"""What `make pyz` builds: one file with everything in it."""
HOME = "/opt/gatewaydoctor"


class Kind(Enum):
    """What `--package` names: an archive, a wheel, a directory of wheels, or an image with /opt/gatewaydoctor."""

    ARCHIVE = "pyz"
    WHEEL = "whl"
    WHEELS = "directory"
    IMAGE = "image"


def kind_of(package: str) -> Kind:
    if package.endswith(".pyz"):
        return Kind.ARCHIVE
    if package.endswith(".whl"):
        return Kind.WHEEL
    return Kind.WHEELS if package.endswith("/") or package.startswith((".", "/")) else Kind.IMAGE


def installing(package: str) -> str:
    """A shell command that makes `gatewaydoctor` of a file here. Raises KeyError for an image."""
    word = shlex.quote(package)
    return {
        Kind.ARCHIVE: f"install -D -m 0755 {word} ~/.local/bin/gatewaydoctor",
        Kind.WHEEL: f"python3 -m pip install {word}",
        Kind.WHEELS: f"python3 -m pip install --no-index --find-links {word} gatewaydoctor",
    }[kind_of(package)]


def dockerfile_steps(site: Site) -> str:
    """Instructions after which `site.program` is there."""
    package = site.package or PYZ
    copied = f"/tmp/{PurePosixPath(package).name}"
    python = """\
RUN apt-get update \\
    && apt-get install -y --no-install-recommends {what} \\
    && rm -rf /var/lib/apt/lists/*"""
    venv = f"RUN python3 -m venv {HOME} && {HOME}/bin/pip install --no-cache-dir"
    match kind_of(package):
        case Kind.IMAGE:
            return f"{python.format(what='python3')}\nCOPY --from={package} {HOME} {HOME}"
        case Kind.ARCHIVE:
            return f"{python.format(what='python3')}\nCOPY --chmod=0755 {package} {site.program[0]}"
        case Kind.WHEEL:
            steps = f"COPY {package} {copied}\n{venv} {copied}"
        case Kind.WHEELS:
            steps = f"COPY {package} {copied}\n{venv} --no-index --find-links {copied} gatewaydoctor"
    return f"{python.format(what='python3-venv')}\n{steps}"
