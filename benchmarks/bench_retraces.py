"""How often is the network traced when lengths vary? (The time is that of the calls.)"""

import pytest


@pytest.mark.asks("retraces", "retraces_signature", of="cases_for_export", phases=["forward"])
def test_retraces(answer):
    answer("call with four lengths")
