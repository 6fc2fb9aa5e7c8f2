"""What must be set before TensorFlow is imported, and what holds for every test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The tests run each XLA program once or twice, so optimising it cannot pay for itself: without, compiling takes half
# the time. The programs stay the same; only the machine code is slower.
os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_backend_optimization_level=0",
        "--xla_llvm_disable_expensive_passes=true",
    ]
).strip()

import hypothesis

# The same examples in every run, so that a red test is red again; no deadline, because the first trace is slow.
hypothesis.settings.register_profile("unroll", derandomize=True, deadline=None, max_examples=15)
hypothesis.settings.load_profile("unroll")
