# otel_confidence: `make demo` shows it, `make test` proves it. Both set everything up themselves.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL = $(PIP) install --progress-bar off --editable

# A failed installation must stop make although its output is piped.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
PROGRESS = awk '/^Collecting/ {if (++n % 10 == 0) printf "  %d packages found ...\n", n; fflush()} /^Installing/ {print "  installing ..."; fflush()} /ERROR/'

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest check fix bench clean stack stack-tools diff-promql

help: ## say what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.pip:
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.pip
	@echo "Installing the server and scikit-learn (1 GB, most of it the embedded ClickHouse) ..."
	@$(INSTALL) ".[server,fastapi]" --group demo | $(PROGRESS)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.pip
	@echo "Installing everything, with linters and test tools (1.5 GB) ..."
	@$(INSTALL) ".[all]" --group dev | $(PROGRESS)
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## run a classifier that becomes sure and wrong, and watch it in a page; DEMO_SECONDS=60 ends it
	@$(BIN)/python -m examples.digits

# Two workers have two cores: threads of numpy's beside them would spin, each waiting for the other.
test: $(VENV)/.dev ## run every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(PYTEST)
	@echo "All tests passed. Next: 'make demo' shows it at work, 'make check' runs the linters and type checkers."

# uv, as pip knows no lowest versions. Not run: what no library's version changes, and, for they skip
# without them, what needs the stack's programs.
RESOLUTION ?= lowest-direct
OLDEST ?= .venv-$(RESOLUTION)
UNCHANGED := tests/browser tests/stack tests/typing tests/test_house.py tests/test_wheel.py
test-oldest: ## run most tests with the lowest versions allowed; PYTHON=python3.10, RESOLUTION=highest
	@$(PYTHON) -m venv --clear $(OLDEST)
	@$(OLDEST)/bin/python -m pip --disable-pip-version-check install --quiet uv
	@$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --resolution $(RESOLUTION) \
		--editable ".[all]" --group dev
	@$(OLDEST)/bin/uv pip list --quiet --python $(OLDEST)/bin/python | grep -E '^(click|numpy|opentelemetry-sdk|starlette|wrapt) '
	@CI= OTEL_CONFIDENCE_TOOLS=$(OLDEST)/none OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest \
		--numprocesses 2 --dist loadgroup $(addprefix --ignore=,$(UNCHANGED)) $(PYTEST)

check: $(VENV)/.dev ## run the linters, type checkers and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.dev ## format and mend what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(VENV)/.dev ## measure the overhead and PromQL beside peers, as ratios
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.promql

stack: $(VENV)/.demo ## run docker-compose.yml's services without Docker, after stack-tools
	@$(BIN)/python -m tools.stack $(STACK)

stack-tools: ## build Prometheus, Alertmanager and Collector for the tests (Go; 12 minutes, once)
	@$(PYTHON) -m tools.stack_tools

diff-promql: $(VENV)/.dev ## compare 20,000 random queries with that Prometheus
	@$(PYTHON) -m tools.stack_tools prometheus
	@$(BIN)/python -m tests.query.differential --queries 20000 $(DIFF)

clean: ## remove the environment and every cache
	rm -rf $(VENV) .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
