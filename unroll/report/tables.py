"""The results as Markdown: what each variant costs, by what factors they differ, and where it was measured."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, product
from statistics import median

from unroll.measure.config import MODES, Key, case_of
from unroll.measure.device import switch_text
from unroll.measure.gpus import gpu_text
from unroll.measure.journal import Measurement, Run
from unroll.measure.metrics import METRICS
from unroll.measure.presets import KERAS
from unroll.measure.process import FAILED, STOPPED
from unroll.measure.statistics import CHANCE, CLOSE, FASTER, NOT_MEASURED, SAME, SLOWER, BreakEven, Ratio
from unroll.measure.variants import OURS, VARIANTS, cells_an_iteration, label
from unroll.report.table import Cell, Table

NOT_STOPPED = "Nothing was stopped, nothing failed."
NO_VERDICT = "None of these comparisons has a verdict."
ONE_PROCESS = " Of one process: its luck is in all its rounds, so that they say nothing of another process."
UNITS = {"s": 1, "ms": 1e-3, "KiB": 1 << 10, "MiB": 1 << 20, "nodes": 1, "": 1}  # in the record's unit


@dataclass(frozen=True)
class Column:
    """One quantity as a table's column or a figure's panel shows it: under which heading, in which unit."""

    quantity: str
    phase: str
    heading: str
    unit: str
    mode: str | None = None  # the variant's own, if None
    more: str = ""  # what else to say of the unit

    @property
    def title(self) -> str:
        return f"{self.heading} ({self.unit})" if self.unit else self.heading

    @property
    def scale(self) -> float:
        return UNITS[self.unit]

    @property
    def exact(self) -> bool:
        """Whether it is a count, which has no interval."""
        return self.quantity in METRICS and METRICS[self.quantity].exact

    def find(self, run: Run, variant: str) -> Measurement | None:
        """Look up what the run measured of this quantity on a variant."""
        return run.find(self.quantity, self.phase, variant, self.mode)


TIMES = [
    Column("build", "forward", "build, forward", "ms"),
    Column("build", "train", "build, train", "ms"),
    Column("first_call", "forward", "first call, forward", "ms"),
    Column("first_call", "train", "first call, train", "ms"),
    Column("step", "forward", "step, forward", "ms"),
    Column("step", "train", "step, train", "ms"),
]
SIZES = [
    Column("nodes", "forward", "graph, forward", "nodes"),
    Column("nodes", "train", "graph, train", "nodes"),
    Column("graph_bytes", "train", "graph, train", "KiB"),
    Column("process", "forward", "process, forward", "MiB"),
    Column("process", "train", "process, train", "MiB"),
    Column("tensors", "forward", "tensors, forward", "MiB"),
    Column("tensors", "train", "tensors, train", "MiB"),
]
SAVED = Column("export", "forward", "SavedModel", "KiB")
EXPORTS = [
    SAVED,
    Column("save", "forward", "save", "ms"),
    Column("load", "forward", "load", "ms"),
    Column("served", "forward", "first served call", "ms"),
    Column("retraces", "forward", "retraces, without a signature", ""),
    Column("retraces_signature", "forward", "retraces, with a signature", ""),
]
FORMATS = (("tflite", "TFLite"), ("onnx", "ONNX"))
CONVERSIONS = [
    Column(f"{layer}{quantity}", "forward", heading, unit)
    for layer in ("", "layer_")
    for name, title in FORMATS
    for quantity, heading, unit in (
        (name, title, "KiB"),
        (f"{name}_operations", f"{title} operations", ""),
        (f"{name}_convert", f"{title}, to convert", "s"),
    )
]
KERAS_FILE = Column("keras_file", "forward", ".keras", "KiB")
BY_MODE = [
    Column(quantity, "train", f"{name}, train, {mode}", "ms", mode)
    for quantity, name in (("first_call", "first call"), ("step", "step"))
    for mode in MODES
]
TURNS = [
    Column("build", "train", "build, train", "ms"),
    Column("first_call", "train", "first call, train", "ms"),
    Column("step", "forward", "forward step", "ms"),
    Column("step", "train", "training step", "ms"),
]
COLD = [
    Column("cold_build", "train", "cold build, train", "ms"),
    Column("cold_first_call", "train", "cold first call, train", "ms"),
]
FIT_START = Column("fit_start", "train", "start", "s")
FIT_EPOCH = Column("fit_epoch", "train", "later epoch", "s")
FIT_PROCESS = Column("fit_process", "train", "process", "MiB")
FIT = [
    FIT_START,
    Column("fit_first", "train", "first epoch", "s"),
    FIT_EPOCH,
    FIT_PROCESS,
]
PAIRS = [
    ("static", "dynamic"),
    ("static-traced", "dynamic"),
    ("static-traced", "static"),
    ("dynamic-own", "dynamic"),
    ("dynamic-own", "static"),
    ("dynamic-recompute", "dynamic"),
    ("static", "keras-unrolled"),
    ("static-traced", "keras-unrolled"),
    ("dynamic", "keras-unrolled"),
    ("static", "keras-loop"),
    ("static-traced", "keras-loop"),
    ("dynamic", "keras-loop"),
    ("keras-unrolled", "keras-loop"),
    ("dynamic-own", "keras-unrolled"),
    ("static", "keras-cudnn"),
    ("dynamic", "keras-cudnn"),
    ("keras-loop", "keras-cudnn"),
    ("static", "tf1-static"),
    ("dynamic", "tf1-dynamic"),
    ("static", "block"),
    ("dynamic", "block"),
    ("static", "torch"),
    ("dynamic", "torch"),
    ("dynamic-own", "torch"),
    ("static", "jax-unrolled"),
    ("dynamic", "jax-loop"),
]
BREAK_EVEN_PAIRS = [
    ("static", "dynamic"),
    ("static-traced", "dynamic"),
    ("keras-unrolled", "keras-loop"),
    ("dynamic", "torch"),
]


DECIDING = [
    ("static", "dynamic"),
    ("dynamic-own", "dynamic"),
    ("keras-unrolled", "keras-loop"),
    ("dynamic", "keras-loop"),
]


def ratios_table(run: Run, of: Sequence[tuple[str, str]] = ()) -> Table:
    """Format the ratios of variants that ran in the same rounds, with 95% intervals, and how to read them.

    Without `of`, these are all pairs that are compared.
    """
    pairs = measured_pairs(run, of) if of else compared_pairs(run)
    turns = measured_columns(run, TURNS)
    ratios = {pair: [pair_ratio(run, turn, *pair) for turn in turns] for pair in pairs}
    rows = [[pair_text(run, *pair), *map(ratio_cell, ratios[pair])] for pair in pairs]
    header = ["ratio of times", *(turn.heading for turn in turns)]
    return with_chance(Table(header, rows), chain(*ratios.values()))


def pair_text(run: Run, over: str, under: str) -> str:
    """Return the names of two variants, the first over the second."""
    return f"{name_on(run, over)} / {name_on(run, under)}"


def name_on(run: Run, variant: str) -> str:
    """Return how a variant is named to people: on a GPU, Keras's loop is one that does without cuDNN."""
    return "Keras loop, cuDNN off" if run.device == "gpu" and variant == "keras-loop" else label(variant)


