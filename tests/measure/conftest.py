"""What the tests of PyTorch's and JAX's networks share: a batch, and the weights to start from."""

import numpy as np
import pytest

from unroll.measure.config import Sizes
from unroll.measure.workloads import Batch, starting_weights

SEED = 3


@pytest.fixture(scope="package")
def batch():
    random = np.random.default_rng(0)
    return Batch(random.uniform(size=[12, 4, 28]).astype(np.float32), random.integers(0, 10, 12).astype(np.int32))


@pytest.fixture(scope="package")
def weights():
    return starting_weights(Sizes(hidden=5), SEED)
