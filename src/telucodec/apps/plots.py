"""Pictures: spectrograms as small PNG files; as SVG that takes the page's colours, quality against rate, values with their intervals, curves, counts."""

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WINDOW = 256
"""Samples, 16 ms at 16 kHz: 129 rows from 0 to 8 kHz."""
COLUMNS = 480
"""At most so many in a picture."""
RANGE_DB = 80.0
DIFFERENCE_DB = 30.0
"""Levels that differ by more have the strongest colour."""
QUIETEST_DB = -30.0
"""A picture of something quieter, such as silence, is as dark as if its loudest were there; speech at full scale reaches about 30."""
INAUDIBLE_DB = 60.0
"""Below the loudest of the original: levels are compared as if none were lower, for no difference down there is heard."""
INK = "#010203"
"""Stands for the page's text colour while matplotlib draws."""
ACROSS = 3
"""Plots beside each other."""
SHAPES = "osD^vP*X"
"""Of points: families are told apart without colour too."""


def spectrum_db(wave: np.ndarray) -> np.ndarray:
    """Power spectrum in dB of float32 [1, T], Hann windows, as [129, at most COLUMNS + 1], low frequencies first."""
    padded = np.pad(wave[0], (WINDOW // 2, WINDOW // 2))
    hop = max(WINDOW // 4, -(-wave.shape[-1] // COLUMNS))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop] * np.hanning(WINDOW)
    return 10 * np.log10(np.abs(np.fft.rfft(frames)).T ** 2 + 1e-12)


def spectrogram_png(spectrum: np.ndarray, top_db: float) -> bytes:
    """Colour `spectrum` [F, columns] from RANGE_DB below `top_db` up to it; pictures to be compared share `top_db`."""
    return _png((spectrum - max(top_db, QUIETEST_DB)) / RANGE_DB + 1, "magma")


def difference_png(reference: np.ndarray, estimate: np.ndarray) -> bytes:
    """Colour how far the spectrum `estimate` [F, columns] lies above `reference` (red) or below it (blue); white where they are alike."""
    least = reference.max(initial=QUIETEST_DB) - INAUDIBLE_DB
    return _png(0.5 + (np.maximum(estimate, least) - np.maximum(reference, least)) / (2 * DIFFERENCE_DB), "RdBu_r")


def _png(levels: np.ndarray, colours: str) -> bytes:
    """Colour `levels` [F, columns], 0 to 1, low frequencies at the bottom."""
    from matplotlib import colormaps
    from PIL import Image  # comes with matplotlib

    picture = Image.fromarray(np.rint(63 * np.clip(levels[::-1], 0, 1)).astype(np.uint8))
    picture.putpalette((colormaps[colours](np.linspace(0, 1, 64))[:, :3] * 255).astype(np.uint8).tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


@dataclass(frozen=True)
class Point:
    """A measured rate and quality."""

    kbps: float
    value: float
    low: float = math.nan
    """Ends of the interval of `value`; NaN where there is none."""
    high: float = math.nan


@dataclass(frozen=True)
class Panel:
    """Quality against rate in one unit."""

    title: str
    lines: Mapping[str, Sequence[Point]]
    """Points of each family of codecs."""
    marked: float = math.nan
    """Value asked for; NaN for none."""
    bound: Sequence[tuple[float, float, float]] = ()
    """(kbps, low, high) of an estimate to draw behind the lines."""
    bound_label: str = ""
    marked_label: str = ""
    """What is marked, where it is no value asked for."""


def rate_plot_svg(panels: Sequence[Panel], marked_kbps: float) -> str:
    """Quality against measured kbps, panel beside panel; a line at `marked_kbps`."""
    rows = -(-len(panels) // ACROSS)
    about = "against measured kbps: " + "; ".join(panel.title for panel in panels)
    with _figure((4.6 * min(ACROSS, len(panels)), 3.1 * rows + 0.6), about) as (figure, svg):
        families = list(dict.fromkeys(family for panel in panels for family in panel.lines))
        for place, panel in enumerate(panels, 1):
            axes = figure.add_subplot(rows, min(ACROSS, len(panels)), place)
            widest = max((point.kbps for points in panel.lines.values() for point in points), default=marked_kbps)
            if panel.bound:
                kbps, low, high = (np.array(column) for column in zip(*panel.bound, strict=True))
                axes.fill_between(kbps, low, high, color=INK, alpha=0.12, linewidth=0, label=panel.bound_label)
            for family, points in panel.lines.items():
                index = families.index(family)
                colour, shape = f"C{index % 10}", SHAPES[index % len(SHAPES)]
                ordered = sorted(points, key=lambda point: point.kbps)
                axes.plot([p.kbps for p in ordered], [p.value for p in ordered], f"{shape}-", color=colour, label=family, markersize=5)
                for point in ordered:
                    if math.isfinite(point.low) and math.isfinite(point.high):
                        axes.plot([point.kbps] * 2, [point.low, point.high], "_-", color=colour, linewidth=1, markersize=6)
            axes.axvline(marked_kbps, color=INK, linewidth=0.8, linestyle=":")
            if math.isfinite(panel.marked):
                label = {"label": panel.marked_label, "linestyle": "--"} if panel.marked_label else {"linestyle": ":"}
                axes.axhline(panel.marked, color=INK, linewidth=0.8, **label)
            axes.set_xlim(0, 1.06 * max(widest, marked_kbps))
            axes.set_title(panel.title, color=INK, fontsize=10)
            axes.set_xlabel("measured kbps", color=INK)
            axes.grid(alpha=0.2, color=INK)
            _ink(axes)
        handles = {}
        for axes in figure.axes:
            handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=3, frameon=False, labelcolor=INK, fontsize=9)
    return svg[0]


@dataclass(frozen=True)
class Curve:
    """Lines over the updates of a training."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    """(update, value) of each line; a value that is NaN leaves a gap."""
    marked: float = math.nan


def curves_svg(curves: Sequence[Curve]) -> str:
    """What went on during a training, plot beside plot."""
    rows = -(-len(curves) // ACROSS)
    about = "over updates: " + "; ".join(curve.title for curve in curves)
    with _figure((3.4 * min(ACROSS, len(curves)), 2.5 * rows), about) as (figure, svg):
        for place, curve in enumerate(curves, 1):
            axes = figure.add_subplot(rows, min(ACROSS, len(curves)), place)
            for name, points in curve.lines.items():
                updates, values = zip(*points, strict=True) if points else ((), ())
                axes.plot(updates, values, "-", linewidth=1.3, label=name)
                if len(points) == 1:  # a line of one point is not seen
                    axes.plot(updates, values, "o", markersize=4, color=axes.lines[-1].get_color())
            if math.isfinite(curve.marked):
                axes.axhline(curve.marked, color=INK, linewidth=0.8, linestyle=":")
            if len(curve.lines) > 1:
                axes.legend(frameon=False, labelcolor=INK, fontsize=8)
            axes.set_title(curve.title, color=INK, fontsize=10)
            axes.set_xlabel("updates", color=INK, fontsize=9)
            axes.grid(alpha=0.2, color=INK)
            _ink(axes)
    return svg[0]


@dataclass(frozen=True)
class Columns:
    """Values side by side, one for each label."""

    title: str
    labels: Sequence[str]
    values: Sequence[float]
    whole: float = math.nan
    """What a value can be at most; NaN where nothing limits it."""
    across: str = ""
    """What the labels are."""
    upwards: str = ""
    """What the values are."""


def columns_svg(charts: Sequence[Columns]) -> str:
    """Bar charts beside each other."""
    with _figure((4.6 * len(charts), 2.6), "; ".join(chart.title for chart in charts)) as (figure, svg):
        for place, chart in enumerate(charts, 1):
            axes = figure.add_subplot(1, len(charts), place)
            axes.set_axisbelow(True)
            axes.bar(range(len(chart.values)), chart.values, color="C0", width=0.8)
            axes.set_xticks(range(len(chart.labels)), chart.labels)
            if math.isfinite(chart.whole):
                axes.axhline(chart.whole, color=INK, linewidth=0.8, linestyle=":")
            axes.set_title(chart.title, color=INK, fontsize=10)
            axes.set_xlabel(chart.across, color=INK, fontsize=9)
            axes.set_ylabel(chart.upwards, color=INK, fontsize=9)
            axes.grid(alpha=0.2, color=INK, axis="y")
            _ink(axes)
    return svg[0]


@dataclass(frozen=True)
class Bar:
    """A value with its interval, and the single values it is made of."""

    label: str
    value: float
    low: float
    """NaN, as `high`, where there is no interval."""
    high: float
    singles: tuple[float, ...] = ()


def interval_plot_svg(bars: Sequence[Bar], title: str, limits: tuple[float, float], marked: float | None = None) -> str:
    """Values with their intervals, one below the other, the first on top; a line at `marked`."""
    about = f"{title}; {', '.join(bar.label for bar in bars)}"
    with _figure((7.6, 1.2 + 0.45 * len(bars)), about) as (figure, svg):
        axes = figure.add_subplot()
        for place, bar in enumerate(bars):
            axes.plot(bar.singles, [place + 0.22] * len(bar.singles), "|", color="C1", markersize=7)
            if np.isfinite([bar.low, bar.high]).all():
                axes.plot([bar.low, bar.high], [place, place], "-", color="C0", linewidth=2.5, solid_capstyle="butt")
            axes.plot([bar.value], [place], "o", color="C0", markersize=6)
        if marked is not None:
            axes.axvline(marked, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.set_ylim(len(bars) - 0.5, -0.5)
        axes.set_xlim(*limits)
        axes.set_xlabel(title, color=INK)
        axes.grid(alpha=0.2, color=INK, axis="x")
        _ink(axes)
    return svg[0]


@contextmanager
def _figure(size: tuple[float, float], about: str) -> Iterator[tuple["Figure", list[str]]]:
    """Yield an empty figure of `size` in inches, and a list that holds its SVG, which says what it is `about`, once it is drawn."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg: list[str] = []
    settings = {"svg.fonttype": "none", "svg.hashsalt": "telucodec", "font.family": "sans-serif", "text.parse_math": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # whoever opens the picture draws its texts
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, svg
        figure.patch.set_visible(False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    drawn = text[text.index("<svg") + len("<svg") :].replace(INK, "currentColor")
    svg.append(f'<svg role="img" aria-label="Plot {escape(about)}"{drawn}')


def _ink(axes: "Axes") -> None:
    """Let `axes` take the page's text colour and background."""
    axes.tick_params(colors=INK)
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(INK)
