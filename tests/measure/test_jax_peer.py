import numpy as np
import pytest

from unroll.measure.check import Unequal, assert_equal, expect
from unroll.measure.config import PHASES, Sizes
from unroll.measure.workloads import Batch, new_network

pytest.importorskip("jax", reason="JAX is an extra: pip install -e '.[peers]'")

import jax

from unroll.measure import jax_peer

SEED = 3
STEPS = 4


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    return Batch(random.uniform(size=[12, STEPS, 28]).astype(np.float32), random.integers(0, 10, 12).astype(np.int32))


@pytest.fixture(scope="module")
def weights():
    return [variable.numpy() for variable in new_network("static", Sizes(hidden=5), SEED).variables]


@pytest.fixture
def events():
    """Collect the names of what JAX says it spends time on."""
    names = []

    def listen(name, seconds, **_):
        names.append(name.rpartition("/")[2])

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


def network_of(weights, batch, unroll=1):
    given = {"check_images": batch.check.images, "check_labels": batch.check.labels}
    return jax_peer.JaxNetwork(weights, batch.images, batch.labels, **given, unroll=unroll)


def swap(weights, one, other):
    """Swap two gates' columns in the LSTM's weights."""
    order = list(range(4))
    order[one], order[other] = other, one
    lstm = [np.concatenate([np.split(weight, 4, axis=-1)[gate] for gate in order], axis=-1) for weight in weights[:3]]
    return lstm + weights[3:]


@pytest.mark.parametrize("unroll", [1, STEPS])
@pytest.mark.parametrize("phase", PHASES)
def test_it_is_equal_to_the_reference(phase, unroll, weights, batch):
    network = network_of(weights, batch, unroll)
    assert_equal(network, phase, network.build(phase), expect(weights, batch, SEED))


@pytest.mark.parametrize("gates", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
def test_swapped_gates_are_found(gates, weights, batch):
    network = network_of(swap(weights, *gates), batch)
    with pytest.raises(Unequal, match="logits off by"):
        assert_equal(network, "forward", network.build("forward"), expect(weights, batch, SEED))


def test_an_update_of_another_size_is_found(weights, batch):
    network = network_of(weights, batch)
    train = network.build("train")

    def twice(check):
        loss = train(check)
        train(check)
        return loss

    with pytest.raises(Unequal, match="gradient of kernel"):
        assert_equal(network, "train", twice, expect(weights, batch, SEED))


def test_unroll_of_all_steps_leaves_no_loop(weights, batch):
    def loops(unroll):
        lowered = jax.jit(jax_peer._logits, static_argnums=2).lower(weights, batch.images, unroll)
        return lowered.as_text().count("stablehlo.while")

    assert loops(1) == 1
    assert loops(STEPS) == 0


@pytest.mark.parametrize("phase", PHASES)
def test_every_build_traces_anew_and_only_the_first_call_compiles(phase, weights, batch, events):
    network = network_of(weights, batch)
    for _ in range(2):
        events.clear()
        step = network.build(phase)
        assert "jaxpr_trace_duration" in events
        assert "jaxpr_to_mlir_module_duration" in events
        assert "backend_compile_duration" not in events
        events.clear()
        step()
        assert "backend_compile_duration" in events
        events.clear()
        step()
        assert not events


def test_values_are_copies_in_our_order_and_reset_goes_back(weights, batch):
    network = network_of(weights, batch)
    before = network.values()
    assert [value.shape for value in before] == [(28, 20), (5, 20), (20,), (5, 10), (10,)]
    assert len(network.names) == len(before)
    network.build("train")()
    assert all((old == start).all() for old, start in zip(before, weights, strict=True))
    assert all((new != start).any() for new, start in zip(network.values(), weights, strict=True))
    network.reset()
    assert all((new == start).all() for new, start in zip(network.values(), weights, strict=True))


def test_a_step_updates_what_the_next_one_reads(weights, batch):
    network = network_of(weights, batch)
    train, forward = network.build("train"), network.build("forward")
    first, logits = train(), forward()
    assert train() < first
    assert (forward() != logits).any()


def test_the_batch_and_the_check_are_told_apart(weights, batch):
    step = network_of(weights, batch).build("forward")
    assert (step()[0] == step(check=True)[0]).all()
    assert (step()[-1] != step(check=True)[-1]).any()
