# Everything works in .venv, which `install` makes; a newcomer needs Python 3.11-3.13 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := build/tools
# Where `demo` writes. EPOCHS and the like: make demo TRAIN="--epochs 3".
DEMO := demo
TRAIN ?=
# Of `test`: paths and options of pytest in place of all tests: make test PYTEST="tests/train -k paper",
# make test PYTEST="-p randomly" in random order.
PYTEST ?=
# Of `fuzz`: for each target.
FUZZ_SECONDS ?= 60
# As many processes as processors; one that has nothing left takes over from another.
TEST := -m pytest -q -n auto --dist worksteal
# Of `make pi`: PI=--check compares with the committed result, which `make figures` makes.
PI ?=
# READING="--photographs FOLDER --data FOLDER" measures photographed puzzles and label folders of drawn digits, too: see
# `python -m benchmarks.accuracy.reading --help`.
READING ?=

# Without byte code each of thousands of processes would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast cover mutants fuzz soak lint format type build sbom pi fleet figures false-positives input-pipeline models bundle screenshots bit-flips compat own-models quantization-training quantizers score reading readme tutorial docs constraints clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with everything, at the versions of constraints.txt

# uv installs in a fifth of pip's time, but does not read pip's settings, which may name the only index in reach.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14) and f"edgedigits: expected Python 3.11 to 3.13, found {v[0]}.{v[1]}: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]' || { \
	  echo "make: pip tries what uv could not, which takes minutes"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; }
	@touch $@

# Of what a command prints, the last paragraph, which is its verdict, and all of it where it fails; errors as ever.
brief = @echo "$(BIN)/edgedigits $(1)"; tables=$(DEMO)/$(firstword $(1)).txt; \
  $(BIN)/edgedigits $(1) > $$tables || { code=$$?; cat $$tables; exit $$code; }; awk 'BEGIN {RS=""} END {print}' $$tables | grep -v '^next: '

demo: install ## train, export, verify and measure a classifier, and write a report (under 10 minutes)
	$(BIN)/edgedigits train --model small -o $(DEMO)/run --overwrite $(TRAIN)
	$(call brief,export $(DEMO)/run/model.keras --calibration mnist -o $(DEMO)/bundle --overwrite)
	$(call brief,selftest $(DEMO)/bundle)
	$(call brief,parity $(DEMO)/bundle --data mnist -o $(DEMO)/parity.json --overwrite)
	$(call brief,bench $(DEMO)/bundle -o $(DEMO)/bench.json --overwrite)
	$(BIN)/edgedigits report $(DEMO)/run $(DEMO)/bundle --parity $(DEMO)/parity.json --bench $(DEMO)/bench.json \
	  -o $(DEMO)/report.html --overwrite
	@echo
	@echo "made: $(DEMO)/run/model.keras   the classifier, as Keras reads it"
	@echo "      $(DEMO)/bundle            its files for boards, with what proves them there"
	@echo "      $(DEMO)/report.html       accuracy, speed and mistakes; every table is in $(DEMO)/*.txt"
	@echo "next: $(BIN)/edgedigits classify docs/tutorial/photo.png --bundle $(DEMO)/bundle"
	@echo "      make build && scp -r dist/*.whl $(DEMO)/bundle pi@ADDRESS:   (there: docs/tutorial/6-raspberry-pi.md)"
	@echo "      make test"

test: install ## run all tests (PYTEST="tests/train -k paper": some)
	$(BIN)/python $(TEST) $(PYTEST)

test-fast: install ## run the tests that need no TensorFlow, browser or QEMU and are quick (a minute)
	$(BIN)/python $(TEST) --fast $(PYTEST)

cover: install ## run all tests and measure how much of the three packages they reach
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run $(TEST) $(PYTEST)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

mutants: install ## break contract, gates, datasets and preprocessing on purpose: do the tests notice?
	$(BIN)/python tests/mutants.py

