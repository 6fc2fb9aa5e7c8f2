"""Files and variables of any content: each reader takes them, or refuses them in one clean line that names them."""

import json
import random
import warnings
from copy import deepcopy
from dataclasses import asdict

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from unroll.errors import UnrollError, printable
from unroll.measure.config import Sizes
from unroll.measure.journal import Journal, Record, read_journal
from unroll.models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from unroll.models.cluster import EXAMPLE, Cluster
from unroll.models.data import load
from unroll.models.history import FILE_NAME, Evaluation, History, Point, Reading, Served, read_trainings
from unroll.models.settings import choose_settings
from unroll.report.writing import TABLES

SETTINGS = choose_settings(data="digits", examples=1437)
ENVIRONMENT = {"processor": "a processor", "cores": 2, "warnings": ["noisy"], "versions": {"tensorflow": "2.21.0"}}
LONG = 10**6
VALUES = [None, True, -1, 0, 2**70, 1.5, float("nan"), float("inf"), "", "\x1b[31m", "\ud800", "\u202e", "x" * 999]
VALUES += [[], [[]], {}, {"a": {}}, json.loads("[" * 200 + "]" * 200)]


def places(value):
    """Yield what holds each part of a JSON value, and where it holds it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def spoil_value(value, chance):
    """Replace, remove, add or double a part of a JSON value."""
    value = deepcopy(value)
    where = list(places(value))
    if not where:
        return chance.choice(VALUES)
    holder, key = chance.choice(where)
    match chance.randrange(4):
        case 0:
            holder[key] = deepcopy(chance.choice(VALUES))
        case 1:
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[chance.choice(["new", "schema", "\x1b[2J"])] = deepcopy(chance.choice(VALUES))
        case _:
            holder[key] = [holder[key]]
    return value


def spoil_bytes(content, chance):
    """Flip, cut out, double or overwrite bytes."""
    content = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8])):
        at = chance.randrange(len(content) + 1)
        length = chance.choice([1, 4, 100, len(content)])
        match chance.randrange(4):
            case 0:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = content[at : at + length]
            case 3:
                content[at : at + length] = chance.randbytes(min(length, 100))
    return bytes(content)


def spoil_lines(content, chance):
    """Spoil a value of one line, put a line twice or in another order, or spoil the bytes."""
    if chance.random() < 0.2:
        return spoil_bytes(content, chance)
    lines = [json.loads(line) for line in content.splitlines()]
    at = chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            lines.append(lines[at])
        case 1:
            lines.insert(0, lines.pop(at))
        case _:
            lines[at] = spoil_value(lines[at], chance)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def assert_taken_or_refused(read, names):
    """Read: it comes back, or raises one clean line with one of these names in it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            read()
    except UnrollError as error:
        message = str(error)
        assert any(name in message for name in names), message
        assert printable(message) == message and "\n" not in message, message
        assert len(message) <= 1010, message


def write_history(folder):
    history = History(folder, ENVIRONMENT, SETTINGS.as_dict())
    history.append(Point(1, 2.5, 0.1, 0.5), Point(10, 1.25, None, 1.0), Evaluation(10, 1.5, 0.5, 1.0, 1000.0))
    history.append_readings(Reading("static", 3, [[0.0, 1.0]], [[0.5]], [[1.5]], [[0.2, 0.8]], 1e-7))
    history.append_served(Served("static", 14, None, "it has 28 cells"))
    return folder / FILE_NAME


def write_checkpoint(folder):
    arrays = {"kernel": np.ones([2, 3], np.float32)}
    return save_checkpoint(folder / "saved", Checkpoint(SETTINGS, "id", 1, 2, 0.5, arrays, [np.zeros(3)]))


def write_idx(folder):
    for name, count in (("train", 3), ("t10k", 2)):
        head = b"\0\0\x08\x03" + bytes([0, 0, 0, count]) + bytes([0, 0, 0, 28] * 2)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + bytes(784 * count))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + bytes([0, 0, 0, count]) + bytes(count))
    return folder / "train-images-idx3-ubyte"


def write_npz(folder):
    few = np.zeros([2, 28, 28], np.uint8), np.zeros(2, np.uint8)
    np.savez(folder / "mine.npz", x_train=few[0], y_train=few[1], x_test=few[0], y_test=few[1])
    return folder / "mine.npz"


def write_journal(folder):
    settings = {"preset": "tiny", "sizes": asdict(Sizes()), "data": "digits", "rounds": 2, "device": "cpu"}
    journal = Journal(folder, ENVIRONMENT, settings)
    for variant, seconds in (("static", 0.5), ("dynamic", 0.25), ("mine:encoder", 1.0)):
        for quantity in ("build", "first_call", "step"):
            rounds = [
                Record(quantity, "train", variant, "graph", Sizes(), "s", [seconds * round], round, "a process")
                for round in (1, 2)
            ]
            journal.append(*rounds)
        journal.append(Record("nodes", "train", variant, "graph", Sizes(), "nodes", [100]))
        journal.append(Record("tensors", "train", variant, "graph", Sizes(), "bytes", [], note="failed: no eyes"))
    journal.append_outline("static", 28, {"main": [["x", "Placeholder", []], ["y", "MatMul", ["x", "x"]]]})
    return journal.path


def read_and_set_out(path):
    run = read_journal(path.parent)[-1]
    for make_table in TABLES.values():
        assert_plain(make_table(run))


def assert_plain(text):
    assert printable(text) == text, text


READERS = {
    "journal": (write_journal, spoil_lines, read_and_set_out),
    "history": (write_history, spoil_lines, lambda path: read_trainings(path.parent)),
    "checkpoint": (write_checkpoint, spoil_bytes, read_checkpoint),
    "idx": (write_idx, spoil_bytes, lambda path: load(path.parent)),
    "npz": (write_npz, spoil_bytes, load),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_any_content_is_read_or_refused_by_name(tmp_path, name):
    write, spoil, read = READERS[name]
    path = write(tmp_path)
    content = path.read_bytes()
    read(path)

    @hypothesis.settings(max_examples=300, database=None)
    @hypothesis.given(st.integers(0, LONG))
    def try_one(seed):
        path.write_bytes(spoil(content, random.Random(seed)))
        assert_taken_or_refused(lambda: read(path), [str(path), str(path.parent)])

    try_one()


@hypothesis.settings(max_examples=300, database=None)
@hypothesis.given(st.integers(0, LONG))
def test_a_tf_config_of_any_content_is_read_or_refused_by_name(seed):
    chance = random.Random(seed)
    text = json.dumps(spoil_value(json.loads(EXAMPLE), chance))
    if chance.random() < 0.2:
        text = spoil_bytes(text.encode(), chance).decode(errors="surrogateescape")
    assert_taken_or_refused(lambda: Cluster.parse(text), ["TF_CONFIG"])
