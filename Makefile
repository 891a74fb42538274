# The project's commands. Each makes the virtual environment it needs, and renews it when pyproject.toml is newer.

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint browser bench clean

help:
	@echo "make demo    solve the example instance, about a minute"
	@echo "make check   style, types, import rules and the quick tests"
	@echo "make test    the same with every test; installs chromium where there is none"
	@echo "make bench   benchmarks, read and not asserted; takes minutes"
	@echo "make clean   remove the environment and everything generated"

demo: $(VENV)/.runtime
	@$(BIN)/ailis-opt demo

check: lint
	@$(BIN)/pytest -n 2 -m "not slow"

test: lint browser
	@$(BIN)/pytest -n 2

# The report is opened in a real browser. Debian's is installed where there is none.
browser:
	@set -e; command -v chromium >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else as=none; fi; \
	if [ "$$as" = none ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "chromium is needed for the tests of the report, and is not on PATH: install it (Debian: apt-get install chromium)" >&2; exit 1; \
	fi; \
	echo "installing chromium"; \
	$$as apt-get update -qq >/dev/null; \
	$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null

lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted: run $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >$(VENV)/imports.txt || { cat $(VENV)/imports.txt >&2; exit 1; }

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist demo ailis-opt-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: pyproject.toml
	$(call install,.)
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(call install,.[dev])
	@touch $@ $(VENV)/.runtime

# Makes the environment if it is missing or does not run, and installs $(1) into it: with uv where there is one, else with venv and pip.
define install
@echo "installing into $(VENV)"; set -e; \
if command -v uv >/dev/null 2>&1; then \
	$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || { rm -rf $(VENV); uv venv --quiet --python '>=3.11' $(VENV); }; \
	uv pip install --quiet --python $(BIN)/python -e '$(1)'; \
else \
	$(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null || { \
		rm -rf $(VENV); \
		for python in python3 python3.13 python3.12 python3.11 none; do \
			if [ $$python = none ]; then echo "Python 3.11 or newer is needed, and none is on PATH" >&2; exit 1; fi; \
			if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then $$python -m venv $(VENV); break; fi; \
		done; \
	}; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '$(1)'; \
fi
endef
