"""How long does a question rest? In proportion to what it usually takes, whatever it once waited for."""

import time
from datetime import timedelta

import pytest

from main.domain.scope import Scope
from main.monitoring.question import REST_FACTOR, Question
from main.monitoring.read import Read


async def _nothing(source: object, scope: Scope) -> None:
    return None


@pytest.fixture
def question() -> Question:
    return Question(Read("nothing", "Nothing", _nothing, frozenset(), "", timedelta(seconds=5)), Scope(("A",)), None)


def rest_after(question: Question, *took: float) -> float:
    for seconds in took:
        question.rest(time.monotonic() - seconds)
    return question.not_before - time.monotonic()


def test_a_question_that_is_always_slow_rests_three_times_as_long_as_it_takes(question: Question) -> None:
    assert rest_after(question, 2.0, 2.0) == pytest.approx(2.0 * REST_FACTOR, abs=0.1)


def test_a_quick_question_that_once_waited_for_a_lock_is_asked_again_at_once(question: Question) -> None:
    assert rest_after(question, 0.001, 4.0) < 0.1


def test_a_question_that_waited_for_a_lock_the_first_time_is_asked_again_at_once(question: Question) -> None:
    assert rest_after(question, 4.0) < 0.1


def test_a_question_that_has_become_slow_rests_from_the_second_time_on(question: Question) -> None:
    assert rest_after(question, 0.001, 2.0, 2.0) == pytest.approx(2.0 * REST_FACTOR, abs=0.1)
