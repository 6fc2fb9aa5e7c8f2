"""A training on disk: one file with weights, optimiser, position and settings, whole or not there, without pickles."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unroll.errors import UnrollError
from unroll.files import write_whole
from unroll.models.data import Split
from unroll.models.settings import Settings, SettingsError

KIND, VERSION = "training checkpoint of unroll", 1
HEAD = "head"
WEIGHTS, OPTIMISER = "weights/", "optimiser/"


class CheckpointError(UnrollError):
    """A checkpoint that cannot be written, read or gone on with; the message says which one and why."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training after some update.

    Attributes:
        training: its id in the history.
        data_sum: a checksum of the images and labels that it trains on, as `data_sum` gives it.
        update: how many updates are behind it.
        seconds: how long they took.
        weights: by name, as `unroll.models.network.weight_names` has them.
        optimiser: the optimiser's variables, in its own order.
    """

    settings: Settings
    training: str
    data_sum: int
    update: int
    seconds: float
    weights: dict[str, np.ndarray]
    optimiser: list[np.ndarray]

    def check(self, settings: Settings, data_sum: int) -> None:
        """Check that a training may go on from here: other in its unroll and its number of updates at most.

        Raises:
            CheckpointError: it may not; the message says what differs.
        """
        differing = self.settings.differences(settings)
        if not differing and self.data_sum != data_sum:
            differing = ["other training images"]
        if differing:
            raise CheckpointError(
                f"cannot go on with a training that has {', '.join(differing)}; "
                "ask for the same again (the unroll and the number of updates may change), or begin anew"
            )
        if settings.updates < self.update:
            raise CheckpointError(f"got --updates {settings.updates}; {self.update} are done already: want more")


def data_sum(split: Split) -> int:
    """Return a checksum of images and labels."""
    images, labels = (np.ascontiguousarray(part).data for part in split)
    return zlib.crc32(labels, zlib.crc32(images))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; what stood at `path` before stays if that fails.

    Raises:
        CheckpointError: it cannot be written, such as on a full disk.
    """
    head = {"kind": KIND, "version": VERSION, "settings": checkpoint.settings.as_dict()}
    head |= {name: getattr(checkpoint, name) for name in ("training", "data_sum", "update", "seconds")}
    arrays: dict[str, Any] = {HEAD: np.array(json.dumps(head))}
    arrays |= {f"{WEIGHTS}{name}": weight for name, weight in checkpoint.weights.items()}
    arrays |= {f"{OPTIMISER}{number:03d}": value for number, value in enumerate(checkpoint.optimiser)}
    try:
        return write_whole(path, lambda file: np.savez(file, **arrays))
    except OSError as error:
        raise CheckpointError(
            f"cannot write the checkpoint {path}: {error.strerror or error}; what stood there before is as it was: "
            "make room, or choose another --save"
        ) from error


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: there is none, or the file is damaged, something else, or of another version.
    """
    arrays = _read_arrays(Path(path))
    try:
        head = json.loads(str(arrays[HEAD]))
        if head["kind"] != KIND:
            raise KeyError(head["kind"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is no {KIND}; want a file that `unroll train --save` wrote") from error
    if head["version"] != VERSION:
        raise CheckpointError(
            f"{path} has version {head['version']} of the format, this version of unroll reads {VERSION}; "
            "go on with the version that wrote it, or begin anew"
        )
    try:
        return _parse(head, arrays)
    except (KeyError, SettingsError) as error:
        raise CheckpointError(f"{path} is damaged: {error}; go on from another checkpoint, or begin anew") from error


def _parse(head: dict, arrays: dict[str, np.ndarray]) -> Checkpoint:
    return Checkpoint(
        Settings.from_dict(head["settings"]),
        **{name: head[name] for name in ("training", "data_sum", "update", "seconds")},
        weights={name.removeprefix(WEIGHTS): arrays[name] for name in arrays if name.startswith(WEIGHTS)},
        optimiser=[arrays[name] for name in sorted(arrays) if name.startswith(OPTIMISER)],
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no checkpoint {path}; want one that `unroll train --save` wrote: to begin, leave --resume out"
        ) from error
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror or error}") from error
    except Exception as error:  # for a damaged file, zipfile, zlib and NumPy raise almost any type
        raise CheckpointError(
            f"{path} is no {KIND}, or a damaged one ({error}); want a file that `unroll train --save` wrote"
        ) from error
