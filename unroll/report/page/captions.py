"""What each figure is called on the page, and in words what is to be seen in it, its numbers from the run."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from unroll.measure.config import Case
from unroll.measure.journal import Measurement, Run
from unroll.measure.statistics import Ratio
from unroll.measure.variants import cells_an_iteration, label
from unroll.report.growth import BUILD, EXPORT, FIRST_CALL, PROCESS, STEP_TRAIN
from unroll.report.page.answer import PAIR, amount, ratio_text, ratios_of_pair
from unroll.report.tables import (
    BREAK_EVEN_PAIRS,
    BY_MODE,
    FIT_EPOCH,
    FIT_START,
    Column,
    in_fit,
    measured_pairs,
    measured_variants,
    pair_break_even,
    steps_interval,
    steps_text,
)


class Caption(NamedTuple):
    """A figure's name for people, and what to say of it to those who do not see it."""

    title: str
    describe: Callable[[Run], str]

    def alt(self, run: Run) -> str:
        """Return what the figure shows."""
        return f"{self.title}. {self.describe(run)}".strip()


def caption(name: str) -> Caption:
    """Return the caption of a figure; one that has none yet is called by its name."""
    return CAPTIONS.get(name) or Caption(name.replace("-", " ").capitalize(), lambda run: "Drawn from this run.")


def _costs(run: Run) -> str:
    return f"Bars, one a variant, shorter is better. {_beside([BUILD, FIRST_CALL, STEP_TRAIN, PROCESS, EXPORT], run)}"


def _ratios(run: Run) -> str:
    found = {turn: ratio for turn, ratio in ratios_of_pair(run).items() if isinstance(ratio, Ratio)}
    said = ", ".join(f"{turn.heading} {ratio_text(ratio)}" for turn, ratio in found.items())
    return f"Dots with their 95% intervals, one row a pair of variants. Static / dynamic: {said or 'not measured'}."


def _graphs(run: Run) -> str:
    counts = {variant: sum(map(len, run.outlines.get(variant, {}).values())) for variant in PAIR}
    said = [f"{variant} has {count} nodes" if count else f"{variant} was not kept" for variant, count in counts.items()]
    return f"Side by side stand the cells of the static graph; the dynamic one has one, in a loop. {_sentence(said)}"


def _growth(run: Run) -> str:
    swept = [(cost, _swept(run, cost, "T", "steps")) for cost in (BUILD, FIRST_CALL, STEP_TRAIN, PROCESS)]
    return "Lines on logarithmic axes, one a variant. " + " ".join(f"{cost.heading}: {said}." for cost, said in swept)


def _swept(run: Run, cost: Column, letter: str, size: str) -> str:
    said = [
        f"{variant} {_from_to(run.sweep(size, cost.quantity, cost.phase, variant), cost, letter)}" for variant in PAIR
    ]
    return ", ".join(said)


def _from_to(measured: dict[int, Measurement], cost: Column, letter: str) -> str:
    """Return what a cost is at both ends of what was measured."""
    known = {size: found for size, found in measured.items() if found.samples}
    if len(known) < 2:
        return "not measured"
    ends = [f"{amount(known[size], cost)} at {letter} = {size}" for size in (min(known), max(known))]
    return f"from {' to '.join(ends)}"


def _grid(run: Run) -> str:
    others = [sizes for sizes in run.all_sizes if (sizes.steps, sizes.valid) == (run.sizes.steps, run.sizes.valid)]
    cases = {sizes: [Case(variant, "graph", sizes) for variant in PAIR] for sizes in others}
    ratios = {sizes: ratio for sizes in others if (ratio := run.ratio("step", "train", *cases[sizes]))}
    if len(ratios) < 2:
        return "Not measured."
    ends = [pick(ratios, key=lambda sizes: ratios[sizes].value) for pick in (min, max)]
    said = [f"{ratio_text(ratios[sizes])} at B = {sizes.batch}, H = {sizes.hidden}" for sizes in ends]
    return (
        f"Cells coloured by ratio, one for each batch and width. Training step, static / dynamic: {' to '.join(said)}."
    )


def _unrolls(run: Run) -> str:
    names = {1: "dynamic"} | {cells: variant for variant in run.variants if (cells := cells_an_iteration(variant))}
    said = []
    for cost in (BUILD, STEP_TRAIN):
        found = {k: measured for k, name in sorted(names.items()) if (measured := cost.find(run, name))}
        said.append(f"{cost.heading}: {_from_to(found, cost, 'k')}.")
    return f"Dots on a line, from one cell an iteration to all of them, and static beside. {' '.join(said)}"


