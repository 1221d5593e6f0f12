"""Pictures: spectrograms as small PNG files; as SVG that takes the page's colours, quality against rate and what listeners said."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
INK = "#010203"
"""Stands for the page's text colour while matplotlib draws."""


def spectrum_db(wave: np.ndarray) -> np.ndarray:
    """Power spectrum in dB of float32 [1, T], Hann windows, as [129, at most COLUMNS + 1], low frequencies first."""
    padded = np.pad(wave[0], (WINDOW // 2, WINDOW // 2))
    hop = max(WINDOW // 4, -(-wave.shape[-1] // COLUMNS))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop] * np.hanning(WINDOW)
    return 10 * np.log10(np.abs(np.fft.rfft(frames)).T ** 2 + 1e-12)


def spectrogram_png(spectrum: np.ndarray, top_db: float) -> bytes:
    """Colour `spectrum` [F, columns] from RANGE_DB below `top_db` up to it; pictures to be compared share `top_db`."""
    from matplotlib import colormaps
    from PIL import Image  # comes with matplotlib

    levels = np.clip((spectrum - top_db) / RANGE_DB + 1, 0, 1)
    picture = Image.fromarray(np.rint(63 * levels[::-1]).astype(np.uint8))
    picture.putpalette((colormaps["magma"](np.linspace(0, 1, 64))[:, :3] * 255).astype(np.uint8).tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def rate_plot_svg(panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], marked_kbps: float) -> str:
    """Quality against measured kbps: per panel title, per family of contenders, its points (kbps, value); a line at `marked_kbps`."""
    with _figure((4.6 * len(panels), 3.6)) as (figure, svg):
        colours = {family: f"C{index}" for index, family in enumerate(dict.fromkeys(f for lines in panels.values() for f in lines))}
        for place, (title, lines) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(1, len(panels), place)
            for family, points in lines.items():
                axes.plot(*zip(*sorted(points), strict=True), "o-", color=colours[family], label=family, markersize=5)
            axes.axvline(marked_kbps, color=INK, linewidth=0.8, linestyle=":")
            axes.set_xlim(left=0)
            axes.set_title(title, color=INK)
            axes.set_xlabel("measured kbps", color=INK)
            axes.grid(alpha=0.2, color=INK)
            _ink(axes)
        handles, labels = {}, []
        for axes in figure.axes:
            handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        labels = list(handles)
        figure.legend(list(handles.values()), labels, loc="outside lower center", ncols=2, frameon=False, labelcolor=INK)
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
    with _figure((7.6, 1.2 + 0.45 * len(bars))) as (figure, svg):
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
def _figure(size: tuple[float, float]) -> Iterator[tuple["Figure", list[str]]]:
    """Yield an empty figure of `size` in inches, and a list that holds its SVG once it is drawn."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg: list[str] = []
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "telucodec", "font.family": "sans-serif", "text.parse_math": False}
    ):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, svg
        figure.patch.set_visible(False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    svg.append(text[text.index("<svg") :].replace(INK, "currentColor"))


def _ink(axes: "Axes") -> None:
    """Let `axes` take the page's text colour and background."""
    axes.tick_params(colors=INK)
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(INK)
