"""`reward.png`: how a run went, one panel a measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from trainer_client.train.journal import Entry
from trainer_client.train.measures import LEFT_FLAT, LENGTH, RESAMPLED, REWARD, Measures

__all__ = ["draw"]

PLOT: Final = "reward.png"
_COLUMNS: Final = 2
_SMOOTHED_STEPS: Final = 20
# Of Okabe and Ito, told apart with any sight of colours.
_BLUE, _ORANGE, _GREEN, _RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"


class _Curve(NamedTuple):
    key: str
    label: str
    color: str = _BLUE


class _Panel(NamedTuple):
    title: str
    curves: Sequence[_Curve]
    is_share: bool = False
    is_smoothed: bool = True


def draw(entries: Sequence[Entry], measures: Measures, *, path: Path) -> None:
    """Draw the run into a PNG; a measure without a value at a step has a gap there."""
    panels = _panels(entries, measures)
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(11, 2.6 * rows + 0.4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, start=1):
        _draw_panel(figure.add_subplot(rows, _COLUMNS, place), panel, entries)
    # Beside and then in its place: whoever looks at it sees a whole picture.
    beside = path.with_suffix(".tmp")
    figure.savefig(beside, format="png")
    beside.replace(path)


def _panels(entries: Sequence[Entry], measures: Measures) -> list[_Panel]:
    panels = [_Panel("reward, mean of the batch", [_Curve(REWARD, "reward")])]
    panels += [
        _Panel(f"{name}, mean score", [_Curve(measures.component(name), name, _GREEN)])
        for name in measures.components
    ]
    panels += [
        _Panel(
            "completions without a reward",
            [
                _Curve(measures.failed, "failed: the service", _RED),
                _Curve(measures.ungradable, "ungradable: the task", _ORANGE),
            ],
            is_share=True,
            is_smoothed=False,  # an outage is to be seen as long and as high as it was
        ),
        _Panel(
            "groups without spread: no gradient",
            [_Curve(measures.flat, "flat", _ORANGE)],
            is_share=True,
        ),
        _Panel("completion length, tokens", [_Curve(LENGTH, "length")]),
    ]
    if any(RESAMPLED in entry for entry in entries):
        curves = [_Curve(RESAMPLED, "resampled", _GREEN), _Curve(LEFT_FLAT, "left flat", _ORANGE)]
        panels.append(_Panel("groups drawn anew", curves))
    return panels


def _draw_panel(axes: Axes, panel: _Panel, entries: Sequence[Entry]) -> None:
    steps = [_value(entry["step"]) for entry in entries]
    for curve in panel.curves:
        values = [_value(entry.get(curve.key)) for entry in entries]
        dotted = "." if len(values) < _SMOOTHED_STEPS else ""
        smooth = panel.is_smoothed and not dotted
        label = f"{curve.label}, each step" if smooth else curve.label
        axes.plot(
            steps, values, color=curve.color, marker=dotted, linewidth=0.9,
            alpha=0.4 if smooth else 1.0, label=label,
        )  # fmt: skip
        if smooth:
            label = f"{curve.label}, mean of {_SMOOTHED_STEPS}"
            axes.plot(steps, _smoothed(values), color=curve.color, linewidth=2.0, label=label)
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.set_xlabel("step", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize=7, loc="best", frameon=False)
    if panel.is_share:
        axes.set_ylim(-0.03, 1.03)


def _value(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _smoothed(values: Sequence[float]) -> list[float]:
    """The mean of each step and those before it, of what has a value."""
    means = []
    for end in range(1, len(values) + 1):
        known = [one for one in values[max(0, end - _SMOOTHED_STEPS) : end] if one == one]
        means.append(sum(known) / len(known) if known else float("nan"))
    return means
