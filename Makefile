# otel_confidence: `make demo` shows it, `make test` proves it. Both set everything up themselves.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench clean

help: ## say what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): about 900 MB, one to three minutes ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --editable ".[all]" --group dev \
	  | awk '/^Collecting/ {n++; if (n % 20 == 0) {printf "  %d packages ...\n", n; fflush()}} /^ERROR|^Successfully installed/ {print substr($$0, 1, 60) " ..."}'
	@$(BIN)/python -c "import otel_confidence"
	@touch $@

demo: $(STAMP) ## run a classifier that becomes sure and wrong, and watch it in a page
	@$(BIN)/python -m examples.digits

test: $(STAMP) ## run every test
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(PYTEST)
	@echo "All tests passed. Next: 'make demo' shows it at work, 'make check' runs the linters and type checkers."

check: $(STAMP) ## run the linters, type checkers and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(STAMP) ## format and mend what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(STAMP) ## measure the overhead beside peers, as ratios
	@$(BIN)/python -m tests.bench

clean: ## remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