fuzz: install ## feed the readers of files with what Atheris makes up (FUZZ="picture npz": some; FUZZ_SECONDS=60 for each)
	$(PYTHON) -m venv build/fuzz-venv
	build/fuzz-venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt atheris -e . onnx flatbuffers
	for name in $(or $(FUZZ),$$($(BIN)/python -c 'import sys; sys.path.insert(0, "tests/fuzz"); from targets import TARGETS; print(*TARGETS)')); do \
	  build/fuzz-venv/bin/python tests/fuzz/fuzz.py $$name -max_total_time=$(FUZZ_SECONDS) || exit 1; done

soak: install ## does the service last? Requests of all kinds, hostile ones too, kills and restarts (20 minutes)
	$(BIN)/python -m benchmarks.serving.soak
	$(BIN)/python -m benchmarks.publish.readme

lint: install ## ruff, and the rule that dependencies point one way
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: install ## let ruff write what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

type: install ## mypy, strict
	$(BIN)/mypy

# What builds and checks a wheel, without all that trains and tests.
$(TOOLS)/.installed: constraints.txt
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  build check-wheel-contents cyclonedx-bom twine
	@touch $@

build: $(TOOLS)/.installed ## sdist and wheel, in dist/ (any Python from 3.11 on)
	rm -rf dist
	$(TOOLS)/bin/python -m build --quiet --outdir dist .
	$(TOOLS)/bin/twine --no-color check --strict dist/*
	$(TOOLS)/bin/check-wheel-contents dist/*.whl

# An environment without pip, so that what is listed is what `pip install` of the wheel brings. The tool wants to read the
# version where it is not written.
sbom: build ## CycloneDX bill of materials of the wheel and what it brings along here, in build/release/
	$(PYTHON) -m venv --clear --without-pip build/installed
	$(TOOLS)/bin/python -m pip --python build/installed/bin/python --disable-pip-version-check install --quiet dist/*.whl
	mkdir -p build/release
	name=$$(basename dist/*.tar.gz .tar.gz) && \
	  sed "s/^dynamic = .*/version = \"$${name#*-}\"/" pyproject.toml > build/pyproject.toml && \
	  $(TOOLS)/bin/cyclonedx-py environment --output-reproducible --pyproject build/pyproject.toml \
	    -o build/release/$$name.cdx.json build/installed/bin/python

