"""Gates over labelled data beside the checkout; without it they say "no data" and pass."""

from __future__ import annotations

from tests.graders.tables import shared_rows
from tests.live import LiveService

BATCH = 1_024


def test_a_batch_of_grade_school_answers_agrees_with_its_labels(live: LiveService) -> None:
    rows = shared_rows("data/gsm8k_labelled.jsonl.gz")
    if rows is None:
        return
    rows = rows[:BATCH]
    items = [
        {
            "id": row["id"],
            "prompt": row["prompt"],
            "completion": row["completion"],
            "reference": {"answer": row["gold"]},
        }
        for row in rows
    ]
    verdicts = live.grade({"graders": [{"name": "math"}], "items": items})
    assert [verdict["id"] for verdict in verdicts] == [row["id"] for row in rows]
    assert [verdict["reward"] for verdict in verdicts] == [float(row["correct"]) for row in rows]
