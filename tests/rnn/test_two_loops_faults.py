"""The proof of the loops with a gradient of their own can fail: each fault that is put in here is caught."""

from dataclasses import replace

import pytest
import tensorflow as tf
from loops import LOOPS
from proof import check_gradients, check_values, fixed_problem, reference_results, results_of

from unroll.rnn import LSTMCell, recompute
from unroll.rnn.recompute import RecomputedSteps
from unroll.rnn.two_loops import Blocks, TwoLoops

PROBLEM = fixed_problem("lstm", 7, True)  # two blocks of 3 steps, and one step that is left
ANY_SLOPE = "weight_gradients|input_gradient|state_gradients"


def compute(loop, cell=LSTMCell, all_states=True):
    got = results_of(
        LOOPS[loop], replace(PROBLEM, kind=PROBLEM.kind._replace(cell=cell)), "graph", all_states=all_states
    )
    return got, reference_results(PROBLEM, all_states), "float64"


def faulty_cell(spoil_given=lambda *given: given, spoil_found=lambda *found: found):
    """Give an LSTM whose gradient is given something else than it ought to be, or gives something else."""

    class FaultyCell(LSTMCell):
        def gradient_of_steps(self, weights):
            take_back = super().gradient_of_steps(weights)
            return lambda *given: spoil_found(*take_back(*spoil_given(*given)))

    return FaultyCell


def parts_of(kept):
    """Cut what k steps keep into the first hidden state [1, B, H], cell states [k + 1, B, H] and gates [4k, B, H]."""
    k = kept.shape[0] // 5
    return tf.split(kept, [1, k + 1, 4 * k])


def swap_gates(inputs, kept, *slopes):
    hidden, cells, gates = parts_of(kept)
    order = [4 * step + gate for step in range(gates.shape[0] // 4) for gate in (1, 0, 2, 3)]
    return inputs, tf.concat([hidden, cells, tf.gather(gates, order)], 0), *slopes


def forget_first_hidden(inputs, kept, *slopes):
    hidden, cells, gates = parts_of(kept)
    return inputs, tf.concat([0 * hidden, cells, gates], 0), *slopes


def shift_cells(inputs, kept, *slopes):
    hidden, cells, gates = parts_of(kept)
    return inputs, tf.concat([hidden, cells[1:], cells[:1], gates], 0), *slopes


def reverse_inputs(inputs, *given):
    return tf.reverse(inputs, [0]), *given


def forget_output_slopes(inputs, kept, output_slopes, state_slopes):
    return inputs, kept, [None] * len(output_slopes), state_slopes


def forget_slopes_of_states_within(inputs, kept, output_slopes, state_slopes):
    nothing = type(state_slopes[0])(None, None)
    return inputs, kept, output_slopes, [*([nothing] * (len(state_slopes) - 1)), state_slopes[-1]]


@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_without_a_fault_the_checks_pass(loop, all_states):
    cell = faulty_cell() if loop == "own 3" else LSTMCell
    check_values(*compute(loop, cell, all_states))
    check_gradients(*compute(loop, cell, all_states))


@pytest.mark.parametrize(
    "spoil",
    [
        swap_gates,
        forget_first_hidden,
        shift_cells,
        reverse_inputs,
        forget_output_slopes,
        forget_slopes_of_states_within,
    ],
)
def test_a_gradient_that_is_given_something_else_is_caught(spoil):
    results = compute("own 3", faulty_cell(spoil_given=spoil))
    check_values(*results)
    with pytest.raises(AssertionError, match=ANY_SLOPE):
        check_gradients(*results)


@pytest.mark.parametrize("forgotten", ["inputs", "hidden", "cell", "kernel", "recurrent kernel", "bias"])
def test_a_slope_that_is_forgotten_is_caught(forgotten):
    def forget(inputs, state, weights):
        names = ["inputs", "hidden", "cell", "kernel", "recurrent kernel", "bias"]
        slopes = [inputs, *state, *weights]
        slopes = [
            tf.zeros_like(slope) if name == forgotten else slope for name, slope in zip(names, slopes, strict=True)
        ]
        return slopes[0], slopes[1:3], slopes[3:]

    with pytest.raises(AssertionError, match=ANY_SLOPE):
        check_gradients(*compute("own 3", faulty_cell(spoil_found=forget)))


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_steps_at_the_end_that_get_no_gradient_are_caught(loop, monkeypatch):
    run_blocks = TwoLoops._run_blocks

    def without_the_rest(self, inputs, state, blocks):
        results = run_blocks(self, inputs, state, blocks)
        return tf.nest.map_structure(tf.stop_gradient, results) if blocks.cells == 1 else results

    monkeypatch.setattr(TwoLoops, "_run_blocks", without_the_rest)
    results = compute(loop)
    check_values(*results)
    with pytest.raises(AssertionError, match=ANY_SLOPE):
        check_gradients(*results)


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
@pytest.mark.parametrize("cells", [1, 3])
def test_steps_that_are_not_taken_are_caught(loop, cells, monkeypatch):
    def one_fewer(got, count, last):
        return Blocks(got, count, tf.maximum(0, count - 1) if got == cells else count)

    monkeypatch.setattr("unroll.rnn.two_loops._blocks", one_fewer)
    with pytest.raises(AssertionError, match="outputs"):
        check_values(*compute(loop))


@pytest.mark.parametrize("loop", ["own 3", "recompute 3"])
def test_an_off_by_one_length_is_caught(loop, monkeypatch):
    module = f"unroll.rnn.{'own_gradient' if loop == 'own 3' else 'recompute'}"
    check_arguments = recompute.check_arguments

    def one_more(*given):
        inputs, state, lengths = check_arguments(*given)
        return inputs, state, tf.minimum(lengths + 1, 7)

    monkeypatch.setattr(f"{module}.check_arguments", one_more)
    with pytest.raises(AssertionError, match="outputs"):
        check_values(*compute(loop))


def test_a_cell_that_runs_again_from_another_state_is_caught(monkeypatch):
    keep_steps = RecomputedSteps.keep_steps

    def keep_the_next(self, weights, inputs, state):
        outputs, states, _ = keep_steps(self, weights, inputs, state)
        return outputs, states, states[0]

    monkeypatch.setattr(RecomputedSteps, "keep_steps", keep_the_next)
    results = compute("recompute 3")
    check_values(*results)
    with pytest.raises(AssertionError, match=ANY_SLOPE):
        check_gradients(*results)


def test_variables_that_are_forgotten_are_caught(monkeypatch):
    trace = recompute._trace

    def forget(*given):
        return replace(trace(*given), variables=[])

    monkeypatch.setattr(recompute, "_trace", forget)
    with pytest.raises(AssertionError, match="weight_gradients"):
        check_gradients(*compute("recompute 3"))
