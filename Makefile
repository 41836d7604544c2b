# `make demo` and `make test` set up everything they need in .venv, and reuse it the next time.
PYTHON ?= python3.11
# Elsewhere than on PyPI there are CPU builds of torch, a tenth of the size:
#   make test PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
TORCH ?= torch==2.13.0 torchvision==0.28.0
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check
export PIP_EXTRA_INDEX_URL

.PHONY: demo test clean

demo: .venv/installed-base
	.venv/bin/ionfront demo --out demo --overwrite

test: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	PYTHONSAFEPATH=1 .venv/bin/python -m pytest

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed-base: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(PIP) $(TORCH)
	$(PIP) --editable ".[dev]"
	touch $@ .venv/installed-base

clean:
	rm -rf .venv demo build *.egg-info
