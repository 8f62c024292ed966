"""The quality of predictions, against pandas and by its limits."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics import model_quality

values = st.floats(-100, 100).map(lambda value: round(value, 3))
pairs = st.lists(st.tuples(values, values), min_size=3, max_size=60)


@given(pairs)
def test_the_information_coefficient_is_the_rank_correlation_of_pandas(rows):
    predicted, actual = [row[0] for row in rows], [row[1] for row in rows]
    expected = pd.DataFrame({"p": predicted, "a": actual}).corr(method="spearman").loc["p", "a"]
    got = model_quality.information_coefficient(predicted, actual)
    if math.isnan(expected):
        assert got is None
    else:
        assert got == pytest.approx(expected, abs=1e-9)


def test_two_pairs_have_no_rank_correlation():
    assert model_quality.information_coefficient([1.0, 2.0], [1.0, 2.0]) is None


def test_accuracy_counts_signs_that_came_true_and_leaves_zeros_out():
    assert model_quality.accuracy([1.0, -1.0, 1.0, 0.0, 2.0], [0.5, -0.1, -0.2, 1.0, 0.0]) == pytest.approx(2 / 3)
    assert model_quality.accuracy([0.0], [1.0]) is None


def test_the_mean_absolute_error_is_in_the_unit_of_the_prediction():
    assert model_quality.mean_absolute_error([0.02, -0.01], [0.01, 0.01]) == pytest.approx(0.015)
    assert model_quality.mean_absolute_error([], []) is None


@given(pairs)
def test_following_the_outcome_itself_never_loses(rows):
    outcomes = [row[1] for row in rows]
    sharpe = model_quality.following_sharpe(outcomes, outcomes, 252)
    assert sharpe is None or sharpe > 0


@given(pairs)
def test_following_sharpe_is_that_of_the_signed_outcomes(rows):
    predicted, actual = [row[0] for row in rows], [row[1] for row in rows]
    gains = pd.Series([(1 if p > 0 else -1 if p < 0 else 0) * a for p, a in rows])
    got = model_quality.following_sharpe(predicted, actual, 252)
    if gains.std() > 1e-9:  # of equal values pandas leaves rounding behind
        assert got == pytest.approx(gains.mean() / gains.std() * math.sqrt(252), rel=1e-6, abs=1e-9)
    else:
        assert got is None


@given(st.lists(values, min_size=10, max_size=200))
def test_the_same_population_has_not_drifted(population):
    assert model_quality.population_stability(population, population) == pytest.approx(0)


@given(st.lists(values, min_size=10, max_size=200), st.lists(values, min_size=10, max_size=200))
def test_drift_is_never_negative(reference, recent):
    drift = model_quality.population_stability(reference, recent)
    assert drift is not None
    assert drift >= 0


def test_a_population_that_moved_away_shows_as_a_shift():
    reference = [float(value) for value in range(100)]
    assert model_quality.population_stability(reference, [value + 50 for value in reference]) > 0.25
    assert model_quality.population_stability(reference, reference[:5]) is None
