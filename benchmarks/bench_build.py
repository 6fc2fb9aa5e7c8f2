"""How long does it take to build the graph, forward only and for training?"""

import pytest


@pytest.mark.asks("build", of="cases_for_build")
def test_build(answer, phase):
    answer(f"build the graph, {phase}")
