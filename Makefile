# make bench  measures every variant and draws the figures; make test proves that they are equal.
# Both create .venv first. ARGS go to pytest: make bench ARGS="--steps 56 --results results/mine"

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
ARGS ?=
INSTALLED := .venv/installed

.PHONY: bench test lint readme notebooks docs constraints clean

bench: $(INSTALLED)
	.venv/bin/python -m pytest -c pyproject.toml --benchmark-only $(ARGS)

test: $(INSTALLED)
	.venv/bin/python -m pytest -c pyproject.toml --benchmark-disable --numprocesses auto --dist loadgroup $(ARGS)

lint: $(INSTALLED)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/pyright

readme: $(INSTALLED)  # the tables of README.md and docs/, from the committed results
	for page in README.md $$(grep -rl --include=*.md '^<!-- unroll: ' docs); do .venv/bin/unroll fill $$page results/reference; done

notebooks: $(INSTALLED)  # executed in full, outputs in
	.venv/bin/python notebooks/execute.py

docs: $(INSTALLED)  # the site, in docs/_build/html
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[docs]'
	.venv/bin/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo wrote docs/_build/html/index.html

$(INSTALLED): pyproject.toml $(CONSTRAINTS)  # a .venv that is there keeps its Python: made again by another, it would hold both
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || { $(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("got Python %d.%d; want 3.11, 3.12 or 3.13: make PYTHON=python3.12 ..." % sys.version_info[:2])' && $(PYTHON) -m venv .venv; }
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'
	touch $@

constraints:  # resolved anew, for all that the project's own work needs
	rm -rf .venv/new
	$(PYTHON) -m venv .venv/new
	.venv/new/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs,browser,tensorboard]'
	echo "# What the main job, the tests and the docs are known to work with, on Python 3.11, 3.12 and 3.13. Made by: make constraints" > $(CONSTRAINTS)
	.venv/new/bin/python -m pip freeze --exclude-editable >> $(CONSTRAINTS)
	rm -rf .venv/new

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis docs/_build
