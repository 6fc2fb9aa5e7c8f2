"""What a training is asked for: network, data, sizes and schedule, checked before anything is loaded or built."""

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

import msgspec
import psutil

from unroll.errors import UnrollError
from unroll.models.tutorials import Design, find_tutorial

ROW_WIDTH = ROWS = 28  # what the images have
UNROLL_NAMES = ("static", "dynamic")
DTYPES = ("float32", "float64")
STRATEGIES = ("mirrored", "multiworker")
SIZES = ("steps", "batch", "hidden", "input")
OWN = {"steps": ROWS, "batch": 64, "hidden": 128, "learning_rate": 0.002}  # where there is no tutorial
OWN_UPDATES = 600
MOST, GIB = 2**31 - 1, 1 << 30
TUTORIAL_EPSILON, KERAS_EPSILON = 1e-8, 1e-7  # Adam's defaults in TensorFlow 1 and in Keras
MAY_DIFFER = ("unroll", "updates", "steps_per_call", "deterministic")  # when a training is gone on with


class SettingsError(UnrollError):
    """A training that cannot be; the message says what was asked for, what is wanted and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that a training's result depends on, and how it is run.

    Attributes:
        tutorial: its name, or None for a network of one's own.
        network: how the network is put together.
        unroll: "static" or "dynamic".
        data: the name of the data.
        examples: how many images it trains on.
        seed: of the first weights and of the order of the batches.
        steps, batch, hidden, input: T rows an image, B images an update, H hidden units, I values a row.
        updates: how many times the weights change.
        learning_rate, epsilon: Adam's.
        dtype: "float32" or "float64".
        steps_per_call: updates that one call of the training graph takes.
        deterministic: whether TensorFlow is held to the same results, bit for bit, in every run.

    Raises:
        SettingsError: a value that makes no sense, or sizes that do not fit the data.
    """

    tutorial: str | None
    network: Design
    unroll: str
    data: str
    examples: int
    seed: int
    steps: int
    batch: int
    hidden: int
    updates: int
    learning_rate: float
    epsilon: float
    input: int = ROW_WIDTH
    dtype: str = "float32"
    steps_per_call: int = 1
    deterministic: bool = False

    def __post_init__(self):
        for name in (*SIZES, "updates", "steps_per_call"):
            check_whole(name, getattr(self, name), 1)
        check_whole("seed", self.seed, 0)
        _check_above_zero("learning_rate", self.learning_rate)
        check_one_of("unroll", self.unroll, UNROLL_NAMES)
        check_one_of("dtype", self.dtype, DTYPES)
        if self.steps > ROWS:
            raise SettingsError(f"got --steps {self.steps}; the images have {ROWS} rows: want at most as many")
        if self.batch > self.examples:
            raise SettingsError(
                f"got --batch {self.batch}; {self.data} has {self.examples} training images: want fewer"
            )

    def as_dict(self) -> dict:
        """Return the settings as the history and a checkpoint keep them."""
        values = asdict(self)
        return values | {"sizes": {name: values.pop(name) for name in SIZES}}

    @classmethod
    def from_dict(cls, values: dict) -> "Settings":
        """Read the settings that `as_dict` gave.

        Raises:
            SettingsError: they are none.
        """
        try:
            flat = {**values, **values["sizes"]}
            del flat["sizes"]
            if unknown := flat.keys() - {field.name for field in fields(cls)}:
                raise KeyError(*unknown)
            return msgspec.convert(flat, cls)
        except (TypeError, KeyError, msgspec.ValidationError) as error:
            raise SettingsError(
                f"got settings that are none of a training ({error}); want those that unroll wrote"
            ) from error

    def differences(self, other: "Settings", may_differ: Collection[str] = MAY_DIFFER) -> list[str]:
        """Return the settings in which another training, to go on with this one's weights, differs and may not."""
        own, theirs = self.as_dict(), other.as_dict()
        flat = {name: (own[name], theirs[name]) for name in own.keys() - {"sizes", "network"} - set(may_differ)}
        for part in ("sizes", "network"):
            flat |= {name: (value, theirs[part][name]) for name, value in own[part].items()}
        order = [field.name for field in (*fields(self), *fields(Design))]
        differing = sorted((name for name, (value, wanted) in flat.items() if value != wanted), key=order.index)
        return [f"{name.replace('_', ' ')} {flat[name][0]}, not {flat[name][1]}" for name in differing]


