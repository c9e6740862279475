"""How fast networks clean planes: time and memory over pixels at a time, precisions and runtimes."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.core.errors import ProtoduneError
from protodune.publish.figures.lines import say_nothing
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS, plain_numbers

_STYLES = {"float32": ("-", "o"), "bfloat16": ("--", "s")}
_RUNTIMES = {"float32": "PyTorch, float32", "bfloat16": "PyTorch, bfloat16", "onnx": "ONNX Runtime, float32"}


def required(rows: Rows) -> Rows:
    """Return the rows; there must be some."""
    if not rows:
        raise ProtoduneError("speed: no network to show; name networks as model.trial in speed.networks")
    return rows


def draw_speed(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw rows of the stage 'measure_speed': seconds per plane and memory over the pixels at a time, and at the share of a
    plane at which ONNX was timed, all runtimes side by side."""
    figure, (time, memory, bars) = plt.subplots(1, 3, figsize=(12.5, 4.0))
    shown = list(dict.fromkeys((r["network"], r["family"]) for r in rows))
    for number, key in enumerate(shown):
        colour = COLOURS[number % len(COLOURS)]
        for runtime, (dashes, marker) in _STYLES.items():
            part = [r for r in rows if (r["network"], r["family"]) == key and r["runtime"] == runtime]
            part.sort(key=lambda r: float(r["mpixel"]))
            for axis, column in ((time, "plane_s"), (memory, "memory_mb")):
                above = [r for r in part if float(r[column]) > 0]  # small pieces take no memory that was not there
                x, y = ([float(r[c]) for r in above] for c in ("mpixel", column))
                axis.plot(x, y, ls=dashes, marker=marker, ms=4, lw=1.1, color=colour,
                          label=f"{', '.join(key)}, {_RUNTIMES[runtime].split(', ')[1]}")  # fmt: skip
    for axis, label in ((time, "seconds per plane"), (memory, "memory of the piece [MB]")):
        axis.set_xlabel("megapixels at a time")
        axis.set_ylabel(label)
        if not any(len(line.get_ydata()) for line in axis.lines):
            say_nothing(axis, "too little to be seen")
            continue
        axis.set_xscale("log")
        axis.set_yscale("log")
        plain_numbers(axis.xaxis, axis.yaxis)
    _draw_runtimes(bars, rows, shown)
    figure.legend(*time.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(title)
    return figure


def _draw_runtimes(axis: plt.Axes, rows: Rows, shown: list[tuple[str, str]]) -> None:
    width = 0.8 / len(_RUNTIMES)
    shades = dict(zip(_RUNTIMES, ("0.25", "0.5", "0.75"), strict=True))
    for number, key in enumerate(shown):
        mine = [r for r in rows if (r["network"], r["family"]) == key]
        shares = {r["share"] for r in mine if r["runtime"] == "onnx"}
        for place, runtime in enumerate(_RUNTIMES):
            value = [float(r["plane_s"]) for r in mine if r["runtime"] == runtime and r["share"] in shares]
            if value:
                bar = axis.bar(number + (place - 1) * width, value[0], width, color=shades[runtime])
                axis.bar_label(bar, fmt="%.2g", fontsize=7)
    axis.set_xticks(range(len(shown)), [f"{network}\n{family}" for network, family in shown])
    axis.set_yscale("log")
    plain_numbers(axis.yaxis)
    axis.set_ylabel("seconds per plane")
    handles = [plt.Rectangle((0, 0), 1, 1, color=shade) for shade in shades.values()]
    axis.legend(handles, list(_RUNTIMES.values()), fontsize=7, loc="upper left")
    axis.set_ylim(top=axis.get_ylim()[1] * 4)


FIGURE = Figure(
    name="speed",
    head="Speed of inference",
    table="speed",
    draw=draw_speed,
    caption="Seconds per plane (overlaps of pieces included) and memory of one piece by the pixels that go through a "
    "network at a time, and runtimes side by side at a quarter of a plane at a time, on the machine of this run. Networks "
    "take waveforms and give images, normalisation included. Times differ from run to run.",
    order=210,
    prepare=required,
    compares=False,
)
