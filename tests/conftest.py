"""What must be set before TensorFlow is imported, and what holds for every test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis

# The same examples in every run, so that a red test is red again; no deadline, because the first trace is slow.
hypothesis.settings.register_profile("unroll", derandomize=True, deadline=None, max_examples=15)
hypothesis.settings.load_profile("unroll")


def pytest_configure(config):
    """Compile with XLA as fast as may be: a test runs its program once or twice, so optimising it cannot pay.

    The programs stay the same; only the machine code is slower. The benchmarks are left as they are.
    """
    if not config.option.benchmark_only:
        fast = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {fast}".strip()
