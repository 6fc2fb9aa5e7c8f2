"""The pair is one network: every variant, in every mode, gives what the NumPy reference gives, and its gradients."""

import functools

import hypothesis
import pytest
from hypothesis import strategies as st
from proof import (
    KINDS,
    VARIANTS,
    check_gradients,
    check_values,
    fixed_problem,
    make_problem,
    reference_results,
    results_of,
)

LOOPS = {f"dynamic {k}": k for k in (1, 3, 7, 28, 40)}

# Compiling 50 masked LSTM cells and their gradient takes XLA over a minute, so from T = 28 on it gets the LSTM alone,
# and its gradients (True) only here. T = 1 and 2 are checked in full.
XLA_LONG = {
    (28, False, "static"): True,
    (28, False, "static traced"): False,
    (28, False, "dynamic 1"): True,
    (28, False, "dynamic 3"): True,
    (28, False, "dynamic 28"): False,
    (28, True, "static"): False,
    (28, True, "dynamic 1"): True,
    (28, True, "dynamic 3"): True,
    (28, True, "dynamic 7"): False,
    (50, False, "static"): False,
    (50, False, "dynamic 1"): True,
    (50, False, "dynamic 40"): False,
    (50, True, "dynamic 1"): True,
    (50, True, "dynamic 3"): True,
}


def cases(mode):
    """Give (cell, T, with_lengths, variant), variants changing fastest so that a reference is computed once."""
    for cell in KINDS:
        for T in (1, 2, 28, 50):
            for with_lengths in (False, True):
                for variant in VARIANTS:
                    if mode != "eager" and any(T <= k < LOOPS.get(variant, 0) for k in LOOPS.values()):
                        continue  # once it is a graph, every unroll >= T is the same graph, as test_structure.py shows
                    if mode == "xla" and T >= 28 and (cell, (T, with_lengths, variant) in XLA_LONG) != ("lstm", True):
                        continue
                    yield pytest.param(cell, T, with_lengths, variant, id=case_id(cell, T, with_lengths, variant))


def case_id(cell, T, with_lengths, variant):
    return f"{cell} T={T} {'lengths ' if with_lengths else ''}{variant}"


def gradients_in_a_graph(cell, T, with_lengths, variant):
    """Leave out the gradients that take long to build; eagerly, every one of them is checked.

    That of 28 or 40 cells in one loop takes 5 to 20 seconds, where the 28 cells side by side take one or two.
    """
    if T < 28:
        return True
    if LOOPS.get(variant, 0) >= 28:
        return (cell, T, with_lengths, variant) == ("lstm", 28, True, "dynamic 28")
    if cell == "lstm":
        return T == 28 or with_lengths
    return T == 28 and with_lengths and variant in ("static", "dynamic 1", "dynamic 3")


def check(mode, cell, T, with_lengths, variant, gradients=True, dtype="float64"):
    """Hold one case against the reference: all states or the final one, so that every T and variant meets both."""
    problem, all_states = fixed_problem(cell, T, with_lengths, dtype), with_lengths == (T in (1, 50))
    unroll, wrap = VARIANTS[variant]
    got = results_of(unroll, problem, mode, all_states=all_states, gradients=gradients, wrap=wrap)
    want = reference_results(problem, all_states)
    check_values(got, want, dtype)
    if gradients:
        check_gradients(got, want, dtype)


@pytest.mark.parametrize(("cell", "T", "with_lengths", "variant"), [*cases("eager")])
def test_eager_equals_the_reference(cell, T, with_lengths, variant):
    check("eager", cell, T, with_lengths, variant)


@pytest.mark.parametrize(("cell", "T", "with_lengths", "variant"), [*cases("graph")])
def test_graph_equals_the_reference(cell, T, with_lengths, variant):
    check("graph", cell, T, with_lengths, variant, gradients_in_a_graph(cell, T, with_lengths, variant))


@pytest.mark.parametrize(("cell", "T", "with_lengths", "variant"), [*cases("xla")])
def test_xla_equals_the_reference(cell, T, with_lengths, variant):
    check("xla", cell, T, with_lengths, variant, XLA_LONG.get((T, with_lengths, variant), True))


@pytest.mark.parametrize("variant", ["static", "dynamic 1", "dynamic 7"])
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("cell", KINDS)
def test_float32_stays_within_its_bounds(cell, with_lengths, variant):
    check("eager", cell, 28, with_lengths, variant, dtype="float32")


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("cell", KINDS)
def test_float32_stays_within_its_bounds_when_compiled(cell, mode):
    check(mode, cell, 28, True, "dynamic 1", dtype="float32")


@st.composite
def problems(draw):
    """Draw sizes, lengths and values; `scale` takes the gates from linear to saturated."""
    T, B, I, H = (draw(st.integers(1, largest), label=name) for name, largest in zip("TBIH", (6, 4, 4, 4), strict=True))
    lengths = draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B), label="lengths")
    scale, seed = draw(st.sampled_from([0.1, 0.5])), draw(st.integers(0, 1000))
    cell = draw(st.sampled_from(list(KINDS)))
    return make_problem(cell, T=T, B=B, I=I, H=H, lengths=lengths, scale=scale, seed=seed)


def check_any(problem, unroll, all_states, mode):
    want = reference_results(problem, all_states)
    for variant in (VARIANTS["static"].unroll, functools.partial(VARIANTS["dynamic 1"].unroll, unroll=unroll)):
        got = results_of(variant, problem, mode, all_states=all_states)
        check_values(got, want, "float64")
        check_gradients(got, want, "float64")


@hypothesis.given(problems(), st.integers(1, 8), st.booleans())
def test_the_pair_is_equal_on_any_problem_eagerly(problem, unroll, all_states):
    check_any(problem, unroll, all_states, "eager")


@hypothesis.settings(max_examples=4)
@hypothesis.given(problems(), st.integers(1, 8), st.booleans())
def test_the_pair_is_equal_on_any_problem_in_a_graph(problem, unroll, all_states):
    check_any(problem, unroll, all_states, "graph")
