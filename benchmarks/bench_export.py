"""How long does it take to save a SavedModel, to load it and to be served first, and how large is it?"""

import pytest


@pytest.mark.asks("save", "load", "served", "export", of="cases_for_export", phases=["forward"])
def test_export(answer):
    answer("save as a SavedModel")
