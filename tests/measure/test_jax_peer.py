"""What is JAX's own: loops that are unrolled, tracing and compiling, weights that are given away."""

import pytest

from unroll.measure.config import PHASES
from unroll.models.network import Network

pytest.importorskip("jax", reason="JAX is an extra: pip install -e '.[peers]'")

import jax

from unroll.measure import jax_peer

STEPS = 4


@pytest.fixture
def events():
    """Collect the names of what JAX says it spends time on."""
    names = []

    def listen(name, seconds, **_):
        names.append(name.rpartition("/")[2])

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


def network_of(weights, batch):
    return jax_peer.JaxNetwork(weights, batch, Network.learning_rate, unroll=1)


def test_unroll_of_all_steps_leaves_no_loop(weights, batch):
    def loops(unroll):
        lowered = jax.jit(jax_peer._logits, static_argnums=2).lower(weights, batch.images, unroll)
        return lowered.as_text().count("stablehlo.while")

    assert loops(1) == 1
    assert loops(STEPS) == 0
    assert loops(None) == 0  # Python has gone through the loop


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


def test_a_step_updates_what_the_next_one_reads(weights, batch):
    network = network_of(weights, batch)
    train, forward = network.build("train"), network.build("forward")
    first, logits = train(), forward()
    assert train() < first
    assert (forward() != logits).any()
