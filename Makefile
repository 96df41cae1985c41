# 'make report' and 'make test' are all that is needed; each sets up what is missing, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: report test test-all attack doors lab lint benchmark benchmark-features simulate docs lock clean

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

data/sample/sample.json: | $(READY)
	$(BIN)/segkit sample data/sample

report: $(READY) data/sample/sample.json   ## run the five notebooks on the sample shop and publish
	$(BIN)/segkit run plan.toml

# Two at a time, then alone what must be alone; a failure in either is one of the whole.
ALONE := serial or spark
# Also what pytest runs by itself, see addopts in pyproject.toml.
QUICK := not (slow or spark or browser or database)
SIDE_BY_SIDE := -n 2 --dist loadgroup --no-loadscope-reorder --max-worker-restart 1
test: $(READY)                             ## the quick tests: four minutes at most
	failed=0; \
	$(BIN)/python -m pytest -m "$(QUICK) and not ($(ALONE))" $(SIDE_BY_SIDE) || failed=1; \
	$(BIN)/python -m pytest -m "$(QUICK) and ($(ALONE))" || failed=1; \
	exit $$failed

# What the quick tests reach is measured on them alone: it costs a half more of a processor.
COVERAGE := --cov=segkit --cov-report=term
test-all: $(READY)                         ## the whole test suite, as CI runs it
	failed=0; \
	$(BIN)/python -m pytest -m "$(QUICK) and not ($(ALONE))" $(SIDE_BY_SIDE) $(COVERAGE) || failed=1; \
	$(BIN)/python -m pytest -m "not ($(QUICK) or $(ALONE))" $(SIDE_BY_SIDE) || failed=1; \
	$(BIN)/python -m pytest -m "$(ALONE)" || failed=1; \
	exit $$failed

attack: $(READY)                           ## 2,000 hostile inputs, can be broken off; then 200 ends of runs; into docs/evidence/
	$(BIN)/python -m tests.attacks --count 2000 --ends 200 --seed 1 --resume .attack.jsonl

doors: $(READY)                            ## 500 drawn faults and 200 good tables, into docs/evidence/doors.md
	$(BIN)/python -m tests.doors --faults 500 --good 200 --seed 1 --write docs/evidence/doors.md

lab: $(READY) data/sample/sample.json      ## step through the notebooks
	$(BIN)/jupyter lab notebooks

lint: $(READY)                             ## style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pylint segkit
	$(BIN)/nbstripout --verify --keep-id $$(git ls-files '*.ipynb')

benchmark: $(READY) data/sample/sample.json
	$(BIN)/python benchmarks/run_steps.py
	$(BIN)/python benchmarks/notebooks.py
	$(BIN)/python benchmarks/kprototypes.py
	$(BIN)/python benchmarks/latent.py
	$(BIN)/python benchmarks/stability.py
	$(BIN)/python benchmarks/lifetime.py
	$(BIN)/python benchmarks/scoring.py --rows 10000000

benchmark-features: $(READY) data/sample/sample.json   ## into docs/evidence/; a quarter of an hour
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check polars pyarrow
	$(BIN)/python benchmarks/features.py --peers $(VENV)/peers/bin/python --memory 4GB \
	  --lines 10000000 100000000 --write docs/evidence/features.md
	$(BIN)/python benchmarks/checks.py --append docs/evidence/features.md
	$(BIN)/python benchmarks/wide_tables.py --append docs/evidence/features.md
	$(BIN)/python benchmarks/wide_placing.py --append docs/evidence/features.md

simulate: $(READY)                         ## all simulations, can be broken off; into docs/evidence/simulations.md
	$(BIN)/python -m tests.simulations --processes 2

docs: $(READY)                             ## write the generated pages of docs/, then the site into site/html
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/build_site.py

lock:                                      ## resolve again; needs uv
	uv pip compile pyproject.toml --extra dev --extra spark --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --upgrade --quiet -o requirements.lock

clean:
	rm -rf runs site reports/*/ data/sample/*.parquet data/sample/*.csv data/sample/*.json data/sample/truth
