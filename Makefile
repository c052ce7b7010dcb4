# infradb: what is done often. `make` alone lists the targets.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
PIP := $(PYTHON_IN_VENV) -m pip --disable-pip-version-check --quiet
PYTEST_ARGUMENTS ?= -n auto

# What differs from the last commit, as one text: whatever `make generate` changes shows in it.
TREE_STATE := git status --porcelain; git diff

export PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev run test lint format generate bench lock wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime ## Make .venv with infradb and what it runs on

setup-dev: $(VENV)/.dev ## The same, and what tests and linters need

$(VENV)/.runtime: requirements.lock pyproject.toml scripts/make-venv.sh
	@scripts/make-venv.sh $(VENV)
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --editable .
	@$(PYTHON_IN_VENV) -m compileall -q -j 0 $(VENV)/lib src/infradb >/dev/null || true
	@touch $@
	@echo "ready: $(VENV)/bin/infradb"

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(PIP) install --requirement requirements-dev.lock
	@$(PYTHON_IN_VENV) -m compileall -q -j 0 $(VENV)/lib src/infradb >/dev/null || true
	@touch $@

run: setup ## Set up, then discover this machine, serve http://127.0.0.1:8420 and keep doing it
	@exec $(VENV)/bin/infradb up

test: setup-dev ## Make ready what the tests need on this machine, then run all of them
	@scripts/test-peers.sh
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_ARGUMENTS)

lint: setup-dev ## Style, types, import rules, and whether the generated files are up to date
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy --strict
	$(VENV)/bin/lint-imports
	@before=$$($(TREE_STATE)) && $(MAKE) --no-print-directory generate && after=$$($(TREE_STATE)) && \
		if [ "$$before" != "$$after" ]; then git --no-pager diff --stat; git status --short; \
		echo "generated files were out of date: commit what 'make generate' wrote"; exit 1; fi

format: setup-dev ## Format, and mend what can be mended
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

generate: setup ## Write the generated files that Git keeps
	$(PYTHON_IN_VENV) -m infradb.generate

bench: setup-dev ## Measure, side by side with peers and with the floor
	$(PYTHON_IN_VENV) bench/run.py

lock: setup-dev ## Choose the dependencies' versions anew (UPGRADE=--upgrade for the newest)
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' $(UPGRADE) --output-file requirements.lock pyproject.toml
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' $(UPGRADE) --constraint requirements.lock --extra dev \
		--output-file requirements-dev.lock pyproject.toml

wheel: setup-dev ## Build dist/infradb-….whl
	@rm -rf dist
	$(PYTHON_IN_VENV) -m build --wheel --no-isolation --outdir dist .

clean: ## Remove what was built; the databases stay where they are
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