def break_even_table(run: Run) -> Table:
    """Format the number of training steps after which the variant that is slower to start has paid for itself."""
    rows = [_break_even_row(run, *pair) for pair in measured_pairs(run, BREAK_EVEN_PAIRS)]
    header = ["slower to start", "beside", "has paid for itself after (training steps)", "95% interval"]
    return Table(header, rows, align="llrr")


def best_of_ours_table(run: Run) -> Table:
    """Format the quickest of our variants in each quantity, and its ratio to each peer; bold as in the ratios."""
    peers = [variant for variant in measured_variants(run, TURNS) if variant in VARIANTS and variant not in OURS]
    best = {turn: _best_of_ours(run, turn) for turn in TURNS}
    if not peers or not any(best.values()):
        return Table([], [])
    names = [name_on(run, variant) if variant else missing(None) for variant in best.values()]
    ratios = {peer: [pair_ratio(run, turn, best[turn], peer) for turn in TURNS] for peer in peers}
    rows = [[f"its time / {name_on(run, peer)}", *map(ratio_cell, ratios[peer])] for peer in peers]
    header = ["", *(turn.heading for turn in TURNS)]
    return with_chance(Table(header, [["quickest of ours", *names], *rows]), chain(*ratios.values()))


def times_table(run: Run) -> Table:
    """Format each variant's times over all rounds: median, and the quartiles in brackets."""
    return _variants_table(run, TIMES)


