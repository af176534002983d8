# Everything here sets itself up: it needs only Python 3.11 or newer, pip and make.
# `make demo` and `make test` are the two commands of the README; `make check` is what CI runs.

PYTHON ?= python3
USER_ENV := .venv-user
DEV_ENV := .venv-dev
DEV := $(DEV_ENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint format types imports check figures clean

demo: $(USER_ENV)/installed
	$(USER_ENV)/bin/emolens demo

test: $(DEV_ENV)/installed
	$(DEV)/python -m pytest

lint: $(DEV_ENV)/installed
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .

format: $(DEV_ENV)/installed
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

types: $(DEV_ENV)/installed
	$(DEV)/mypy

imports: $(DEV_ENV)/installed
	$(DEV)/lint-imports

check: lint types imports test

# Writes every figure that README and docs quote; needs FER2013, which is not part of the project.
DATA ?= fer2013/public-test.parquet
figures: $(USER_ENV)/installed
	$(USER_ENV)/bin/emolens evaluate --data $(DATA) --split PublicTest --json docs/metrics/public-test.json
	$(USER_ENV)/bin/emolens evaluate --data $(DATA) --split PublicTest --tta --json docs/metrics/public-test-ten-views.json
	$(USER_ENV)/bin/python docs/experiments/whole_chain.py $(DATA) --json docs/metrics/whole-chain.json

clean:
	rm -rf $(USER_ENV) $(DEV_ENV) emolens-demo

# What a user installs: no torch.
$(USER_ENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(USER_ENV)
	@echo "installing emolens into $(USER_ENV) ..."
	$(USER_ENV)/bin/python $(INSTALL) --editable .
	touch $@

$(DEV_ENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV_ENV)
	@echo "installing emolens and its tools into $(DEV_ENV); torch is large, this takes minutes ..."
	$(DEV_ENV)/bin/python $(INSTALL) --editable '.[dev]'
	touch $@
