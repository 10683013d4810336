"""Charts as pictures for files: SVG that needs no script, and PNG.

Rendering takes vl-convert, which comes with the extra `report`.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt

from eval.cost.result import Result
from eval.expected import ExpectedError
from eval.report.charts import CHARTS, Chart, marked

WIDTH = 640  # of the plot, axes and names beside it
NARROW = 350  # of the whole picture, on a telephone
COLORS = ("#0030B0", "#8D1B05", "#048269", "#F039B3", "#BC8B11", "#8165FB", "#3C98DE", "#55556F")  # as on the pages


class ReportError(ExpectedError):
    """A report cannot be made; the text says why and what to do."""


def extra(module: str) -> Any:
    """A module of the extra `report`; raises ReportError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ReportError(
            'This format needs more packages; in the folder of Rightsize: pip install -e ".[report]"'
        ) from error


def _spec(chart: Chart, narrow: bool = False) -> dict[str, Any]:
    room: dict[str, Any] = {"width": WIDTH}
    if narrow:
        room = {"width": NARROW, "autosize": alt.AutoSizeParams(type="fit-x", contains="padding")}
    looked = (
        chart.properties(background="white", **room)  # pyright: ignore[reportCallIssue]
        .configure_range(category=list(COLORS))
        .configure_mark(color=COLORS[0])
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#E6E8EA")
        .configure_legend(labelFontSize=12, symbolLimit=0)
    )
    return looked.to_dict()


def _drawn(
    result: Result, order: Sequence[str], render: Callable[[dict[str, Any]], Any], *, narrow: bool = False
) -> dict[str, Any]:
    made = {key: marked(key, result, order) for key in CHARTS}
    return {key: render(_spec(chart, narrow)) for key, chart in made.items() if chart is not None}


def svgs(result: Result, order: Sequence[str] = (), *, narrow: bool = False) -> dict[str, str]:
    """Every chart of a result that has something to show, as SVG by its key; `narrow` for a telephone.

    `order` holds the targets by whose places options are coloured, as on the pages.
    """
    return _drawn(result, order, extra("vl_convert").vegalite_to_svg, narrow=narrow)


def pngs(result: Result, order: Sequence[str] = ()) -> dict[str, bytes]:
    """The same as PNG, twice as fine as on a screen."""
    render = extra("vl_convert").vegalite_to_png
    return _drawn(result, order, lambda spec: render(spec, scale=2))
