"""The presets: which cases each question is asked of."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from unroll.errors import UnrollError
from unroll.measure.config import MACHINE, PHASES, Case, Sizes
from unroll.measure.statistics import ENOUGH_ROUNDS
from unroll.measure.variants import DRAWN, missing_package, own_mode, variant_of

PAIR = ("static", "static-traced", "dynamic")
KERAS = ("keras-unrolled", "keras-loop")
CUDNN = "keras-cudnn"
MORE_CELLS = ("dynamic-4", "dynamic-7", "dynamic-14")
OTHER_GRADIENTS = ("dynamic-own", "dynamic-recompute")
TENSORFLOW = (*PAIR, *OTHER_GRADIENTS, *MORE_CELLS, *KERAS, "tf1-static", "tf1-dynamic", "block")
CONVERTED = ("static", "static-traced", "dynamic", "dynamic-own", *KERAS)
CONVERTED_LAYERS = ("static", "static-traced", "dynamic", *KERAS)  # the variants that are a Keras layer, too
DOUBLING = tuple(2**power for power in range(11))  # T = 1, 2, 4 ... 1024
LONG = 256  # beyond this T, one round of each case alone has to do: static graphs take minutes
LONG_FOR_XLA = 128  # beyond this T, XLA compiles many cells side by side for minutes
FIT_SIZES = Sizes(steps=100, batch=32, hidden=64)
FEW = 3  # rounds of a sweep


@dataclass(frozen=True)
class Preset:
    """What a run measures.

    Attributes:
        about: one line for people.
        variants: what takes turns at the run's sizes.
        rounds, steps: how often each is built anew, and how many later steps it takes in a round.
        sizes: the run's sizes, where the preset fixes them.
        also_at: further sizes at which the variants take turns.
        modes: further modes in which the `mode_variants` are measured. (The traced cell is not: XLA compiles it anew
            at every call, and run eagerly it is traced anew.)
        sweep_modes: further modes of growth and grid. (XLA compiles many cells side by side for minutes: not those.)
        mode_variants: the variants of modes and of the grid; with cuDNN on a GPU, five.
        sweep_variants: the variants of growth.
        cold_variants: the variants that are also started in processes that did nothing else.
        growth: every T.
        batches, hiddens: every B and H of a grid, in which the `mode_variants` take turns.
        unrolls: every k of dynamic_unroll's unroll=k.
        fit_variants: the variants of the Keras layer that take turns in `fit`.
        replica_variants: the variants whose training steps are measured on several devices.
        convert_variants: the variants that are converted to TFLite and ONNX.
        convert_growth: every further T at which they are converted to TFLite.
        compile_variants: the variants whose first call under XLA is measured by itself.
        compile_growth: every further T at which that of the pair is, once.
        serial_steps: every T at which the memory of the loop is measured with and without overlapping iterations.
        second_order: the variants whose second derivative is taken.
        phases: forward, train or both.
        measure_memory: whether to measure memory, graphs and exports, too.
        kernels: whether to count the kernels of a step, on a GPU.
        limit_s: seconds that one result may take before its process is stopped.
        peers: the packages of the interpreter that measures PyTorch and JAX, if it is another.
    """

    about: str
    variants: tuple[str, ...]
    rounds: int
    steps: int
    sizes: Sizes | None = None
    also_at: tuple[Sizes, ...] = ()
    modes: tuple[str, ...] = ()
    sweep_modes: tuple[str, ...] = ()
    mode_variants: tuple[str, ...] = ("static", "dynamic", *KERAS)
    sweep_variants: tuple[str, ...] = (*PAIR, *OTHER_GRADIENTS, *KERAS)
    cold_variants: tuple[str, ...] = ()
    growth: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    hiddens: tuple[int, ...] = ()
    unrolls: tuple[int, ...] = ()
    fit_variants: tuple[str, ...] = ()
    replica_variants: tuple[str, ...] = ()
    convert_variants: tuple[str, ...] = ()
    convert_growth: tuple[int, ...] = ()
    compile_variants: tuple[str, ...] = ()
    compile_growth: tuple[int, ...] = ()
    serial_steps: tuple[int, ...] = ()
    second_order: tuple[str, ...] = ()
    phases: tuple[str, ...] = PHASES
    measure_memory: bool = True
    kernels: bool = False
    limit_s: float = 60
    peers: Collection[str] | None = None

    @property
    def missing(self) -> dict[str, str]:
        """Name the variants that are left out because their package is not installed, each with the package."""
        packages = {variant: missing_package(variant, self.peers) for variant in self.variants}
        return {variant: package for variant, package in packages.items() if package}

    def on(self, device: str) -> "Preset":
        """Return the preset as it is on a device: a GPU has kernels to count, and cuDNN beside Keras's loop."""
        if device != "gpu":
            return self
        lists = {name: _with_cudnn(getattr(self, name)) for name in ("variants", "mode_variants", "sweep_variants")}
        return replace(self, kernels=self.measure_memory, **lists)

    def cases_for_steps(self, sizes: Sizes) -> list[Case]:
        """Return the cases that take turns: all in their own modes, the four in further modes."""
        own = [self._case(variant, at) for at in (sizes, *self.also_at) for variant in self._present]
        others = [variant for variant in self.mode_variants if variant in self._present]
        return own + [
            self._case(variant, sizes, mode, ENOUGH_ROUNDS)
            for mode in self.modes
            for variant in others
            if _runs(variant, mode)
        ]

    def cases_for_build(self, sizes: Sizes) -> list[Case]:
        """Return those that have a graph to build."""
        return [case for case in self.cases_for_steps(sizes) if case.mode != "eager"]

    def cases_for_machine(self, sizes: Sizes) -> list[Case]:
        """Return the cases of the machine itself: in float32, and in 16-bit floats if a mode has them."""
        modes = ["graph", *(mode for mode in self.modes if mode == "mixed")]
        return [Case(MACHINE, mode, sizes) for mode in modes if self.measure_memory]

    def cases_for_memory(self, sizes: Sizes) -> list[Case]:
        """Return the cases whose memory is measured: each variant in its own mode."""
        return [self._case(variant, sizes) for variant in self._present if self.measure_memory]

    def cases_for_drawing(self, sizes: Sizes) -> list[Case]:
        """Return the cases whose graphs are counted only to be drawn: where memory is measured, that is done anyway."""
        return [] if self.measure_memory else [self._case(variant, sizes) for variant in DRAWN]

    def cases_for_serial(self, sizes: Sizes) -> list[Case]:
        """Return the loop and the loop of one iteration at a time, whose memory is set side by side at some T."""
        at = [replace(sizes, steps=steps) for steps in self.serial_steps]
        return [self._case(variant, sizes) for sizes in at for variant in ("dynamic", "dynamic-serial")]

    def cases_for_second_order(self, sizes: Sizes) -> list[Case]:
        """Return the cases whose second derivative is taken: of a small network, for it is only compared."""
        small = replace(sizes, batch=min(sizes.batch, 8), hidden=min(sizes.hidden, 16))
        return [self._case(variant, small) for variant in self.second_order]

    def cases_for_kernels(self, sizes: Sizes) -> list[Case]:
        """Return the cases whose kernels are counted, where a GPU is measured: the four in further modes, too."""
        return [case for case in self.cases_for_steps(sizes) if self.kernels and not variant_of(case.variant).package]

    def cases_for_export(self, sizes: Sizes) -> list[Case]:
        """Return the cases that can be a SavedModel."""
        return [case for case in self.cases_for_memory(sizes) if not variant_of(case.variant).package]

    def cases_for_convert(self, sizes: Sizes) -> list[Case]:
        """Return the cases that are converted to TFLite and ONNX."""
        return [Case(variant, own_mode(variant), sizes) for variant in self.convert_variants]

    def cases_for_convert_layer(self, sizes: Sizes) -> list[Case]:
        """Return those of them that are Keras layers, too."""
        return [case for case in self.cases_for_convert(sizes) if case.variant in CONVERTED_LAYERS]

    def cases_for_convert_growth(self, sizes: Sizes) -> list[Case]:
        """Return the cases of other T that are converted to TFLite."""
        others = [replace(sizes, steps=steps) for steps in self.convert_growth if steps != sizes.steps]
        return [case for at in others for case in self.cases_for_convert(at) if case.variant in (*PAIR, *KERAS)]

    def cases_for_compile(self, sizes: Sizes) -> list[Case]:
        """Return the cases that XLA compiles often enough for a verdict; of more steps, which take minutes, once."""
        here = [variant for variant in self.compile_variants if not missing_package(variant, self.peers)]
        own = [Case(variant, "xla", sizes, ENOUGH_ROUNDS) for variant in here]
        longer = [replace(sizes, steps=steps) for steps in self.compile_growth]
        return own + [
            Case(variant, "xla", at, 1, alone=True) for at in longer for variant in PAIR if variant in self.variants
        ]

    def cases_for_growth(self, sizes: Sizes) -> list[Case]:
        """Return the cases of other T, which take turns up to T=256; of more steps, each is measured alone and once."""
        others = [replace(sizes, steps=steps) for steps in self.growth if steps != sizes.steps]
        return [
            Case(variant, mode, at, FEW if at.steps <= LONG else 1, alone=at.steps > LONG)
            for at in others
            for variant in self.sweep_variants
            for mode in (own_mode(variant), *self._swept_modes(variant, at))
        ]

    def cases_for_growth_of_memory(self, sizes: Sizes) -> list[Case]:
        """Return the cases of other T whose memory and export are measured: each variant in its own mode."""
        return [case for case in self.cases_for_growth(sizes) if case.mode == own_mode(case.variant)]

    def cases_for_grid(self, sizes: Sizes) -> list[Case]:
        """Return the cases of the batch x hidden grid; those at the run's own sizes are measured anyway."""
        grid = [replace(sizes, batch=batch, hidden=hidden) for batch in self.batches for hidden in self.hiddens]
        others = [(at, variant) for at in grid if at != sizes for variant in self.mode_variants]
        own = [self._case(variant, at, most=ENOUGH_ROUNDS) for at, variant in others]
        swept = [(variant, at, mode) for at, variant in others for mode in self._swept_modes(variant, at)]
        return own + [self._case(variant, at, mode, ENOUGH_ROUNDS) for variant, at, mode in swept]

    def cases_for_unroll(self, sizes: Sizes) -> list[Case]:
        """Return the cases of dynamic_unroll's unroll=k that are not among the variants."""
        names = [f"dynamic-{k}" for k in self.unrolls if k <= sizes.steps]
        return [self._case(name, sizes, most=ENOUGH_ROUNDS) for name in names if name not in self.variants]

    def _swept_modes(self, variant: str, at: Sizes) -> list[str]:
        compiles = at.steps <= LONG_FOR_XLA or not variant_of(variant).is_static
        return [mode for mode in self.sweep_modes if _runs(variant, mode) and (compiles or mode != "xla")]

    def cases_for_fit(self, sizes: Sizes) -> list[Case]:
        """Return the cases of the Keras layer in `fit`, at sizes of their own: a longer sequence, a smaller layer."""
        return [self._case(variant, FIT_SIZES, most=ENOUGH_ROUNDS) for variant in self.fit_variants]

    def cases_for_cold_start(self, sizes: Sizes) -> list[Case]:
        """Return the cases that are started in a process of their own."""
        return [self._case(variant, sizes) for variant in self.cold_variants]

    def cases_for_replicas(self, sizes: Sizes) -> list[Case]:
        """Return the variants that train on several devices, at the run's sizes: all of them share its batch."""
        return [self._case(variant, sizes, most=ENOUGH_ROUNDS) for variant in self.replica_variants]

    @property
    def _present(self) -> list[str]:
        return [variant for variant in self.variants if variant not in self.missing]

    def _case(self, variant: str, sizes: Sizes, mode: str | None = None, most: int | None = None) -> Case:
        """Return a case with the preset's rounds, or at most so many."""
        return Case(variant, mode or own_mode(variant), sizes, min(self.rounds, most or self.rounds))