def sizes_table(run: Run) -> Table:
    """Format each variant's graph and memory; beside a GPU's tensors, the process is named the host's."""
    return _variants_table(run, _of_host(run, SIZES))


def export_table(run: Run) -> Table:
    """Format what each variant costs to save, load and serve, for which T it serves, and how often it is traced."""
    rows = []
    for variant in measured_variants(run, EXPORTS):
        size, *cells = (_cell(column.find(run, variant), column.scale) for column in EXPORTS)
        rows.append([name_on(run, variant), size, _serves(SAVED.find(run, variant)), *cells])
    size_title, *titles = (column.title for column in EXPORTS)
    return Table(["variant", size_title, "serves", *titles], rows)


def conversions_table(run: Run) -> Table:
    """Format what each variant is as TFLite and ONNX, and what that serves; a Keras layer's model below its network."""
    half = len(CONVERSIONS) // 2
    networks, layers = CONVERSIONS[:half], CONVERSIONS[half:]
    rows = [
        [name_on(run, variant), *_conversion_cells(run, variant, networks), ""]
        for variant in measured_variants(run, networks)
    ]
    rows += [
        [
            f"layer: {name_on(run, variant)}",
            *_conversion_cells(run, variant, layers),
            _cell(KERAS_FILE.find(run, variant), KERAS_FILE.scale),
        ]
        for variant in measured_variants(run, layers)
    ]
    headings = [
        text for column in networks for text in ([column.title, "serves"] if column.unit == "KiB" else [column.title])
    ]
    return Table(["variant", *headings, KERAS_FILE.title], rows)


def _conversion_cells(run: Run, variant: str, columns: Sequence[Column]) -> list[Cell]:
    cells = []
    for column in columns:
        measured = column.find(run, variant)
        cells.append(_cell(measured, column.scale))
        if column.unit == "KiB":
            cells.append(_serves(measured))
    return cells


def modes_table(run: Run) -> Table:
    """Format the first training call and later training steps of the variants measured in more than one mode."""
    return _variants_table(run, BY_MODE, [variant for variant in run.variants if _count_modes(run, variant) > 1])


def cold_table(run: Run) -> Table:
    """Format how long each variant takes to start in a process that did nothing else, and its ratios to dynamic."""
    loop = "dynamic"
    variants = measured_variants(run, COLD)
    ratios = {
        variant: [pair_ratio(run, column, variant, loop) for column in COLD] for variant in variants if variant != loop
    }
    rows = [
        [
            name_on(run, variant),
            *(_cell(column.find(run, variant), column.scale) for column in COLD),
            *(map(ratio_cell, ratios[variant]) if variant in ratios else ["1"] * len(COLD)),
        ]
        for variant in variants
    ]
    beside = [f"{column.heading} / {name_on(run, loop)}" for column in COLD]
    header = ["variant", *(column.title for column in COLD), *beside]
    return with_chance(Table(header, rows), chain(*ratios.values()))


