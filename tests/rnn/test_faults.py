"""The proof can fail: each fault that is put in here is caught by the checks that test_equality.py makes."""

import pytest
import tensorflow as tf
from proof import VARIANTS, as_it_is, check_gradients, check_values, fixed_problem, reference_results, results_of

from unroll.rnn import LSTMCell, LSTMWeights
from unroll.rnn.step import make_step

PROBLEM = fixed_problem("lstm", 7, True)
pytestmark = pytest.mark.parametrize("unroll", [VARIANTS["static"].unroll, VARIANTS["dynamic 3"].unroll])


def compute(unroll, wrap=as_it_is, all_states=False):
    got = results_of(unroll, PROBLEM, all_states=all_states, wrap=wrap)
    return got, reference_results(PROBLEM, all_states), PROBLEM.dtype


def change_weights(change):
    """Give a wrapper that hands the cell other weights; `change` takes each of them as its four gates."""
    return lambda cell: LSTMCell(
        LSTMWeights(*(tf.concat(change(*tf.split(weight, 4, axis=-1)), axis=-1) for weight in cell.weights))
    )


@pytest.fixture
def put_step(monkeypatch):
    """Put a faulty `make_step` into both unrolls."""

    def put(make_faulty_step):
        for module in ("static", "dynamic"):
            monkeypatch.setattr(f"unroll.rnn.{module}.make_step", make_faulty_step)

    return put


@pytest.mark.parametrize("all_states", [False, True])
def test_without_a_fault_the_checks_pass(unroll, all_states):
    check_values(*compute(unroll, all_states=all_states))
    check_gradients(*compute(unroll, all_states=all_states))


def test_a_swapped_gate_is_caught(unroll):
    results = compute(unroll, change_weights(lambda i, f, g, o: [i, g, f, o]))
    with pytest.raises(AssertionError, match="outputs"):
        check_values(*results)
    with pytest.raises(AssertionError, match="weight_gradients"):
        check_gradients(*results)


def test_a_forgotten_forget_bias_is_caught(unroll):
    def forget(cell):
        kernel, recurrent_kernel, bias = cell.weights
        return LSTMCell(
            LSTMWeights(kernel, recurrent_kernel, bias - tf.repeat(tf.constant([0.0, 1, 0, 0], "float64"), 2))
        )

    with pytest.raises(AssertionError, match="outputs"):
        check_values(*compute(unroll, forget))


def test_an_off_by_one_length_is_caught(unroll, put_step):
    put_step(lambda cell, sequence_length: make_step(cell, sequence_length + 1))
    with pytest.raises(AssertionError, match="outputs"):
        check_values(*compute(unroll))


def test_a_detached_gradient_is_caught_though_the_outputs_are_equal(unroll):
    def detach(cell):
        return lambda inputs, state: cell(inputs, tf.nest.map_structure(tf.stop_gradient, state))

    results = compute(unroll, detach)
    check_values(*results)
    with pytest.raises(AssertionError, match="weight_gradients"):
        check_gradients(*results)


def test_a_final_state_from_the_last_step_is_caught(unroll, put_step):
    def make_faulty_step(cell, sequence_length):
        step = make_step(cell, sequence_length)
        return lambda t, inputs, state: (step(t, inputs, state)[0], cell(inputs, state)[1])

    put_step(make_faulty_step)
    with pytest.raises(AssertionError, match="states"):
        check_values(*compute(unroll))


def test_an_output_that_is_not_zeroed_is_caught(unroll, put_step):
    def make_faulty_step(cell, sequence_length):
        step = make_step(cell, sequence_length)
        return lambda t, inputs, state: (cell(inputs, state)[0], step(t, inputs, state)[1])

    put_step(make_faulty_step)
    with pytest.raises(AssertionError, match="outputs"):
        check_values(*compute(unroll))


def test_states_that_are_shifted_by_one_are_caught(unroll):
    def shifted_unroll(cell, inputs, state, **options):
        outputs, states = unroll(cell, inputs, state, **options)
        return outputs, tf.nest.map_structure(
            lambda first, leaf: tf.concat([first[tf.newaxis], leaf[:-1]], axis=0), state, states
        )

    with pytest.raises(AssertionError, match="states"):
        check_values(*compute(shifted_unroll, all_states=True))