pi: install ## the built wheel on emulated Raspberry Pis (x86-64 Debian): compatibility and numerics, never speed
	rm -rf dist && $(BIN)/python -m build --quiet --wheel --outdir dist .
	$(BIN)/edgedigits export models/small.keras --name small --calibration mnist --calibration-samples 1000 --gate shipped \
	  -o build/pi --overwrite
	$(BIN)/python -m benchmarks.boards.silently_wrong models/small.keras build/pi build/silently-wrong
	$(BIN)/python -m benchmarks.boards.pi dist/*.whl --bundle build/pi --wrong build/silently-wrong -o build/pi.json $(PI)

# Ansible in an environment of its own; the collection's place among others is what its linter finds it by.
ANSIBLE := build/ansible
FLEET ?= tests/fleet/test_fleet.py
COLLECTIONS := build/collections/ansible_collections/edgedigits
fleet: install ## roll bundles out to boards on this machine, with everything that goes wrong (FLEET=tests/fleet/test_wave.py: one wave)
	test -x $(ANSIBLE)/bin/ansible-lint || { $(PYTHON) -m venv $(ANSIBLE) \
	  && $(BIN)/uv pip install --quiet --python $(ANSIBLE)/bin/python 'ansible-core>=2.16,<2.20' ansible-lint; }
	rm -rf $(COLLECTIONS) && mkdir -p $(COLLECTIONS) && cp -r fleet $(COLLECTIONS)/
	cd $(COLLECTIONS)/fleet && PATH=$(CURDIR)/$(ANSIBLE)/bin:$$PATH ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/collections \
	  ansible-lint --offline -q
	EDGEDIGITS_ANSIBLE=$(CURDIR)/$(ANSIBLE)/bin $(BIN)/python -m pytest -q -n 0 $(FLEET) $(PYTEST)

figures: install ## measure all that is published of what ships, on a quiet machine (100 minutes, 4 GB in the cache; READING as for reading)
	$(BIN)/python -m benchmarks.publish.figures --reading="$(READING)"
	$(BIN)/python -m benchmarks.publish.readme

false-positives: install ## how often does `compare` call a change what is none? (40 minutes)
	$(BIN)/python -m benchmarks.latency.false_positives
	$(BIN)/python -m benchmarks.publish.readme

input-pipeline: install ## what does deforming the images cost a training? (minutes)
	$(BIN)/python -m benchmarks.latency.training
	$(BIN)/python -m benchmarks.publish.readme

models: install ## train the whole family again, export and verify it; goes on where it was stopped (hours)
	$(BIN)/python -m models.make
	$(BIN)/python -m benchmarks.publish.readme

bundle: install ## export the shipped bundles from the reference models
	$(BIN)/python -m models.fields build/fields.npz
	$(BIN)/edgedigits export models/locator.keras --name locator --calibration build/fields.npz --gate shipped --variants int8 \
	  -o runtime/edgedigits/bundles/locator --overwrite
	$(BIN)/edgedigits export models/small.keras --name small --calibration mnist --calibration-samples 1000 --gate shipped \
	  --variants int8,float32.tflite -o runtime/edgedigits/bundles/small --overwrite
	$(BIN)/edgedigits export models/tiny.keras --name tiny --calibration mnist --calibration-samples 1000 --gate shipped \
	  --variants int8 -o runtime/edgedigits/bundles/tiny --overwrite

screenshots: install ## take the page's pictures for README and docs anew, by its own tests (needs Chromium)
	EDGEDIGITS_SCREENSHOTS=docs $(BIN)/python -m pytest -q tests/serve -k screenshot

bit-flips: install ## flip bits of the shipped int8 file: how many does the self-test notice?
	$(BIN)/python -m benchmarks.accuracy.bit_flips

compat: install ## run three zoos of models in old and new engine releases: is `check` right? (20 minutes, 3 GB in the cache)
	$(BIN)/python -m benchmarks.compat.compat
	$(BIN)/python -m benchmarks.publish.readme

own-models: install ## train four common networks on Fashion-MNIST: what does each variant lose? (half an hour; Debian's dataset-fashion-mnist)
	$(BIN)/python -m benchmarks.accuracy.own_models
	$(BIN)/python -m benchmarks.publish.readme

quantization-training: install ## train two networks on the grid of their int8 file (half an hour; Debian's dataset-fashion-mnist)
	$(BIN)/python -m benchmarks.accuracy.quantization_training
	$(BIN)/python -m benchmarks.publish.readme

quantizers: install ## the cheapest file within the margin, by us and other quantizers, on six networks (hours; goes on where it was stopped; 3 GB in the cache)
	$(BIN)/python -m benchmarks.accuracy.quantizers
	$(BIN)/python -m benchmarks.publish.readme

score: install ## kill workers, drivers and nodes of a Ray cluster that score an archive: are the rows those of a plain loop? (minutes)
	$(BIN)/python $(TEST) --cluster tests/scoring

reading: install ## measure how well digits are read (READING="--photographs FOLDER --data FOLDER" adds real ones)
	$(BIN)/python -m benchmarks.accuracy.reading $(READING)
	$(BIN)/python -m benchmarks.publish.readme

readme: install ## write the tables of README and docs from committed results
	$(BIN)/python -m benchmarks.publish.readme

tutorial: install ## execute the tutorial, and write its notebook, outputs and pictures (minutes)
	$(BIN)/python -m benchmarks.publish.tutorial

docs: install ## build the site into build/site, strictly: broken links and anchors fail
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open build/site/index.html"

constraints: install ## pin the newest versions that go together, for all Pythons and systems, into constraints.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --extra dev --python-version 3.11 --no-emit-index-url \
	  --no-annotate --custom-compile-command "make constraints" pyproject.toml -o constraints.txt

clean: ## remove what can be made again
	rm -rf $(VENV) $(DEMO) build dist .coverage* .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
