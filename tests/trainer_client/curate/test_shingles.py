"""Similarity: exact where it can be, near where it is estimated, and likely pairs are found."""

from __future__ import annotations

import random

import pytest

from trainer_client.curate.shingles import (
    SKETCH,
    band_hashes,
    rows_per_band,
    shingles,
    similarity,
    sketch_of,
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a b c d", "a b c d", 1.0),
        ("a b c d", "a  b c\td", 1.0),
        ("a b c d", "a b c e", 1 / 3),
        ("a b", "a b", 1.0),
        ("a b", "a c", 0.0),
        ("", "", 1.0),
        ("what is 2+3 ?", "what is 2-3 ?", 1 / 7),
        ("\u4f60\u597d\u5417\u4eba", "\u4f60\u597d\u5417\u53e3", 1 / 3),
        ("caf\u00e9 au lait", "cafe au lait", 0.0),
        ("torn \ud83d one two", "torn \ud83d one two", 1.0),
    ],
)
def test_small_texts_are_compared_exactly(one: str, other: str, expected: float) -> None:
    sketches = [sketch_of(shingles(text, ngram=3)) for text in (one, other)]
    assert similarity(*sketches) == pytest.approx(expected)


def test_sketches_of_long_texts_estimate_and_stay_small() -> None:
    dice = random.Random(1)  # noqa: S311
    words = [str(dice.random()) for _ in range(3_000)]
    one, other = words[:2_000], words[:1_800] + words[2_800:]
    sets = [shingles(" ".join(text), ngram=1) for text in (one, other)]
    exact = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    sketches = [sketch_of(one) for one in sets]
    assert [len(sketch) for sketch in sketches] == [SKETCH, SKETCH]
    assert similarity(*sketches) == pytest.approx(exact, abs=0.12)  # three standard errors


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_pairs_as_alike_as_the_threshold_are_found_and_others_seldom(threshold: float) -> None:
    dice = random.Random(2)  # noqa: S311
    rows = rows_per_band(threshold)

    def share_found(likeness: float) -> float:
        found = 0
        for _ in range(100):
            both = round(200 * likeness)
            apart = (200 - both) // 2
            pool = [dice.getrandbits(64) for _ in range(both + 2 * apart)]
            one, other = set(pool[: both + apart]), set(pool[:both] + pool[both + apart :])
            found += not set(band_hashes(one, rows)).isdisjoint(band_hashes(other, rows))
        return found / 100

    assert share_found(threshold) >= 0.93
    assert share_found(0.05) <= 0.2


def test_hashes_are_the_same_on_every_machine() -> None:
    assert sorted(shingles("so it is 4", ngram=3)) == [10942331534253452373, 13194332502417508849]
