"""What one key may ask of one process, at the limit and beyond, on a clock that the test turns."""

from __future__ import annotations

import pytest

from service.rates import Rates, TooFast
from service.settings import Settings


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> Rates:
    return Rates(Settings(key_items_per_s=10, key_requests=2), clock)


def test_items_are_taken_until_none_is_left(rates: Rates, clock: Clock) -> None:
    rates.charge("ann", 99)
    rates.charge("ann", 1)
    with pytest.raises(TooFast, match=r"10 items a second.*KEY_ITEMS_PER_S.*again in 3 s") as no:
        rates.charge("ann", 25)
    assert no.value.retry_after_s == 3
    clock.now_s += no.value.retry_after_s
    rates.charge("ann", 25)


def test_who_waits_as_long_as_told_is_let_in(rates: Rates, clock: Clock) -> None:
    rates.charge("ann", 100)
    for items in (1, 7, 30, 64, 100):
        with pytest.raises(TooFast) as no:
            rates.charge("ann", items)
        clock.now_s += no.value.retry_after_s
        rates.charge("ann", items)
        rates.charge("ann", int((no.value.retry_after_s * 10) - items))


def test_a_batch_larger_than_all_that_is_saved_goes_in_and_is_waited_for(
    rates: Rates, clock: Clock
) -> None:
    rates.charge("ann", 1_000)
    with pytest.raises(TooFast) as no:
        rates.charge("ann", 1_000)
    assert no.value.retry_after_s == 100
    clock.now_s += 100
    rates.charge("ann", 1_000)


def test_no_more_is_saved_up_than_a_burst(rates: Rates, clock: Clock) -> None:
    rates.charge("ann", 1)
    clock.now_s += 1e6
    rates.charge("ann", 100)
    with pytest.raises(TooFast):
        rates.charge("ann", 1)


def test_what_is_given_back_does_not_count(rates: Rates) -> None:
    rates.charge("ann", 100)
    rates.give_back("ann", 40)
    rates.charge("ann", 40)
    with pytest.raises(TooFast):
        rates.charge("ann", 1)


def test_a_key_is_no_concern_of_another(rates: Rates) -> None:
    rates.charge("ann", 100)
    rates.charge("bob", 100)
    with rates.request("ann"), rates.request("ann"), rates.request("bob"):
        pass


def test_so_many_requests_at_once_and_no_more(rates: Rates, clock: Clock) -> None:
    with rates.request("ann"):
        clock.now_s += 9.0
    with rates.request("ann"):
        with rates.request("ann"):
            with pytest.raises(TooFast, match="KEY_REQUESTS") as no, rates.request("ann"):
                pass
            # Of two that take 9 s each, one ends every 4.5 s.
            assert no.value.retry_after_s == 5
        with rates.request("ann"):
            pass


def test_an_error_ends_a_request_too(rates: Rates) -> None:
    for _ in range(3):
        with pytest.raises(RuntimeError), rates.request("ann"):
            raise RuntimeError
