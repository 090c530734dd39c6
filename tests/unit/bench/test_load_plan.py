"""The weekend on paper: as many as the plans say, and twice what the laptop can."""

from __future__ import annotations

import pytest

from bench.load_plan import (
    FIRST_HOUR,
    HOURS,
    NUMBERS,
    SUBMITTED,
    between_times,
    percentile,
    rush_times,
    shares,
    weekend,
)


def test_every_submission_has_its_hour() -> None:
    hours = shares()
    assert len(hours) == HOURS
    assert sum(hours) == pytest.approx(1)
    assert hours[0] == FIRST_HOUR == max(hours)


def test_few_apply_at_night() -> None:
    hours = shares()  # the window opens at 09:00, so hour 18 is three in the morning
    assert hours[18] < hours[5] / 5


def test_a_rush_lasts_a_minute_at_twice_the_capacity() -> None:
    played = weekend(capacity=4.0)
    assert (played.rate, played.rush) == (8.0, 480)
    assert played.rush_seconds == pytest.approx(60)


def test_two_in_three_numbers_are_never_submitted() -> None:
    for scale in (None, 1.0, 20.0, 500.0):
        played = weekend(4.0, scale)
        never = 1 - played.submitted / played.numbers
        assert never == pytest.approx(1 - SUBMITTED / NUMBERS, abs=0.02)


def test_at_scale_one_the_whole_weekend_is_played() -> None:
    played = weekend(4.0, 1.0)
    assert (played.numbers, played.submitted) == (NUMBERS, SUBMITTED)


def test_a_rush_comes_at_its_rate_and_the_same_for_the_same_seed() -> None:
    times = rush_times(2000, 10.0, seed=1)
    assert times == rush_times(2000, 10.0, seed=1) == sorted(times)
    assert times[-1] == pytest.approx(200, rel=0.1)
    assert times != rush_times(2000, 10.0, seed=2)


def test_the_hours_between_pass_in_their_time() -> None:
    times = between_times(500, 30.0, seed=1)
    assert len(times) == 500
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 30


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, rank) for rank in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
