from __future__ import annotations

import pytest

from service.wires import attempts
from service.wires.attempts import Attempts

WHERE, BODY = "anybody /compat/slime/math", b"{}"


class _NotScored(Exception):
    pass


def _in_vain(tries: Attempts, body: bytes = BODY) -> int:
    with pytest.raises(_NotScored), tries.asked(WHERE, body) as attempt:
        raise _NotScored
    return attempt.number


def test_tries_in_vain_are_counted_by_address_and_body() -> None:
    tries = Attempts()
    assert [_in_vain(tries) for _ in range(3)] == [1, 2, 3]
    assert _in_vain(tries, b"[]") == 1
    with tries.asked("anybody /compat/slime/exact", BODY) as attempt:
        assert attempt.number == 1


def test_after_an_answer_the_next_try_is_the_first() -> None:
    tries = Attempts()
    assert _in_vain(tries) == 1
    with tries.asked(WHERE, BODY) as attempt:
        assert attempt.number == 2
        attempt.in_vain = False
    assert _in_vain(tries) == 1


def test_what_was_given_up_stays_so() -> None:
    tries = Attempts()
    for number in (1, 2):
        with tries.asked(WHERE, BODY) as attempt:
            assert attempt.number == number


def _two_in_vain(tries: Attempts) -> None:
    with tries.asked(WHERE, BODY) as first, tries.asked(WHERE, BODY) as second:
        raise _NotScored(first.number, second.number)


def test_equal_samples_at_once_are_one_try_of_each() -> None:
    tries = Attempts()
    for expected in (1, 2):
        with pytest.raises(_NotScored) as raised:
            _two_in_vain(tries)
        assert raised.value.args == (expected, expected)


def test_what_is_long_ago_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Attempts()
    assert _in_vain(tries) == 1
    monkeypatch.setattr(attempts, "_KEPT_S", 0.0)
    assert _in_vain(tries) == 1


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_MOST_KEPT", 2)
    tries = Attempts()
    assert [_in_vain(tries, b"%d" % n) for n in (0, 1, 2)] == [1, 1, 1]
    assert [_in_vain(tries, b"%d" % n) for n in (2, 0)] == [2, 1]
