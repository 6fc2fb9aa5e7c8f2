# make bench measures every variant and draws the figures; make test proves that they are equal.
# All of it is done by dev.py, which needs no make: python dev.py bench. It makes .venv first.
# ARGS go to pytest: make bench ARGS="--steps 56 --results results/mine"
# PYTHON makes .venv where there is none; where there is one, it keeps its own Python, which runs dev.py, too.

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
ARGS ?=
COMMANDS := bench test lint readme notebooks docs wheel lowest constraints clean

.PHONY: $(COMMANDS)

$(COMMANDS):
	@if .venv/bin/python -c pass 2>/dev/null; then python=.venv/bin/python; else python="$(PYTHON)"; fi; \
	$$python dev.py --constraints $(CONSTRAINTS) $@ $(ARGS)