def fit_table(run: Run) -> Table:
    """Format what each layer costs in Keras's `fit`, and its ratios to Keras's own layers; bold as in the ratios.

    The start is set beside Keras's unroll=True, a later epoch beside the faster of Keras's two.
    """
    fitted = in_fit(run)
    unrolled, faster = KERAS[0], faster_keras(fitted)
    variants = measured_variants(fitted, FIT)
    ratios = {
        variant: [
            _beside_keras(fitted, turn, variant, keras) for turn, keras in ((FIT_START, unrolled), (FIT_EPOCH, faster))
        ]
        for variant in variants
    }
    rows = [
        [
            name_on(run, variant),
            *(_cell(column.find(fitted, variant), column.scale) for column in FIT),
            *map(ratio_cell, ratios[variant]),
        ]
        for variant in variants
    ]
    columns = [column.title for column in _of_host(run, FIT)]
    faster_text = f"the faster: {name_on(run, faster)}" if faster else "the faster of Keras"
    headings = [f"start / {name_on(run, unrolled)}", f"later epoch / {faster_text}"]
    header = [f"in fit, {fitted.sizes}", *columns, *headings]
    return with_chance(Table(header, rows), chain(*ratios.values()))


def in_fit(run: Run) -> Run:
    """View a run at the sizes at which it fitted its layers, which need not be those of its steps."""
    quantities = {column.quantity for column in FIT}
    sizes = next((record.sizes for record in reversed(run.records) if record.quantity in quantities), run.sizes)
    return replace(run, settings=run.settings | {"sizes": asdict(sizes)})


def faster_keras(fitted: Run) -> str:
    """Return the one of Keras's two layers whose later epochs have the smaller median; empty if either lacks them."""
    medians = _medians(fitted, FIT_EPOCH, KERAS)
    return min(medians, key=medians.__getitem__) if len(medians) == len(KERAS) else ""


def _beside_keras(fitted: Run, turn: Column, variant: str, keras: str) -> Ratio | str:
    """Return the ratio of a layer to one of Keras's, for itself a 1 without an interval; or why there is none."""
    if not keras:
        return _why_none(turn.find(fitted, layer) for layer in KERAS)
    ratio = pair_ratio(fitted, turn, variant, keras)
    return "1" if variant == keras and isinstance(ratio, Ratio) else ratio


def stopped_table(run: Run) -> Table:
    """Format every case that was stopped or failed, and why; the quantities that one case lacks share a row."""
    lacking: dict[tuple, list[str]] = {}
    for quantity, phase, variant, mode, sizes in dict.fromkeys(record.key for record in run.records):
        stopped = run.look_up(Key(quantity, phase, variant, mode, sizes))
        if stopped and broke_off(stopped):
            kept = f" (rounds kept: {len(stopped.rounds)})" if stopped.rounds else ""
            lacking.setdefault((variant, mode, sizes, stopped.note + kept), []).append(f"{quantity} ({phase})")
    rows = [
        [name_on(run, variant), mode, str(sizes), ", ".join(quantities), reason]
        for (variant, mode, sizes, reason), quantities in lacking.items()
    ]
    return Table(["variant", "mode", "sizes", "quantities", "reason"], rows, "lllll", otherwise=NOT_STOPPED)


def environment_table(run: Run) -> Table:
    """Format the environment and settings that the run was measured with."""
    environment, settings = run.environment, run.settings
    memory = environment.get("memory_bytes")
    rows = [
        *_device_rows(run),
        ["processor", f"{environment.get('processor', 'unknown')}, {environment.get('cores', '?')} cores"],
        *([["oneDNN", _onednn(environment)]] if "onednn" in environment else []),
        ["memory", f"{memory / (1 << 30):.1f} GiB" if memory else "unknown"],
        ["system", f"{environment.get('system', 'unknown')}, Python {environment.get('python', '?')}"],
        ["packages", _listed(f"{name} {version}" for name, version in environment.get("versions", {}).items())],
        [
            "threads",
            _listed(f"{name} {count or 'automatic'}" for name, count in environment.get("threads", {}).items()),
        ],
        ["flags", _flags(environment.get("flags"))],
        ["data", str(settings.get("data", "unknown"))],
        ["sizes", str(run.sizes)],
        *([["preset", str(settings["preset"])]] if "preset" in settings else []),
        *([["rounds", rounds_text(run)]] if "rounds" in settings else []),
        ["commit", str(environment.get("commit", "unknown"))],
        ["started", run.started],
        *(["resumed", moment] for moment in run.resumed),
        *(["warning", warning] for warning in environment.get("warnings", [])),
    ]
    return Table(["environment", ""], rows, align="ll")


