# Everything a checkout needs, with nothing but Python >= 3.11 and make on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo
# One more than there are cores: many tests wait for a process they started.
WORKERS = $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
# Many tests start the program: with compiled modules each start takes half the time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test quick mutants torture soak limits regenerate test-packaging fixtures bench bench-record bench-check lint format readme completions man lock conformance conformance-page package pyz clean

help:
	@echo "make demo         build the 61633 incident and examine it"
	@echo "make test         all tests"
	@echo "make quick        the tests that most changes break, half a minute"
	@echo "make mutants      break the code on purpose: each breakage must turn a test red (half an hour)"
	@echo "make torture      every act that writes, with one system call of it gone wrong (ten minutes; needs cc)"
	@echo "make soak         random directories of both eras: examined, repaired, restored"
	@echo "make limits       every verb with too little memory, room, rights, streams (some need root)"
	@echo "make fixtures     what fixtures/ should show, against what it shows"
	@echo "make bench        speed and memory against the peers on this machine (bench-record, bench-check)"
	@echo "make lint         ruff and mypy --strict"
	@echo "make conformance  compare with real OpenClaw releases (needs npm; in pieces: docs/conformance.md)"
	@echo "make conformance-page  docs/conformance.md of what the runs left"
	@echo "make completions man  completions/ and docs/gatewaydoctor.1, as the program makes them"
	@echo "make regenerate   everything that is generated: fixtures, blocks of README and docs/, goldens, completions, schemas"
	@echo "make package      wheel and sdist, in dist/"
	@echo "make pyz          one file with every dependency: dist/gatewaydoctor.pyz"
	@echo "make test-packaging  build all of these, install them and run them"

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
	$(BIN)/python -m pytest -n $(WORKERS)

# What most changes break, in half a minute: rules, words, layers, screens, the kept bytes, one crash of each kind.
quick: $(VENV)/.ready
	$(BIN)/python -m pytest -n auto --hypothesis-profile=quick tests/test_layers.py tests/test_citations.py \
		tests/test_words.py tests/mutants tests/checks tests/model tests/store tests/report tests/formats/test_text.py \
		tests/repair/test_splice.py tests/repair/test_transact.py::test_a_kill_while_undoing_a_finished_run \
		tests/repair/test_apply.py::test_a_kill_while_undoing_a_finished_run \
		tests/cli/test_golden.py tests/cli/test_first_screen.py tests/cli/test_wrong_input.py

# Slow (half an hour): breaks the code on purpose and expects red. `make mutants WORDS="synced undo"` for some.
mutants: $(VENV)/.ready
	$(BIN)/python -m tests.mutants $(WORDS)

# Some acts, more calls: make torture WORDS="trim --most 0". The table of docs/robustness.md: WORDS="--record".
torture: $(VENV)/.ready
	$(BIN)/python -m tests.torture $(WORDS)

# Random directories, and every verb under limits of its process: make soak WORDS="1000 --seed 1"
soak: $(VENV)/.ready
	$(BIN)/python -m tests.torture.soak $(WORDS)

limits: $(VENV)/.ready
	$(BIN)/python -m tests.torture.limits $(WORDS)

fixtures: $(VENV)/.ready
	$(BIN)/gatewaydoctor fixtures validate fixtures

test-packaging: $(VENV)/.ready
	$(BIN)/python -m pytest -m packaging tests/packaging

package: $(VENV)/.ready
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)} \
		$(BIN)/python -m build --outdir dist .

# Other hosts: make pyz PYZ="--platform musllinux_1_2_x86_64 --python 3.12"
pyz: $(VENV)/.ready
	$(BIN)/python tools/pyz/build.py $(PYZ)

# Some rows only: make bench ROWS="layout repair". A row is measured best of 5; all of them take half an hour.
bench: $(VENV)/.ready
	$(BIN)/python -m tests.bench $(ROWS)

# The same, written into docs/speed.md; and compared with what was recorded there last.
bench-record: $(VENV)/.ready
	$(BIN)/python -m tests.bench --record $(ROWS)

bench-check: $(VENV)/.ready
	$(BIN)/python -m tests.bench --check $(ROWS)

lint: $(VENV)/.ready
	$(BIN)/ruff check gatewaydoctor tests tools
	$(BIN)/ruff format --check gatewaydoctor tests tools
	$(BIN)/mypy --strict -p gatewaydoctor
	$(BIN)/mypy --strict tools/pyz/build.py tools/pyz/pyz_cache.py

format: $(VENV)/.ready
	$(BIN)/ruff check --fix gatewaydoctor tests tools
	$(BIN)/ruff format gatewaydoctor tests tools

# In pieces of at most ten minutes (docs/conformance.md): make conformance PIECE="starts 2026.9.6 --slice 1/8"
conformance: $(VENV)/.ready
	$(BIN)/python -m tests.conformance $(PIECE)

# docs/conformance.md of what the runs left in tests/conformance/results/
conformance-page: $(VENV)/.ready
	$(BIN)/python -m tests.conformance.page

readme: $(VENV)/.ready
	$(BIN)/python -m tests.readme --write
	$(BIN)/python -m tests.picture

completions: $(VENV)/.ready
	$(BIN)/gatewaydoctor completions bash > completions/gatewaydoctor.bash
	$(BIN)/gatewaydoctor completions zsh > completions/_gatewaydoctor
	$(BIN)/gatewaydoctor completions fish > completions/gatewaydoctor.fish
	$(BIN)/gatewaydoctor completions powershell > completions/gatewaydoctor.ps1

regenerate: $(VENV)/.ready completions man
	$(BIN)/python -m gatewaydoctor.report.schema
	$(BIN)/python -m gatewaydoctor.fixtures.validating
	$(BIN)/python -m tests.fixtures_source
	GATEWAYDOCTOR_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/cli/test_golden.py
	UPDATE_DOCS=1 $(BIN)/python -m pytest tests/simulate/test_docs.py
	$(BIN)/python -m tests.conformance.page
	$(MAKE) readme

man: $(VENV)/.ready
	$(BIN)/python -m gatewaydoctor.cli.parser.manual > docs/gatewaydoctor.1

# The versions development runs with; pyproject.toml keeps the ranges users get.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable ".[dev,plot]"
	build/lock/bin/python -m pip freeze --exclude-editable > requirements-dev.txt

clean:
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
