"""The names at the top level, and what type checkers see of them."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import unroll
import unroll.rnn

USER = """
import numpy as np

import unroll
from unroll.keras import LSTM

cell = unroll.LSTMCell(unroll.init_weights(3, 2, seed=0))
sequence = np.ones([4, 5, 3], np.float32)
outputs, state = unroll.static_unroll(cell, sequence, cell.zero_state(5))
print(state.hidden)
reveal_type(outputs)
reveal_type(unroll.dynamic_unroll(cell, sequence, state, unroll=2))
layer = LSTM(2, unroll="static")
version: str = unroll.__version__
"""
WRONG = """
from unroll.keras import LSTM

LSTM(2, unroll="statik")
"""


def run(*command, cwd=None):
    return subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False)


def test_importing_unroll_alone_imports_no_tensorflow():
    code = "import sys, unroll; dir(unroll); unroll.__version__; print({'tensorflow', 'numpy'} & {*sys.modules})"
    assert run("-c", code).stdout == "set()\n"


def test_every_name_is_there_and_shown():
    assert {*unroll.rnn.__all__, "rnn", "keras", "__version__"} == {*unroll.__all__} <= {*dir(unroll)}
    for name in unroll.rnn.__all__:
        assert getattr(unroll, name) is getattr(unroll.rnn, name)
    assert unroll.keras.LSTM.__module__ == "unroll.keras.lstm"
    assert unroll.__version__ == version("unroll-lstm")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'unroll' has no attribute 'statik_unroll'"):
        unroll.statik_unroll  # noqa: B018


def test_mypy_and_pyright_see_a_pair_of_a_tensor_and_a_state(tmp_path):
    """In strict mode. mypy finds no types in TensorFlow: a tensor is Any, unless types-tensorflow is installed."""
    house = Path(unroll.__file__).parent.parent
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = True\nmypy_path = {house}\n")
    (tmp_path / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "extraPaths": ["{house}"], "include": ["user.py", "wrong.py"]}}'
    )

    mypy = run("-m", "mypy", "user.py", cwd=tmp_path).stdout
    assert 'Revealed type is "tuple[Any, tuple[Any, Any, fallback=unroll.rnn.cell.LSTMState]]"' in mypy, mypy
    assert "Success: no issues found in 1 source file" in mypy
    assert 'has incompatible type "Literal' in run("-m", "mypy", "wrong.py", cwd=tmp_path).stdout

    pyright = run("-m", "pyright", "--pythonpath", sys.executable, cwd=tmp_path).stdout
    assert 'is "Tensor"' in pyright and 'is "tuple[Tensor, LSTMState]"' in pyright, pyright
    errors = [line for line in pyright.splitlines() if " - error: " in line]
    assert errors and all("wrong.py" in line for line in errors), errors