def _with_cudnn(variants: tuple[str, ...]) -> tuple[str, ...]:
    """Insert cuDNN behind Keras's loop, where that is."""
    if CUDNN in variants:
        return variants
    return tuple(name for variant in variants for name in ((variant, CUDNN) if variant == KERAS[1] else (variant,)))


def _runs(variant: str, mode: str) -> bool:
    """Return whether a variant can run in a mode at all: XLA compiles no cuDNN."""
    return not (variant_of(variant).gpu_only and mode == "xla")


PRESETS = {
    "quick": Preset(
        "the pair and Keras: times of training, and both graphs",
        (*PAIR, *KERAS),
        rounds=ENOUGH_ROUNDS,
        steps=8,
        phases=("train",),
        measure_memory=False,
    ),
    "tiny": Preset(
        "for trying out whether everything runs: sizes at which the figures mean nothing",
        (*PAIR, "dynamic-7", *KERAS, "block", "torch", "jax-loop"),
        rounds=FEW,
        steps=2,
        sizes=Sizes(steps=4, batch=8, hidden=8),
        modes=("xla", "mixed"),
        sweep_modes=("xla",),
        cold_variants=("static", "dynamic"),
        growth=(2, 6),
        batches=(8, 16),
        hiddens=(8, 16),
    ),
    "default": Preset(
        "every variant of TensorFlow, and the pair at four more T; PyTorch and JAX where installed",
        (*TENSORFLOW, "torch", "jax-loop"),
        rounds=ENOUGH_ROUNDS,
        steps=8,
        sweep_variants=DRAWN,
        growth=(1, 4, 14, 56),
    ),
    "full": Preset(
        "all of default with more rounds; XLA, eager, growth with T, batch x hidden, every unroll=k",
        (*TENSORFLOW, "torch", "jax-loop", "jax-unrolled"),
        rounds=9,
        steps=12,
        modes=("xla", "eager"),
        growth=DOUBLING,
        batches=(1, 32, 128, 512),
        hiddens=(32, 128, 512),
        unrolls=(2, 4, 7, 14, 28),
        cold_variants=(*PAIR, "dynamic-own", *KERAS),
        fit_variants=(*PAIR, "dynamic-10", *KERAS),
        replica_variants=("static", "dynamic"),
        convert_variants=CONVERTED,
        limit_s=120,
    ),
    "gpu": Preset(
        "for a GPU, with --data mnist: cuDNN, XLA, 16-bit floats, T from 28 to 1024, batch x hidden up to 2048 x 1024",
        (*PAIR, "dynamic-7", *KERAS, CUDNN, "tf1-static", "tf1-dynamic", "block", "torch", "jax-loop", "jax-unrolled"),
        rounds=ENOUGH_ROUNDS,
        steps=20,
        modes=("xla", "mixed"),
        sweep_modes=("xla",),
        mode_variants=("static", "dynamic", "keras-loop", CUDNN),
        sweep_variants=(*PAIR, *KERAS, CUDNN),
        growth=tuple(steps for steps in DOUBLING if steps > 28),
        batches=(128, 512, 2048),
        hiddens=(128, 512, 1024),
        limit_s=120,
    ),
    "benchmark_rnn": Preset(
        "the grid of TensorFlow's own BenchmarkRNN, with memory, sizes, XLA and intervals, which it lacks",
        (*PAIR, *KERAS, "tf1-static", "tf1-dynamic"),
        rounds=ENOUGH_ROUNDS,
        steps=5,
        sizes=Sizes(steps=50, batch=512, hidden=512),
        also_at=(
            *(Sizes(steps=steps, batch=512, hidden=512) for steps in (1, 25)),  # graph creation
            *(Sizes(steps=50, batch=256, hidden=hidden) for hidden in (512, 256, 128)),  # step time
            *(Sizes(steps=50, batch=128, hidden=256, valid=25), Sizes(steps=25, batch=128, hidden=256)),  # half length
        ),
        modes=("xla",),
        growth=(100, 200, 400, 600, 800, 1000),  # long sequences
        limit_s=120,
    ),
    "unmeasured": Preset(
        "what the other presets leave out: TFLite, ONNX, cold starts, half a sequence_length, 240 steps under XLA",
        ("static", "dynamic", *KERAS),
        rounds=ENOUGH_ROUNDS,
        steps=5,
        also_at=(
            *(Sizes(steps=50, batch=128, hidden=256, valid=25), Sizes(steps=25, batch=128, hidden=256)),  # half length
            *(Sizes(batch=1, hidden=32), Sizes(batch=512, hidden=512)),  # the ends of the grid
        ),
        unrolls=(2, 4, 7, 14, 28),
        serial_steps=(7, 14, 28, 56, 112, 256),
        second_order=("static", "dynamic", *OTHER_GRADIENTS),
        convert_variants=CONVERTED,
        cold_variants=(*PAIR, "dynamic-own", *KERAS),
        convert_growth=(4, 14, 56, 112),
        compile_variants=("static", "dynamic", *KERAS, "jax-loop", "jax-python"),
        compile_growth=(240,),
        measure_memory=False,
        limit_s=320,
    ),
}


def find_preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        UnrollError: there is none of that name.
    """
    if name not in PRESETS:
        raise UnrollError(f"got --preset {name!r}; want one of {', '.join(PRESETS)}")
    return PRESETS[name]
