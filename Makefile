# `make` or `make help` lists the targets. Each does its own set-up; nothing is installed outside this
# folder but the environment that jailed code imports from (TREEACT_HOME, by default ~/.cache/treeact).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-versions check perf image clean

# To be set on the command line, as in `make test TEST_ARGS="-k driver"`; the caller's variables of
# these names are not read.
PYTHON =
TEST_ARGS =
UNITS = tests/agents tests/models tests/planners tests/sandbox tests/tools tests/trace
VENV = .venv

PY = $(VENV)/bin/python
READY = $(VENV)/.treeact-ready
WANTED = -e .[web,mcp] -r $(VENV)/dev-tools.txt
NEW_ENOUGH = -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
DEV_TOOLS = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")

# What would lead the interpreter or the installer away from our own environment, and what would have
# every process compile everything anew.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX PYTHONDONTWRITEBYTECODE
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV UV_PROJECT_ENVIRONMENT UV_SYSTEM_PYTHON

help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make .venv with TreeAct and its tools, and the jail's packages. Once; then instant.

demo: $(READY) ## Run the agent over the mini suite from recorded responses, in a real sandbox; AGENT=poact for another.
	@$(PY) -m treeact demo $(if $(AGENT),--agent $(AGENT))

test: $(READY) ## Run all tests. TEST_ARGS="..." goes to pytest.
	@$(PY) -m pytest -n auto $(TEST_ARGS)

# Found on the path or where pyenv keeps them; each gets an environment of its own within $(VENV).
test-versions: ## Run the tests that need no Docker engine on each other Python that is here. UNITS="tests/..."
	@for version in 3.11 3.12 3.13; do \
	    for python in python$$version "$$HOME"/.pyenv/versions/$$version.*/bin/python ''; do \
	        [ -n "$$python" ] && "$$python" $(NEW_ENOUGH) && break; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "test-versions: no Python $$version here"; \
	    else \
	        echo "test-versions: $$("$$python" --version)"; \
	        $(MAKE) --no-print-directory test PYTHON="$$python" VENV="$(VENV)/$$version" \
	            TEST_ARGS="-m 'not docker' $(UNITS)" || exit 1; \
	    fi; \
	done

check: $(READY) ## Lint, formatting, types, and the import rules between layers.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

perf: $(READY) ## Run every measurement in perf/.
	@for script in perf/[!_]*.py; do \
	    echo "== $$script"; \
	    $(PY) "$$script" || exit 1; \
	done

image: $(READY) ## Build the Docker sandbox's image. TREEACT_BASE_IMAGE names another base.
	@$(PY) -m treeact sandbox build --kind docker

clean: ## Remove .venv, caches and build results; runs and the jail's packages stay.
	rm -rf $(VENV) dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis perf/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml treeact/sandbox/image/requirements.txt
	@uv=$$(command -v uv || true); \
	if [ ! -x $(PY) ]; then \
	    for python in $(PYTHON) python3.13 python3.12 python3.11 python3 ''; do \
	        if [ -z "$$python" ]; then \
	            echo "setup: no Python 3.11 or newer found: install one, or name it: make setup PYTHON=..." >&2; \
	            exit 1; \
	        fi; \
	        "$$python" $(NEW_ENOUGH) && break; \
	    done; \
	    echo "setup: making $(VENV) with $$python ($$("$$python" --version 2>&1)) by $${uv:-venv}"; \
	    rm -rf $(VENV); \
	    if [ -n "$$uv" ]; then \
	        "$$uv" venv --quiet --no-project --python "$$python" $(VENV) || exit 1; \
	    elif ! "$$python" -m venv $(VENV); then \
	        rm -rf $(VENV); \
	        echo "setup: this Python cannot make an environment: install uv, or Debian's python3-venv" >&2; \
	        exit 1; \
	    fi; \
	fi; \
	echo "setup: installing TreeAct and its development tools into $(VENV)"; \
	$(PY) -c '$(DEV_TOOLS)' > $(VENV)/dev-tools.txt || exit 1; \
	if [ -n "$$uv" ] && "$$uv" pip install --quiet --python $(PY) $(WANTED); then exit 0; fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	    [ -z "$$uv" ] || echo "setup: uv could not; trying pip"; \
	    $(PY) -m ensurepip >/dev/null || { \
	        echo "setup: $(VENV) has no pip: install uv, or make clean and try again" >&2; exit 1; }; \
	fi; \
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check $(WANTED)
	@echo "setup: preparing the packages that jailed code can import"
	@$(PY) -m treeact sandbox build --kind jail
	@touch $@
	@echo "setup: done"
