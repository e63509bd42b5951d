from __future__ import annotations

import math

from service.groups import group_stats


def test_figures_of_a_group_leave_nulls_out() -> None:
    stats = group_stats(
        ["a", None, "a", "a", "b"], [1.0, 1.0, 0.0, None, 0.5], ["p", "p", "g", "u", "g"]
    )
    assert list(stats) == ["a", "b"]
    a = stats["a"]
    assert (a.items, a.mean, a.pass_rate, a.degenerate) == ([0, 2, 3], 0.5, 0.5, False)
    assert a.std is not None
    assert math.isclose(a.std, math.sqrt(0.5))
    assert a.advantages[2] is None
    assert a.advantages[0] is not None
    assert math.isclose(a.advantages[0], 0.5 / (math.sqrt(0.5) + 1e-4))


def test_a_group_of_equals_gives_no_gradient() -> None:
    stats = group_stats(["a", "a"], [1.0, 1.0], ["p", "p"])["a"]
    assert (stats.degenerate, stats.std, stats.advantages, stats.pass_rate) == (
        True, 0.0, [0.0, 0.0], 1.0,
    )  # fmt: skip


def test_a_group_without_a_reward_has_no_figures() -> None:
    stats = group_stats(["a", "a"], [None, None], ["f", "u"])["a"]
    assert (stats.mean, stats.std, stats.pass_rate, stats.degenerate) == (None, None, None, True)
    assert stats.advantages == [None, None]
