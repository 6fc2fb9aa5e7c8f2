"""Another Python interpreter, in which PyTorch and JAX are measured where TensorFlow's own has none of them."""

import json
import subprocess
import sys
from functools import cache

from unroll.errors import UnrollError, how_to_install
from unroll.measure.variants import PEER_PACKAGES

TIMEOUT_S = 60
NEEDED = ("numpy", "scipy", "psutil")  # by what measures there
ASKED = (*PEER_PACKAGES, "jaxlib", *NEEDED)
TELL = """
import importlib.metadata, json
installed = {distribution.name for distribution in importlib.metadata.distributions()}
print(json.dumps({name: importlib.metadata.version(name) for name in %r if name in installed}))
"""


@cache
def package_versions(python: str) -> dict[str, str]:
    """Return the versions of PyTorch's and JAX's packages that an interpreter has.

    Raises:
        UnrollError: the interpreter does not run, or lacks what measuring needs.
    """
    if sys.platform == "win32":
        raise UnrollError(
            f"got --peers-python {python} on Windows, which hands no open pipe to another interpreter; "
            f"want PyTorch and JAX beside TensorFlow: {how_to_install('peers')}"
        )
    wanted = "want the path of a Python that has PyTorch or JAX, and " + ", ".join(NEEDED)
    try:
        told = subprocess.run(
            [python, "-c", TELL % (ASKED,)], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        ).stdout
        versions = json.loads(told)
    except (OSError, subprocess.SubprocessError, ValueError):
        raise UnrollError(f"got --peers-python {python}, which does not run; {wanted}") from None
    if lacking := [name for name in NEEDED if name not in versions]:
        raise UnrollError(f"got --peers-python {python}, which has no {', '.join(lacking)}; {wanted}")
    return {name: version for name, version in versions.items() if name not in NEEDED}
