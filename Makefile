# The face of the study. `make` alone lists what it can do.
# It assumes python3 >= 3.11 and make; everything else is installed into $(VENV) from requirements.lock.

PROFILE ?= quick
JOBS    ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
PYTHON3 ?= python3
VENV    ?= .venv

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup reproduce lab test check bench clean lock format

READY := $(VENV)/.ready
PY    := $(VENV)/bin/python
export PYTHONUTF8 := 1
# As it stands: neither make nor a shell shall read a name as code.
export WBC_PROFILE := $(value PROFILE)

help:  ## list the targets
	@echo "make TARGET [PROFILE=$$WBC_PROFILE] [JOBS=$(JOBS)]"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "PROFILE is smoke, quick, lab, shipped, lab-gpu, shipped-gpu, paper or a YAML file of your own."

setup: $(READY)  ## create .venv and install the locked packages into it

$(READY): requirements.lock pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null || { \
	  echo "error: $(PYTHON3) is missing, older than 3.11 or newer than 3.14 ($$($(PYTHON3) --version 2>&1)); install Python 3.11 to 3.14, or say: make setup PYTHON3=/path/to/python3.12" >&2; exit 2; }
	@rm -f $@
	@if ! $(PY) -c '' 2>/dev/null; then \
	  echo "setup: creating $(VENV)"; \
	  rm -rf $(VENV); \
	  if command -v uv >/dev/null; then \
	    uv venv --quiet --python "$$($(PYTHON3) -c 'import sys; print(sys.executable)')" $(VENV); \
	  else \
	    $(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || { \
	      echo "error: this Python comes without venv; on Debian and Ubuntu say: sudo apt install python3-venv; then run make again" >&2; exit 2; }; \
	    $(PYTHON3) -m venv $(VENV); \
	  fi; \
	fi
	@if command -v uv >/dev/null; then UV=uv; else \
	  UV=$(VENV)/bin/uv; \
	  $$UV --version >/dev/null 2>&1 || { \
	    echo "setup: installing uv, which installs the rest"; \
	    awk '/^[^ #]/ {on = /^uv==/} on' requirements.lock > $(VENV)/uv.lock; \
	    $(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --upgrade >/dev/null; \
	    $(PY) -m pip install --quiet --require-hashes --no-deps --force-reinstall -r $(VENV)/uv.lock; }; \
	fi; \
	echo "setup: installing $$(grep -c '^[a-zA-Z0-9]' requirements.lock) locked packages (torch is large: minutes on a slow line)"; \
	$$UV pip sync --quiet --require-hashes --compile-bytecode --python $(PY) requirements.lock || { \
	  echo "error: the packages could not be installed (see above); check the network and the free space, then run make again: it continues" >&2; exit 1; }; \
	$$UV pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@echo "setup: compiling the kernels, once"; $(PY) -m wbclib.represent.warm
	@$(PY) -c 'import torch; gpu = torch.cuda.is_available(); print("setup: ready; torch", torch.__version__, "on", torch.cuda.get_device_name() if gpu else "the CPU")'
	@touch $@

reproduce: $(READY)  ## the whole study: train, run the notebooks, write reports/PROFILE/html/index.html
	@$(PY) -m wbclib.report.graph --profile="$$WBC_PROFILE" --jobs "$(JOBS)"

lab: $(READY)  ## JupyterLab on the notebooks
	@$(PY) -m jupyterlab --notebook-dir=notebooks

test: $(READY)  ## unit tests, then the whole study at its smallest size
	@$(PY) -m pytest -q -x -n "$(JOBS)" --dist loadfile

check: $(READY)  ## formatting, lint, types, stripped notebooks, the lock
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@shopt -s nullglob; for notebook in notebooks/*.ipynb; do $(PY) -m nbstripout --keep-id --verify $$notebook; done
	@$(PY) -m pytest -q tests/test_repository.py -k lock

bench: $(READY)  ## time the slow parts as ratios to a reference
	@$(PY) -m wbclib bench

format: $(READY)  ## mend formatting and strip the notebooks
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .
	@shopt -s nullglob; for notebook in notebooks/*.ipynb; do $(PY) -m nbstripout --keep-id $$notebook; done

lock: $(READY)  ## make requirements.lock again from pyproject.toml
	@UV=$$(command -v uv || echo $(VENV)/bin/uv); \
	{ head -1 requirements.lock; \
	  $$UV pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 --quiet; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

CLEANED := data/cache data/runs/quick data/runs/smoke reports/quick reports/smoke \
           reports/records/quick reports/records/smoke .snakemake
clean:  ## remove what quick and smoke can make again; never lab, paper or your own files
	@for folder in $(CLEANED); do if [ -e $$folder ]; then rm -rf $$folder; echo "removed $$folder"; fi; done
	@echo "kept: $(VENV), data/assets, and the runs, records and reports of every other profile"