def rounds_text(run: Run) -> str:
    """Return how many rounds the variants have, from the fewest to the most: what is slow or late to join has fewer."""
    rounds_by_key: dict[tuple, set[int]] = {}
    for record in run.records:
        if record.turns and record.samples:
            rounds_by_key.setdefault(record.key, set()).add(record.round)
    counts = sorted({len(rounds) for rounds in rounds_by_key.values()})
    if not counts:
        return str(run.settings.get("rounds", "unknown"))
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _onednn(environment: dict) -> str:
    """Format whether oneDNN is on, and which vector instructions TensorFlow's products use."""
    instructions = environment.get("vector_instructions") or "unknown vector instructions"
    return f"{switch_text(environment['onednn'])}; {instructions}"


def _of_host(run: Run, columns: Sequence[Column]) -> Sequence[Column]:
    """Name the process the host's where a GPU was measured."""
    if run.device != "gpu":
        return columns
    return [replace(column, heading=column.heading.replace("process", "host process")) for column in columns]


def _device_rows(run: Run) -> list[list[str]]:
    """Return which device was measured, if the run chose one."""
    if "device" not in run.settings:
        return []
    if run.device != "gpu":
        return [["device", "CPU"]]
    gpus, cuda = run.environment.get("gpus", []), run.environment.get("cuda", {})
    built = [f"{name} {version}" for name, version in cuda.items()]
    tf32 = f"TF32 {'on' if run.settings.get('tf32') else 'off'}"
    return [["device", ", ".join([*map(gpu_text, gpus[:1]), *built, tf32])]]


def measured_variants(run: Run, columns: Iterable[Column]) -> list[str]:
    """Return the variants of which the run has any of some quantities: ours and our peers', then the user's own."""
    columns = list(columns)
    variants = [variant for variant in run.variants if any(column.find(run, variant) for column in columns)]
    return in_order(variants)


def measured_columns(run: Run, columns: Iterable[Column]) -> list[Column]:
    """Return those columns that the run has of any variant."""
    return [column for column in columns if measured_variants(run, [column])]


def in_order(variants: Iterable[str]) -> list[str]:
    """Sort variants into the order of all tables: ours, our peers', then the user's own."""
    return sorted(variants, key=_place)


def _place(variant: str) -> tuple[int, int]:
    """Return where a variant stands: as in VARIANTS, dynamic's other unroll=K by their K, the user's own last."""
    order = list(VARIANTS)
    if cells := cells_an_iteration(variant):
        return order.index("dynamic"), cells
    return (order.index(variant), 0) if variant in order else (len(order), 0)


def compared_pairs(run: Run) -> list[tuple[str, str]]:
    """Return the measured ones of `PAIRS`, and each variant of the user's own beside static and dynamic."""
    own = [variant for variant in run.variants if ":" in variant]
    return measured_pairs(run, [*PAIRS, *product(own, ("static", "dynamic"))])


