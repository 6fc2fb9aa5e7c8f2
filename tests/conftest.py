"""What must be set before TensorFlow is imported, and what holds for every test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis

from unroll.measure.gpus import may_have_gpu

# The same examples in every run, so that a red test is red again; no deadline, because the first trace is slow.
hypothesis.settings.register_profile("unroll", derandomize=True, deadline=None, max_examples=15)
hypothesis.settings.load_profile("unroll")


def pytest_configure(config):
    """Compile with XLA as fast as may be: a test runs its program once or twice, so optimising it cannot pay.

    The programs stay the same; only the machine code is slower. The benchmarks are left as they are.

    And keep all but tests/gpu off a GPU: their tolerances are a CPU's, and TensorFlow would take the GPU by itself.
    """
    if not config.option.benchmark_only:
        if may_have_gpu():
            os.environ.setdefault("UNROLL_TESTED_GPU", os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
            os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        fast = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {fast}".strip()
