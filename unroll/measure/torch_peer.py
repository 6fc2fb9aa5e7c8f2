"""The measured network in PyTorch: `torch.nn.LSTM`, run eagerly, which is how PyTorch users run it."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] - an extra: pip install -e '.[peers]'

if TYPE_CHECKING:
    from unroll.measure.workloads import Batch

with warnings.catch_warnings(action="ignore"):
    torch.cuda.is_available()  # else a build for CUDA warns in the midst of the first step where there is no GPU


class TorchNetwork:
    """The network of `unroll.models.network` on a batch: `nn.LSTM`, a linear layer, and plain gradient descent.

    PyTorch's gates come in the order i, f, g, o, which is ours. It adds two biases; the second stays zero, so that an
    update is of our one bias's size. There is nothing to build.

    Args:
        weights: kernel [I, 4H], recurrent kernel [H, 4H], bias [4H], dense kernel [H, 10], dense bias [10].
        batch: images [B, T, I] and labels [B], and its check.
        device: "cpu", or "cuda" for a GPU.
    """

    builds = False

    def __init__(
        self,
        weights: list[np.ndarray],
        batch: "Batch",
        learning_rate: float,
        *,
        device: str = "cpu",
    ):
        self.learning_rate = learning_rate
        self._start = [np.array(weight) for weight in weights]
        lstm: Any = torch.nn.LSTM(weights[0].shape[0], weights[1].shape[0], batch_first=True, device=device)
        dense = torch.nn.Linear(*weights[3].shape, device=device)
        torch.nn.init.zeros_(lstm.bias_hh_l0.requires_grad_(False))
        self._lstm, self._dense = lstm, dense
        self._parameters = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, dense.weight, dense.bias]
        self._batches = [
            (torch.tensor(part.images, device=device), torch.tensor(part.labels, dtype=torch.int64, device=device))
            for part in (batch, batch.check)
        ]
        self.reset()

    def build(self, phase: str) -> Callable[..., np.ndarray]:
        """Give step(check=False), which runs a phase on the batch, or on the check's, and waits for its result."""
        run = {"forward": self._forward, "train": self._train}[phase]

        def step(check: bool = False) -> np.ndarray:
            return run(*self._batches[check]).cpu().numpy()

        return step

    def values(self) -> list[np.ndarray]:
        """Copy the weights, in the order and the shapes that they were given in."""
        return [parameter.detach().cpu().numpy().T.copy() for parameter in self._parameters]

    def reset(self) -> None:
        """Go back to the starting weights."""
        with torch.no_grad():
            for parameter, value in zip(self._parameters, self._start, strict=True):
                parameter.copy_(torch.tensor(value.T))

    def _forward(self, images, _):
        with torch.inference_mode():
            return self._logits(images)

    def _train(self, images, labels):
        for parameter in self._parameters:
            parameter.grad = None
        loss = torch.nn.functional.cross_entropy(self._logits(images), labels)
        loss.backward()
        # What torch.optim.SGD does, by hand: it imports Triton, whose LLVM aborts a process that holds TensorFlow's.
        with torch.no_grad():
            for parameter in self._parameters:
                parameter.add_(parameter.grad, alpha=-self.learning_rate)
        return loss.detach()

    def _logits(self, images):
        _, (hidden, _) = self._lstm(images)  # [1, B, H]
        return self._dense(hidden[0])