def measured_pairs(run: Run, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those pairs of which the run measured both variants."""
    variants = set(measured_variants(run, TURNS))
    return [pair for pair in pairs if variants.issuperset(pair)]


def missing(measured: Measurement | None) -> str:
    """Return why there is nothing to show of a measurement; empty if there is something."""
    if measured is None:
        return NOT_MEASURED
    return "" if math.isfinite(measured.median) else "not available"


def broke_off(measured: Measurement) -> bool:
    """Return whether a case was stopped or failed, be it after some rounds."""
    return measured.note.startswith((FAILED, STOPPED))


def lack(measured: Measurement | None) -> str:
    """Return one word for why there are no samples; empty if there are some."""
    if measured and not measured.samples and broke_off(measured):
        return measured.note.partition(":")[0]
    return missing(measured)


def pair_ratio(run: Run, turn: Column, over: str, under: str) -> Ratio | str:
    """Return the ratio of two variants that took turns, or say why there is none."""
    ratio = run.ratio(turn.quantity, turn.phase, case_of(over, run.sizes), case_of(under, run.sizes))
    if ratio and 0 < ratio.value < math.inf:
        return ratio
    return _why_none(turn.find(run, variant) for variant in (over, under))


def pair_break_even(run: Run, late: str, early: str) -> tuple[str, str, BreakEven | str]:
    """Return who starts later, beside whom, and after how many training steps it has paid, or why that is not known.

    The two change places if it is the other that starts later.
    """
    paid = run.break_even("train", case_of(late, run.sizes), case_of(early, run.sizes))
    if paid and paid.steps == 0:
        swapped = run.break_even("train", case_of(early, run.sizes), case_of(late, run.sizes))
        if swapped and swapped.steps > 0:
            return early, late, swapped
    if paid is None:
        quantities = [column for column in TURNS if column.phase == "train"]
        return late, early, _why_none(column.find(run, variant) for column in quantities for variant in (late, early))
    return late, early, paid


def significant(number: float) -> str:
    """Write a number with three significant digits, and whole numbers from 1000 up in full.

    >>> significant(0.12345), significant(12.345), significant(1234.5)
    ('0.123', '12.3', '1234')
    """
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def factor(number: float) -> str:
    """Write a ratio with two decimals, but with no fewer than two significant digits and no more than needed.

    >>> factor(0.0597), factor(0.9), factor(0.996), factor(56.98), factor(1234.5)
    ('0.060', '0.90', '1.00', '57.0', '1234')
    """
    if number < 0.1:
        return f"{number:#.2g}"
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"


def interval(ratio: Ratio, between: str) -> str:
    """Write the ends of a ratio's interval with a word between them, or that there is none."""
    return why_no_interval(ratio) or f"{factor(ratio.low)}{between}{factor(ratio.high)}"


def counted(number: int, word: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "step"), counted(28, "step")
    ('1 step', '28 steps')
    """
    return f"{number} {word}{'s' * (number != 1)}"


def why_no_interval(ratio: Ratio) -> str:
    """Return why a ratio has no interval; empty if it has one."""
    if not math.isnan(ratio.low):
        return ""
    return "one round" if ratio.rounds == 1 else "one process"


def _why_none(measurements: Iterable[Measurement | None]) -> str:
    """Return why measurements cannot be compared."""
    reasons = set(map(missing, measurements))
    return next((reason for reason in (NOT_MEASURED, "not available") if reason in reasons), "took no turns")


def _best_of_ours(run: Run, turn: Column) -> str:
    """Return our variant with the smallest median; empty if none was measured."""
    medians = _medians(run, turn, OURS)
    return min(medians, key=medians.__getitem__, default="")


def _medians(run: Run, column: Column, variants: Iterable[str]) -> dict[str, float]:
    """Return the median of each variant that has one."""
    costs = {variant: column.find(run, variant) for variant in variants}
    return {variant: measured.median for variant, measured in costs.items() if measured and not missing(measured)}


def _count_modes(run: Run, variant: str) -> int:
    return len({column.mode for column in BY_MODE if column.find(run, variant)})


def _variants_table(run: Run, columns: Sequence[Column], variants: Sequence[str] | None = None) -> Table:
    """Format those columns that were measured, one row a variant, of all variants or some."""
    columns = measured_columns(run, columns)
    rows = [
        [name_on(run, variant), *(_cell(column.find(run, variant), column.scale) for column in columns)]
        for variant in measured_variants(run, columns)
        if variants is None or variant in variants
    ]
    return Table(["variant", *(column.title for column in columns)], rows)


def _cell(measured: Measurement | None, scale: float) -> str:
    if measured is None or missing(measured):
        return missing(measured)
    if len(measured.samples) == 1:
        return significant(measured.median / scale)
    low, high = measured.quartiles
    return f"{significant(measured.median / scale)} [{significant(low / scale)}, {significant(high / scale)}]"


def _serves(saved: Measurement | None) -> str:
    """Return the text that names the T for which a SavedModel serves."""
    return missing(saved) or (saved.note if saved and saved.note else "unknown")


def ratio_cell(ratio: Ratio | str) -> Cell:
    """Write a ratio with its interval: bold if faster or slower, italic if the same within 5%; or why there is none."""
    if isinstance(ratio, str):
        return Cell(ratio)
    text = f"{factor(ratio.value)} {interval_text(ratio)}"
    if not ratio.has_verdict:
        return Cell(text if math.isnan(ratio.low) else f"{text} ({ratio.rounds} rounds)")
    return Cell(text, "strong" if ratio.decided else "em" if ratio.verdict == SAME else "")


def with_chance(table: Table, cells: Iterable[Ratio | str]) -> Table:
    """Add to a table of ratios how to read it, and how many of its bold ones chance alone would give."""
    ratios = [cell for cell in cells if isinstance(cell, Ratio)]
    judged = [ratio for ratio in ratios if ratio.has_verdict]
    one_process = any(ratio.processes == 1 < ratio.rounds for ratio in ratios)
    bold = sum(ratio.decided for ratio in judged)
    legend = f"Bold is {FASTER} (below 1) or {SLOWER}, italic {SAME}; the rest is {CLOSE}, or of too few rounds."
    count = f"{len(judged)} of these comparisons have a verdict, {bold} of them bold; were nothing faster or slower, "
    chance = f"chance alone would still make about {CHANCE * len(judged):.1f} of them bold."
    if not judged:
        return table.with_note(f"{legend} {NO_VERDICT}{ONE_PROCESS if one_process else ''}")
    shares = [ratio.share for ratio in judged if not math.isnan(ratio.share)]
    between = f" Of their variance, a median of {100 * median(shares):.0f}% lies between processes." if shares else ""
    return table.with_note(f"{legend} {count}{chance}{between}")


def interval_text(ratio: Ratio) -> str:
    """Write a ratio's interval in brackets, or why there is none in parentheses."""
    return f"({why_no_interval(ratio)})" if math.isnan(ratio.low) else f"[{interval(ratio, ', ')}]"


def _break_even_row(run: Run, late: str, early: str) -> list[str]:
    late, early, paid = pair_break_even(run, late, early)
    if isinstance(paid, str):
        return [name_on(run, late), name_on(run, early), paid, ""]
    return [name_on(run, late), name_on(run, early), steps_text(paid.steps), steps_interval(paid)]


def steps_interval(paid: BreakEven) -> str:
    """Write the interval of a break-even, or that there is none."""
    if math.isnan(paid.low):
        return "one process"
    low, high = steps_text(paid.low), steps_text(paid.high)
    return low if low == high else f"from {low} up to {high}"


def steps_text(steps: float) -> str:
    """Write after how many whole steps, three digits of them.

    >>> steps_text(0), steps_text(2.1), steps_text(12345.6), steps_text(math.inf)
    ('at once', '3', '12300', 'never')
    """
    if math.isinf(steps):
        return "never"
    return f"{float(f'{math.ceil(round(steps, 4)):.3g}'):.0f}" if steps > 0 else "at once"


def _flags(flags: dict | None) -> str:
    if flags is None:
        return "unknown"
    return ", ".join(f"{name}={value}" for name, value in flags.items()) or "none"


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items) or "unknown"


def plain(value: object, limit: int = 60) -> str:
    """Make text from results harmless: one line, not too long, of letters that the font has."""
    line = " ".join(str(value).split()).encode("latin-1", "replace").decode("latin-1")
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
