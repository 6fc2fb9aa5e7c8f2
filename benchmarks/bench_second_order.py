"""Is there a second derivative, and is it that of cells side by side?"""

import pytest


@pytest.mark.asks("second_order", of="cases_for_second_order", phases=["forward"])
def test_second_order(answer):
    answer("take the second derivative")
