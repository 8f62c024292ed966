"""Mistakes in the parameters of a read are told in our words, whoever checks them."""

import re

import pytest

from main.errors import ConfigurationError
from main.monitoring.api.pages import page_of
from main.monitoring.api.question import question
from main.monitoring.parameters import own_parameters
from main.monitoring.read import read_named, reads

WRONG = [(read.name, parameter.name) for read in reads().values() for parameter in own_parameters(read)]


def told(read: str, **given: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        question(read_named(read), given)
    return str(caught.value)


def test_no_parameter_of_any_read_answers_in_the_validators_words() -> None:
    refused = 0
    for read, name in WRONG:
        try:
            question(read_named(read), {name: "no-such-thing"})
        except ConfigurationError as error:
            refused += 1
            for problem in error.problems:
                assert not re.search(r"[Ii]nput|valid|parse", problem.expected), f"{read}: {problem}"
    assert refused > 40


def test_a_choice_lists_what_there_is_and_guesses_what_was_meant() -> None:
    assert "expected one of exit_time, entry_time, symbol" in told("trades", sort="nonsense")
    assert 'did you mean "exit_time"?' in told("trades", sort="exit_tme")


def test_numbers_and_times_say_what_they_are() -> None:
    assert 'limit: got "abc", expected a whole number' in told("alerts", limit="abc")
    assert 'risk_free: got "much", expected a number' in told("performance", risk_free="much")
    assert "expected an ISO 8601 time with its zone" in told("search", text="a", closed_from="yesterday")


def test_a_composed_page_is_told_so_too() -> None:
    with pytest.raises(
        ConfigurationError, match=r"panels\[0\]\.options: got 5, expected a section of names and values"
    ):
        page_of(b'{"title": "T", "dashboard": "trading", "panels": [{"panel": "equity", "options": 5}]}', "page")
