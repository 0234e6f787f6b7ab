"""A picture of an anomaly: the values before it, and those that are out of the ordinary."""

from datetime import timedelta, tzinfo
from io import BytesIO
from itertools import pairwise
from math import nan

from metrics.anomalies import AnomalyDocument
from metrics.periods import DAY, HOUR

LARGEST = 100_000
"""The bytes of a picture at most: mail and chats refuse large files."""
_WIDTH, _HEIGHT, _DOTS = 8.0, 3.2, 100
_LINE, _MARK = "#3b6ea5", "#b3261e"


def draw(one: AnomalyDocument, title: str, zone: tzinfo) -> bytes:
    """Return a PNG of 800 by 320 pixels of the history of an anomaly, with its hours or days marked.

    Its metadata says nothing. The axis shows instants in `zone`.

    Raises:
        ValueError: the anomaly has no history, or the picture is too large.
    """
    # Imported here: the library takes a second to load, and few processes draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    history = one["evidence"].get("history", [])
    if not history:
        raise ValueError("the anomaly has no history")
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DOTS, layout="constrained")
    axes = figure.subplots()
    step: timedelta = HOUR if one["grain"] == "hour" else DAY
    times, values = [history[0]["at"]], [history[0]["value"]]
    # Posts are no series: what they have at the same age is not joined by a line.
    posts = one["kind"] == "breakout"
    for before, point in pairwise(history):
        if point["at"] - before["at"] > 1.5 * step:  # Nothing is known in between: the line is broken.
            times.append(before["at"] + step)
            values.append(nan)
        times.append(point["at"])
        values.append(point["value"])
    inside = [point for point in history if one["from"] <= point["at"] < one["to"]]
    style = {"linewidth": 0.0, "markersize": 5.0} if posts else {"linewidth": 1.4, "markersize": 2.5}
    axes.plot(times, values, color=_LINE, marker="o", **style)  # type: ignore[arg-type]
    if posts and "expected" in one:
        axes.axhline(one["expected"], color=_LINE, linewidth=0.8, linestyle="--")
    axes.axvspan(one["from"], one["to"], color=_MARK, alpha=0.12, linewidth=0)  # type: ignore[arg-type]
    axes.plot([point["at"] for point in inside], [point["value"] for point in inside], "o", color=_MARK, markersize=5)  # type: ignore[arg-type]
    locator = AutoDateLocator(tz=zone, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    file = BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    if len(file.getvalue()) > LARGEST:
        raise ValueError("the picture is too large")
    return file.getvalue()
