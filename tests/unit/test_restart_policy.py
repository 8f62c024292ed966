"""Restarts come quickly at first, slower later, and not for ever."""

from main.monitoring.dashboards.v2.restart_policy import RestartPolicy


def test_pauses_double_and_the_fifth_end_within_a_minute_gives_up() -> None:
    policy = RestartPolicy(draw=lambda: 1.0)
    assert [policy.pause_after_end(second) for second in (0, 1, 3, 6, 10)] == [0.5, 1.0, 2.0, 4.0, None]


def test_ends_far_apart_are_each_a_first_one() -> None:
    policy = RestartPolicy(draw=lambda: 1.0)
    assert [policy.pause_after_end(minute * 61.0) for minute in range(20)] == [0.5] * 20


def test_the_fifth_start_in_a_row_that_was_waited_for_in_vain_gives_up_however_long_each_took() -> None:
    policy = RestartPolicy(draw=lambda: 1.0)
    ends = [False] * 4 + [True] + [False] * 5
    pauses = [policy.pause_after_end(minute * 61.0, answered=answered) for minute, answered in enumerate(ends)]
    assert pauses == [0.5] * 9 + [None]
    policy.forget()
    assert policy.pause_after_end(9999, answered=False) == 0.5


def test_jitter_takes_up_to_half_of_the_pause() -> None:
    assert RestartPolicy(draw=lambda: 0.0).pause_after_end(0) == 0.25


def test_a_restart_asked_for_starts_the_count_anew() -> None:
    policy = RestartPolicy(draw=lambda: 1.0)
    for second in range(5):
        policy.pause_after_end(second)
    policy.forget()
    assert policy.pause_after_end(6) == 0.5
