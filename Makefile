# Two commands do all the set-up on a fresh machine with Python 3.11 and make:
#   make demo    virtual environment, install, the main job on data that comes with RDKit
#   make test    the same for the test suite
# What CI runs is `make lint test docs`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow lint format docs bench bench-speed encoder panel clean

demo: $(VENV)/installed
	$(BIN)/molgraph demo -o molgraph-demo --overwrite

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m "slow and not cuda"

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pages of docs/ as a site in build/docs that works without a network; any warning fails, such as a dead link. The two
# variables keep advertisements of other programs off the screen.
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --quiet

# The report on accuracy and the table in docs/, from the records; `benchmarks/accuracy.py run` makes these.
bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/accuracy.py report --page docs/benchmarks.md

# Side by side with chemprop, in an environment of its own; about an hour on two cores.
bench-speed: $(VENV)/installed-dev
	$(BIN)/python benchmarks/speed.py

# The encoder that comes with molgraph, from the libraries in the folder that MOLGRAPH_DATA names; about an hour and a half
# on two cores, most of it for RDKit's descriptors. What models are judged on is kept out. Goes on where it was stopped.
SETS = $(MOLGRAPH_DATA)/moleculenet
encoder: $(VENV)/installed
	$(BIN)/molgraph pretrain $(SETS)/HIV.csv.gz $(SETS)/muv.csv.gz $(SETS)/toxcast_data.csv.gz \
	  $(MOLGRAPH_DATA)/libraries/broad_repurposing_hub.csv $(MOLGRAPH_DATA)/libraries/chembl_approved_drugs.csv \
	  $$($(BIN)/python -c 'from rdkit import RDConfig; print(RDConfig.RDDataDir)')/NCI/first_5K.smi \
	  $(MOLGRAPH_DATA)/libraries/zinc250k.smi.gz $(MOLGRAPH_DATA)/libraries/mcule_purchasable_1.2M.smi.gz \
	  $(foreach set,BBBP.csv Lipophilicity.csv SAMPL.csv bace.csv clintox.csv delaney-processed.csv qm7.csv qm8.csv.gz \
	    sider.csv tox21.csv,--keep-out $(SETS)/$(set)) \
	  $(foreach table,$(sort $(wildcard $(MOLGRAPH_DATA)/tdc_admet/*/train_val.csv)),--keep-out $(table)) \
	  --per-library 100000 -o data/encoder --overwrite --resume

# The models that come with molgraph, in the place of those that are there; reads the encoder, so make that before it.
panel: $(VENV)/installed
	rm -rf data/models
	$(BIN)/molgraph models build data/models

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "molgraph needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis molgraph-demo
