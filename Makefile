# Everything a checkout needs, with nothing but Python >= 3.11 and make on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo

.PHONY: help demo test bench lint format readme completions man lock conformance clean

help:
	@echo "make demo         build the 61633 incident and examine it"
	@echo "make test         all tests"
	@echo "make bench        speed and memory against the peers on this machine"
	@echo "make lint         ruff and mypy --strict"
	@echo "make conformance  compare with real OpenClaw releases (needs npm)"

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gatewaydoctor needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(VENV)/.ready
	@test -d $(DEMO)/issue-61633 || $(BIN)/gatewaydoctor fixtures make issue-61633 --out $(DEMO)/issue-61633
	$(BIN)/gatewaydoctor scan --state-dir $(DEMO)/issue-61633

test: $(VENV)/.ready
	$(BIN)/python -m pytest

bench: $(VENV)/.ready
	$(BIN)/python -m tests.bench

lint: $(VENV)/.ready
	$(BIN)/ruff check gatewaydoctor tests
	$(BIN)/ruff format --check gatewaydoctor tests
	$(BIN)/mypy --strict -p gatewaydoctor

format: $(VENV)/.ready
	$(BIN)/ruff check --fix gatewaydoctor tests
	$(BIN)/ruff format gatewaydoctor tests

conformance: $(VENV)/.ready
	$(BIN)/python tests/conformance/install.py
	$(BIN)/python -m pytest -m conformance tests/conformance

readme: $(VENV)/.ready
	$(BIN)/python -m tests.readme --write

completions: $(VENV)/.ready
	$(BIN)/gatewaydoctor completions bash > completions/gatewaydoctor.bash
	$(BIN)/gatewaydoctor completions zsh > completions/_gatewaydoctor
	$(BIN)/gatewaydoctor completions fish > completions/gatewaydoctor.fish
	$(BIN)/gatewaydoctor completions powershell > completions/gatewaydoctor.ps1

man: $(VENV)/.ready
	$(BIN)/python -m gatewaydoctor.cli.manual > docs/gatewaydoctor.1

# The versions development runs with; pyproject.toml keeps the ranges users get.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable ".[dev,plot]"
	build/lock/bin/python -m pip freeze --exclude-editable > requirements-dev.txt

clean:
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