def _break_even(run: Run) -> str:
    said = []
    for pair in measured_pairs(run, BREAK_EVEN_PAIRS):
        late, early, found = pair_break_even(run, *pair)
        paid = found if isinstance(found, str) else f"{steps_text(found.steps)} ({steps_interval(found)})"
        said.append(f"{label(late)} beside {label(early)}: {paid}")
    return (
        f"Time spent in all against training steps taken; lines cross where a later start has paid. {_sentence(said)}"
    )


def _xla(run: Run) -> str:
    compiled = [column for column in BY_MODE if column.mode in ("graph", "xla")]
    return f"What compiling costs, and what a step then takes. {_beside(compiled, run)}"


def _fit(run: Run) -> str:
    fitted, said = in_fit(run), []
    for variant in measured_variants(fitted, (FIT_START, FIT_EPOCH)):
        start, epoch = (cost.find(fitted, variant) for cost in (FIT_START, FIT_EPOCH))
        if start and epoch and start.samples and epoch.samples:
            said.append(f"{label(variant)} {amount(start, FIT_START)} and {amount(epoch, FIT_EPOCH)}")
    return f"Bars, one a layer. To the end of the first step, and a later epoch: {_sentence(said) or 'not measured.'}"


def _learning(run: Run) -> str:
    return "Loss against updates: where both unrolls learn the same, one line lies upon the other."


def _reading(run: Run) -> str:
    return "What the network names, and what it holds in h and c, after every row of one digit, static beside dynamic."


def _growing(run: Run) -> str:
    return "As T grows, the static graph gains cell after cell; the dynamic one keeps its one cell and its loop."


def _trick(run: Run) -> str:
    return (
        "Stage by stage, [2, 4, 3] is transposed to [4, 2, 3], reshaped to [8, 3] and split into 4 steps of [2, 3], "
        "each with one row of both images. Without the transpose the shapes are the same, and a step holds two rows of "
        "one image."
    )


def _beside(costs: Iterable[Column], run: Run) -> str:
    """Return what each cost is for both of the pair, of those that both have."""
    found = {cost: [cost.find(run, variant) for variant in PAIR] for cost in costs}
    known = {cost: [one for one in both if one and one.samples] for cost, both in found.items()}
    said = [
        f"{cost.heading}: static {amount(both[0], cost)}, dynamic {amount(both[1], cost)}"
        for cost, both in known.items()
        if len(both) == len(PAIR)
    ]
    return _sentence(said)


def _sentence(parts: list[str]) -> str:
    return f"{'; '.join(parts)}." if parts else ""


CAPTIONS = {
    "costs": Caption("What each way of unrolling costs", _costs),
    "ratios": Caption("By what factor two ways differ", _ratios),
    "graphs": Caption("The two graphs, node by node", _graphs),
    "graphs-growing": Caption("The two graphs as T grows", _growing),
    "growth": Caption("How costs grow with T", _growth),
    "break-even": Caption("When a later start has paid", _break_even),
    "grid": Caption("The ratio at each batch and width", _grid),
    "unroll": Caption("Between the two: k cells an iteration", _unrolls),
    "fit": Caption("What a Keras layer costs in fit", _fit),
    "xla": Caption("Compiled by XLA", _xla),
    "learning": Caption("Learning, static beside dynamic", _learning),
    "reading": Caption("A digit, read row by row", _reading),
    "trick": Caption("The shape trick, all at once", _trick),
}
TABLE_TITLES = {
    "ratios": "Ratios of times",
    "break-even": "When a later start has paid",
    "best": "The quickest of ours beside each peer",
    "times": "Times",
    "sizes": "Graphs and memory",
    "export": "Export",
    "modes": "Graph, XLA and eager",
    "fit": "What a Keras layer costs in fit",
    "machine": "What the machine can do",
    "roofline": "How near each step comes to that",
    "kernels": "What a step asks of the GPU",
    "growth": "Exponents of growth with T",
    "grid": "Ratios at each batch and width",
    "replicas": "Training on several devices",
    "stopped": "Stopped or failed",
}


def table_title(name: str) -> str:
    """Return what a table is called on the page."""
    return TABLE_TITLES.get(name, name.replace("-", " ").capitalize())
