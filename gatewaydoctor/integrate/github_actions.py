"""GitHub Actions: the fixtures of a repository, validated on every push."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gatewaydoctor.integrate.package import PYZ, installing
from gatewaydoctor.integrate.quoting import yaml

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site


def workflow(site: Site) -> str:
    directory = shlex.quote(site.fixtures if not site.fixtures.startswith("-") else f"./{site.fixtures}")
    validate = f"gatewaydoctor fixtures validate {directory}"
    return f"""\
# Compares the fixtures of this repository with their expected findings: an
# annotation at each expected.json that does not match, a job summary, and a
# JUnit report. It installs {site.package or PYZ} of this repository.
# Where it goes:      .github/workflows/gatewaydoctor.yml
name: gatewaydoctor
on:
  push:
  pull_request:
permissions:
  contents: read
jobs:
  fixtures:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install gatewaydoctor
        run: {_run(_install(site.package or PYZ))}
      - name: Validate the fixtures
        run: {_run(f"{validate} --format github")}
      - name: Write a JUnit report
        if: ${{{{ !cancelled() }}}}
        # The step before has failed over a difference; this one fails where there is no report.
        run: {_run(f"{validate} --format junit > gatewaydoctor.xml || [ $? -le 2 ]")}
      - name: Keep the JUnit report
        if: ${{{{ !cancelled() }}}}
        uses: actions/upload-artifact@v4
        with:
          name: gatewaydoctor
          path: gatewaydoctor.xml
          if-no-files-found: error
"""


def _install(package: str) -> str:
    return f'{installing(package)} && echo "$HOME/.local/bin" >> "$GITHUB_PATH"'


def _run(command: str) -> str:
    """A command as a scalar: `${{` would be an expression of GitHub's, and nothing escapes it but one."""
    return yaml(command.replace("${{", "${{ '${{' }}"))


FORMS = {"workflow": workflow}
