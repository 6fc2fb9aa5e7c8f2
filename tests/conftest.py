"""What must be set before TensorFlow is imported, and what holds for every test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from unroll.measure.gpus import may_have_gpu


def pytest_configure(config):
    """Set up the tests; the benchmarks, for which pytest reads this file too, are left as they are."""
    if config.option.benchmark_only:
        return
    config.addinivalue_line("filterwarnings", "error")  # to be mended here, and no business of whoever measures
    _make_examples_repeatable()
    _compile_quickly()
    _stay_off_the_gpu()


def _make_examples_repeatable():
    """Take the same examples in every run, so that a red test is red again; no deadline: the first trace is slow."""
    import hypothesis  # here, because it is installed only where the tests are run

    hypothesis.settings.register_profile("unroll", derandomize=True, deadline=None, max_examples=15)
    hypothesis.settings.load_profile("unroll")


def _compile_quickly():
    """Let XLA optimise little, which changes no program: a test runs its own once or twice, so it cannot pay."""
    fast = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {fast}".strip()


def _stay_off_the_gpu():
    """Keep all but tests/gpu off a GPU: their tolerances are a CPU's, and TensorFlow would take the GPU by itself."""
    if may_have_gpu():
        os.environ.setdefault("UNROLL_TESTED_GPU", os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
