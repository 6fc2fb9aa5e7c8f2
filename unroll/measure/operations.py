"""The least that a step can cost: its operations and the bytes it must move; and how near a machine's own rates it is.

Counted for the network of `unroll.models.network` at sizes T, B, I, H. Imports no TensorFlow.
"""

from typing import NamedTuple

from unroll.measure.config import PHASES, Sizes

CLASSES = 10  # as in unroll.models.network, which imports TensorFlow
GATES = 4
FLOAT_BYTES = 4


class Operations(NamedTuple):
    """How many floating-point operations a step takes: in products of matrices, and element by element."""

    matrix: int
    elementwise: int


class Traffic(NamedTuple):
    """How many bytes a step moves at least: of the weights, the images, and the states kept for the gradient."""

    weights: int
    images: int
    states: int

    @property
    def total(self) -> int:
        return sum(self)


class Reached(NamedTuple):
    """What shares of a machine's measured matrix rate and bandwidth a step reached, and what it must take at least."""

    matrix_share: float
    bandwidth_share: float
    least_seconds: float


def count_operations(sizes: Sizes, phase: str) -> Operations:
    """Count the operations of one forward or one training step.

    A product [M, K] @ [K, N] is K multiplications and K additions for each of M N results: 2 M K N operations.

    Forward, products. Each of T steps meets the inputs with the kernel, [B, I] @ [I, 4H], and the hidden state with the
    recurrent kernel, [B, H] @ [H, 4H]; the dense layer is [B, H] @ [H, 10] once:

        8 T B H (I + H) + 20 B H

    Training, products, on top. The gradient of a product a @ b needs two more of the same size, one for a, one for b:
    g @ b^T and a^T @ g. Not needed are the gradients of the images, and of the state that the first step starts from:

        kernel            8 T B I H
        recurrent kernel  8 T B H H, each step's hidden state with the gradient of its gates
        hidden state      8 (T - 1) B H H
        dense layer       40 B H

    Forward, element by element, for each of T B H: 8 additions make the gates, two for each of four; 3 sigmoids and
    2 tanhs, one operation each; 3 products and 1 addition make the cell and the hidden state:

        17 T B H + 10 B

    Training, element by element, on top, for each of T B H: 2 products through hidden = o tanh(cell); 3 for the slope
    of that tanh, g (1 - y y); 3 products through cell = f cell + i g, for f, i and g; 3 for the slope of each of four
    gates: 20. For each of (T - 1) B H: 1 product for the earlier cell state, and 1 addition where that gradient meets
    the rest. T B - 1 additions sum the gradient of each of the 4H biases, T - 1 that of each weight of the two kernels,
    and B - 1 that of each of the 10 biases; each of W weights takes 2 for its update:

        20 T B H + 2 (T - 1) B H + 4 (T B - 1) H + 4 (T - 1) H (I + H) + 10 (B - 1) + 2 W

    The loss, of order 10 B, is left out.

    Where rows end after `valid` steps, these are all the steps there are.
    """
    T, B, I, H = _sizes(sizes, phase)  # noqa: E741
    matrix = 2 * T * B * (I + H) * GATES * H + 2 * B * H * CLASSES
    elementwise = 17 * T * B * H + B * CLASSES
    if phase == "train":
        matrix += 2 * T * B * (I + H) * GATES * H + 2 * (T - 1) * B * H * GATES * H + 4 * B * H * CLASSES
        elementwise += 20 * T * B * H + 2 * (T - 1) * B * H
        elementwise += (T * B - 1) * GATES * H + (T - 1) * (I + H) * GATES * H + (B - 1) * CLASSES
        elementwise += 2 * count_weights(sizes)
    return Operations(matrix, elementwise)


def count_traffic(sizes: Sizes, phase: str, state_bytes: int = FLOAT_BYTES) -> Traffic:
    """Count the bytes that one step must move between memory and processor at least.

    What is as long as the sequence does not stay on the chip from the forward pass to the backward one; the weights,
    and the tensors of one step, do. So, in a forward step, W weights and T B I image values are read once, and no state
    need be written; results, 10 B, are left out.

    In a training step the weights are read and written once, and the images are read by both passes. The hidden and the
    cell state of every step are kept for the gradient, 2 T B H numbers, written once and read once: the gates can be
    computed from them again. A variant that keeps the gates, too, moves more.

    Args:
        state_bytes: the size of a float in which states are kept: 2 in mode mixed. Weights and images are float32.
    """
    T, B, I, _ = _sizes(sizes, phase)  # noqa: E741
    passes = 2 if phase == "train" else 1
    states = 2 * count_kept(sizes, state_bytes) if phase == "train" else 0
    return Traffic(passes * FLOAT_BYTES * count_weights(sizes), passes * FLOAT_BYTES * T * B * I, states)


def count_kept(sizes: Sizes, state_bytes: int = FLOAT_BYTES) -> int:
    """Count the bytes that a training step must hold at once: the hidden and the cell state of every step, 2 T B H."""
    T, B, _, H = _sizes(sizes, "train")
    return 2 * T * B * H * state_bytes


def count_weights(sizes: Sizes) -> int:
    """Count the weights: 4H (I + H + 1) in the LSTM, 10 (H + 1) in the dense layer."""
    H = sizes.hidden
    return GATES * H * (sizes.input + H + 1) + CLASSES * (H + 1)


def reached(
    seconds: float, sizes: Sizes, phase: str, matrix_rate: float, bandwidth: float, state_bytes: int = FLOAT_BYTES
) -> Reached:
    """Return how near a step came to what a machine was measured to do.

    A share of the matrix rate near 1 is a step that does little but multiply. Where neither is near,
    it does something else: it starts operations, or waits. A package whose products are quicker than those that the
    rate was measured with may pass 1. What a step takes at least is what the slower of the two takes.

    Args:
        seconds: what the step took.
        matrix_rate, bandwidth: what the machine does, in operations and in bytes a second.

    Source: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model" (2009).
    """
    multiplying = count_operations(sizes, phase).matrix / matrix_rate
    moving = count_traffic(sizes, phase, state_bytes).total / bandwidth
    return Reached(multiplying / seconds, moving / seconds, max(multiplying, moving))


def _sizes(sizes: Sizes, phase: str) -> tuple[int, int, int, int]:
    """Return T, B, I, H, with T the steps that count."""
    if phase not in PHASES:
        raise ValueError(f"got the phase {phase!r}; want {' or '.join(PHASES)}")
    return sizes.valid or sizes.steps, sizes.batch, sizes.input, sizes.hidden
