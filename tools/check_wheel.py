"""Checks the wheel where no checkout is: builds it, installs it into a new environment, and runs every command.

    python tools/check_wheel.py [FOLDER]    # a minute or two to install, and some more to run

It needs a network, or pip's cache, and ends with a status other than 0 at the first command that fails.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
TEXT_COMMANDS = [  # with what the wheel installs by itself
    ["--version"],
    ["--help"],
    ["doctor"],
    ["claims"],
    ["advise", "--steps", "100", "--batch", "32", "--hidden", "64", "--updates", "5000"],
    ["compare", "results/gpu-first", "results/gpu"],
    ["compare", "results/reference", "results/intel"],
]
MEASURING_COMMANDS = [  # with the extra `bench`
    ["bench", "--preset", "tiny", "--results=mine"],
    ["report", "mine"],
    ["fill", "page.md", "mine"],
    ["claims", "mine"],
    ["compare", "mine", "mine"],
    ["train", "--updates", "20", "--hidden", "8"],
]
MISSING = [["bench", "--preset", "tiny"], ["train", "--updates", "20"]]  # what the extra is missing for
USERS_FILE = """import numpy as np
import unroll
from unroll import LSTMCell, dynamic_unroll, init_weights, static_unroll

cell: LSTMCell = LSTMCell(init_weights(28, 8, seed=0))
rows = np.zeros([4, 5, 28], np.float32)
outputs, state = static_unroll(cell, rows, cell.zero_state(5))
same, same_state = dynamic_unroll(cell, rows, cell.zero_state(5))
version: str = unroll.__version__
print(outputs.shape, bool(np.allclose(outputs, same, atol=1e-5)), version)
"""


def main(folder: Path) -> None:
    """Check the wheel in a folder, which is empty."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def run(*command: str | Path, fails: str = "") -> str:
        began = time.monotonic()
        done = subprocess.run(
            [*map(str, command)], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        output = done.stdout + done.stderr
        print(
            f"{time.monotonic() - began:6.1f} s  status {done.returncode}  {' '.join(map(str, command[1:]))}",
            flush=True,
        )
        if (done.returncode != 2 or fails not in output) if fails else done.returncode:
            sys.exit(f"got this, want {fails or 'status 0'}:\n{output}")
        if "Traceback" in output or re.search(r"make (bench|test|readme|docs)", output):
            sys.exit(f"got a traceback, or a word of make:\n{output}")
        return output

    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    python, unroll = scripts / "python", scripts / "unroll"

    def install(*wanted: str) -> None:
        run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", CONSTRAINTS, *wanted)

    install(str(wheel))
    (folder / "users.py").write_text(USERS_FILE, encoding="utf-8")
    (folder / "page.md").write_text("<!-- unroll: ratios -->\n<!-- /unroll -->\n", encoding="utf-8")
    print(run(python, "users.py").splitlines()[-1])
    for command in TEXT_COMMANDS:
        run(unroll, *command)
    for command in MISSING:
        run(unroll, *command, fails='pip install "unroll-lstm[bench]"')
    install(f"{wheel}[bench]")
    for command in MEASURING_COMMANDS:
        run(unroll, *command)
    install("mypy", "pyright[nodejs]")
    run(python, "-m", "mypy", "users.py")
    run(python, "-m", "pyright", "--pythonpath", python, "users.py")
    print("the wheel does what the checkout does")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(prefix="unroll-wheel-") as temporary:
            main(Path(temporary))