def choose_settings(
    *,
    data: str,
    examples: int,
    tutorial: str | None = None,
    unroll: str | None = None,
    seed: int = 0,
    updates: int | None = None,
    epochs: int | None = None,
    dtype: str = "float32",
    steps_per_call: int = 1,
    deterministic: bool = False,
    **own: Any,
) -> Settings:
    """Choose what a training is asked for: a tutorial's network and schedule, or one's own.

    Args:
        data: the name of the data.
        examples: how many images there are to train on.
        unroll: the tutorial's if None, and "dynamic" without a tutorial.
        updates, epochs: how long, one of the two; the tutorial's if neither. An epoch is made of whole batches.
        own: `steps`, `batch`, `hidden` and `learning_rate` of one's own; a tutorial has its own.

    Raises:
        SettingsError: a value that makes no sense, sizes that do not fit the data, or sizes beside a tutorial.
        TutorialError: there is no such tutorial.
    """
    own_sizes = {name: value for name, value in own.items() if value is not None}
    lesson = find_tutorial(tutorial) if tutorial is not None else None
    if lesson and own_sizes:
        name = next(iter(own_sizes))
        raise SettingsError(
            f"got {_option(name)} with --tutorial {lesson.name}, which has one of its own ({getattr(lesson, name)}): "
            "leave one of the two out"
        )
    sizes = {name: getattr(lesson, name) for name in OWN} if lesson else OWN | own_sizes
    _check_memory(sizes)
    return Settings(
        tutorial=tutorial,
        network=lesson.design if lesson else Design(),
        unroll=unroll or (lesson.unroll if lesson else "dynamic"),
        data=data,
        examples=examples,
        seed=seed,
        updates=_choose_updates(lesson, updates, epochs, examples, sizes["batch"]),
        epsilon=TUTORIAL_EPSILON if lesson else KERAS_EPSILON,
        dtype=dtype,
        steps_per_call=steps_per_call,
        deterministic=deterministic,
        **sizes,
    )


def _check_memory(sizes: dict[str, Any]) -> None:
    """Refuse sizes whose training this machine cannot hold."""
    wanted = {name: sizes[name] for name in ("steps", "batch", "hidden")}
    for name, value in wanted.items():
        check_whole(name, value, 1)
    total, needed = psutil.virtual_memory().total, bytes_of_training(*wanted.values())
    if needed > total:
        raise SettingsError(
            f"got {', '.join(f'--{name} {value}' for name, value in wanted.items())}: a training step would hold about "
            f"{needed / GIB:.3g} GiB, and this machine has {total / GIB:.3g}; want smaller sizes"
        )


def bytes_of_training(steps: int, batch: int, hidden: int, input_size: int = ROW_WIDTH) -> int:
    """Return a guess of the bytes that a training step of these sizes holds: ten float32 numbers for each of B x H."""
    return 40 * (steps * batch + hidden) * (hidden + input_size)


def _choose_updates(lesson, updates, epochs, examples: int, batch) -> int:
    if updates is not None and epochs is not None:
        raise SettingsError(f"got --updates {updates} and --epochs {epochs}: want one of the two")
    if epochs is not None:
        check_whole("epochs", epochs, 1)
        check_whole("batch", batch, 1)
        return epochs * max(1, examples // batch)
    if updates is not None:
        return updates
    return max(1, lesson.updates_on(examples)) if lesson else OWN_UPDATES


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number from `least` up to two thousand million.

    Raises:
        SettingsError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"got {_option(name)} {value}; want a whole number from {least} up")
    if value > MOST:
        raise SettingsError(f"got {_option(name)} {_short(value)}; want at most {MOST}")


def _short(value: int) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:20]}... ({len(text)} digits)"


def _check_above_zero(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise SettingsError(f"got {_option(name)} {value}; want a number above 0, such as 0.001")


def check_one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse what is none of the choices.

    Raises:
        SettingsError: it is none.
    """
    if value not in choices:
        raise SettingsError(f"got {_option(name)} {value}; want {' or '.join(choices)}")


def _option(name: str) -> str:
    """Write a setting as the command line has it."""
    return f"--{name.replace('_', '-')}"
