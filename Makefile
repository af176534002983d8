# Everything here sets itself up: it needs only Python 3.11 or newer, pip and make.
# `make quick` is for every change, `make check` is what CI runs.

PYTHON ?= python3
USER_ENV := .venv-user
DEV_ENV := .venv-dev
DEV := $(DEV_ENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo quick test newest lint format types imports check models metrics soak peers clean

demo: $(USER_ENV)/installed
	$(USER_ENV)/bin/emolens demo

# Workers that run tests beside each other: as many as there are cores, at most four.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1))')

# One thread per worker: threads of several workers that wait for each other make tests ten times as slow.
test: $(DEV_ENV)/installed
	OMP_NUM_THREADS=1 $(DEV)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

# What to run after each change: no torch, and no test that takes long.
QUICK_ENV := .venv-quick
QUICK := $(QUICK_ENV)/bin
quick: $(QUICK_ENV)/installed
	$(QUICK)/ruff check .
	$(QUICK)/ruff format --check .
	$(SPELL) $(QUICK)/codespell --dictionary - --dictionary docs/words.txt
	$(QUICK)/mypy --follow-imports silent $(filter-out %/training %/models %.py,$(wildcard src/emolens/[a-z]*))
	$(QUICK)/python -m pytest --numprocesses $(WORKERS) --ignore tests/unit/training -m 'not slow' \
	    tests/unit tests/architecture

# What people get who install emolens today: the newest Python here, the newest of every library.
NEWEST_ENV := .venv-newest
NEWEST_PYTHON ?= $(firstword $(shell for python in python3.14 python3.13 python3.12 python3.11 $(PYTHON); \
    do $$python -c 'import ensurepip, venv' 2>/dev/null && echo $$python; done))
newest:
	$(NEWEST_PYTHON) -m venv --clear $(NEWEST_ENV)
	$(NEWEST_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade '.[serve,client]'
	$(NEWEST_ENV)/bin/python tests/newest.py

# Spelling, and the words of docs/style.md.
SPELL := git ls-files -z | grep -zvE '\.(onnx|ckpt|png|jpg)$$|^docs/(metrics/|words.txt|style.md)|/vendor/' | xargs -0

lint: $(DEV_ENV)/installed
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(SPELL) $(DEV)/codespell --dictionary - --dictionary docs/words.txt

format: $(DEV_ENV)/installed
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

types: $(DEV_ENV)/installed
	$(DEV)/mypy

imports: $(DEV_ENV)/installed
	$(DEV)/lint-imports

check: lint types imports test

# Makes the shipped models of checkpoints/ (docs/experiments/0021-three-models.md). Calibration needs
# FER2013 with FER+'s votes and its Training rows. A file that differs from the one in git needs its
# SHA-256 in src/emolens/runtime/catalogue.py, and `make metrics`.
EXPORT := $(DEV)/emolens export
SHIPPED := src/emolens/models
FOR_LABELS := --set answer.votes=0 --set answer.balance=0 --set answer.calibrated_on=label --set answer.leak_free=true
models: $(DEV_ENV)/installed
	$(EXPORT) --int8 checkpoints/everyday.ckpt $(SHIPPED)/everyday.onnx --data $(DATA) \
	    --with checkpoints/teacher-3.ckpt --set name=everyday
	$(EXPORT) checkpoints/everyday.ckpt $(SHIPPED)/labels.onnx --data $(DATA) \
	    --with checkpoints/accurate.ckpt --with checkpoints/teacher-3.ckpt --set name=labels $(FOR_LABELS)
	$(EXPORT) --int8 checkpoints/teacher-2.ckpt $(SHIPPED)/labels-small.onnx --data $(DATA) \
	    --set name=labels-small $(FOR_LABELS)
	sha256sum $(SHIPPED)/everyday.onnx $(SHIPPED)/labels.onnx $(SHIPPED)/labels-small.onnx

# Writes every number that README, docs and model cards quote; needs FER2013 with its Training rows
# and photographs of another source (docs/experiments/elsewhere.py), which are not part of the project.
DATA ?= fer2013
MODELS := everyday labels labels-small
METRICS := docs/metrics
EVALUATE := $(USER_ENV)/bin/emolens evaluate --data $(DATA) --split PublicTest
WILD ?= wild/dev.parquet
metrics: $(USER_ENV)/installed $(DEV_ENV)/installed
	for model in $(MODELS); do \
	    $(EVALUATE) --model $$model --json $(METRICS)/$$model.json && \
	    $(EVALUATE) --model $$model --tta --json $(METRICS)/$$model-ten-views.json && \
	    $(EVALUATE) --model $$model --target majority --json $(METRICS)/$$model-majority.json && \
	    $(USER_ENV)/bin/emolens models card $$model $(METRICS)/$$model-majority.json \
	        $(METRICS)/$$model.json $(METRICS)/$$model-ten-views.json \
	        --out src/emolens/models/CARD-$$model.md || exit 1; \
	done
	$(USER_ENV)/bin/python docs/experiments/latency.py $(MODELS) --json $(METRICS)/latency.json
	$(USER_ENV)/bin/python docs/experiments/whole_chain.py $(DATA) --model labels --json $(METRICS)/whole-chain.json
	$(USER_ENV)/bin/python docs/experiments/whole_chain.py $(DATA) --model labels --detector-px 640 --factor 2 \
	    --json $(METRICS)/whole-chain-live.json
	$(DEV)/python docs/experiments/elsewhere.py $(DATA) $(WILD) --models $(MODELS) \
	    --json $(METRICS)/shipped-elsewhere.json
	$(USER_ENV)/bin/python docs/experiments/thresholds.py $(DATA) --models $(MODELS) \
	    --json $(SHIPPED)/thresholds.json
	$(USER_ENV)/bin/python docs/results.py $(MODELS)

# What docs/benchmarks.md quotes; takes about an hour and a half, and nothing else should run meanwhile.
# server_load.py compares with fer and deepface: it installs both (8 GB), unless `make peers` has.
BENCH := $(DEV)/python docs/benchmarks
soak: $(DEV_ENV)/installed
	$(DEV)/emolens bench --json $(METRICS)/bench.json
	$(BENCH)/live.py --json $(METRICS)/live.json
	$(BENCH)/freshness.py --minutes 10 --json $(METRICS)/freshness.json
	$(BENCH)/reconnect.py --cycles 100 --json $(METRICS)/reconnect.json
	$(BENCH)/recording_kill.py --runs 20 --json $(METRICS)/recording-kill.json
	$(BENCH)/identity.py --minutes 10 --json $(METRICS)/identity.json
	$(BENCH)/silence.py --seconds 60 --json $(METRICS)/silence.json
	$(BENCH)/start.py --runs 10
	$(BENCH)/hour.py --frames 108000 --json $(METRICS)/hour.json
	$(BENCH)/server_load.py --json $(METRICS)/server.json
	$(BENCH)/server_limits.py --json $(METRICS)/server-limits.json
	$(BENCH)/server_fuzz.py --json $(METRICS)/server-fuzz.json
	$(DEV)/python docs/experiments/tracking.py --json $(METRICS)/tracking.json
	$(DEV)/python docs/experiments/smoothing.py --json $(METRICS)/smoothing.json
	$(BENCH)/page.py

# emolens beside fer and deepface: installs both (8 GB), then takes about eight minutes.
peers: $(DEV_ENV)/installed
	$(BENCH)/peers.py $(if $(wildcard $(DATA)),--data $(DATA)) \
	    --json $(METRICS)/peers.json
	$(BENCH)/page.py

clean:
	rm -rf $(USER_ENV) $(QUICK_ENV) $(DEV_ENV) $(NEWEST_ENV) emolens-demo

# What a user installs: no torch.
$(USER_ENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(USER_ENV)
	@echo "installing emolens into $(USER_ENV) ..."
	$(USER_ENV)/bin/python $(INSTALL) --editable .
	touch $@

$(QUICK_ENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(QUICK_ENV)
	@echo "installing emolens and the tools for quick checks into $(QUICK_ENV) ..."
	$(QUICK)/python $(INSTALL) --editable '.[quick]'
	touch $@

$(DEV_ENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV_ENV)
	@echo "installing emolens and its tools into $(DEV_ENV); torch is large, this takes minutes ..."
	@.ci/cpu-torch $(DEV_ENV)/bin/python
	$(DEV_ENV)/bin/python $(INSTALL) --editable '.[dev]'
	touch $@
