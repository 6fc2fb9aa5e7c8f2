# make bench measures every variant and draws the figures; make test proves that they are equal.
# All of it is done by dev.py, which needs no make: python dev.py bench. It makes .venv first.
# ARGS go to pytest: make bench ARGS="--steps 56 --results results/mine"

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
ARGS ?=
COMMANDS := bench test lint readme notebooks docs wheel lowest constraints clean

.PHONY: $(COMMANDS)

$(COMMANDS):
	@$(PYTHON) dev.py --constraints $(CONSTRAINTS) $@ $(ARGS)
