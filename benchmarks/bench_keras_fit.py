"""What does the Keras layer cost in `fit`: from `compile` to the first step, the first epoch, later ones, memory?"""

import pytest


@pytest.mark.asks("fit_start", of="cases_for_fit", phases=["train"])
def test_start_of_fit(answer):
    answer("fit, from compile to the end of the first step")


@pytest.mark.asks("fit_first", of="cases_for_fit", phases=["train"])
def test_first_epoch(answer):
    answer("fit, from compile to the end of the first epoch")


@pytest.mark.asks("fit_epoch", of="cases_for_fit", phases=["train"])
def test_later_epoch(answer):
    answer("fit, a later epoch")


@pytest.mark.asks("fit_process", of="cases_for_fit", phases=["train"])
def test_memory_of_fit(answer):
    answer("measure memory in fit")
