"""How fast networks clean planes: time and memory over pixels at a time, precisions and runtimes."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.publish.figures.style import COLOURS, plain_numbers

_STYLES = {"float32": ("-", "o"), "bfloat16": ("--", "s")}
_RUNTIMES = {"float32": "PyTorch, float32", "bfloat16": "PyTorch, bfloat16", "onnx": "ONNX Runtime, float32"}


def draw_speed(rows: list[dict[str, str]], title: str) -> plt.Figure:
    """Draw rows of the stage 'measure_speed': seconds a plane and memory over the pixels at a time, and at the share of a
    plane at which ONNX was timed, all runtimes side by side."""
    figure, (time, memory, bars) = plt.subplots(1, 3, figsize=(12.5, 4.0))
    networks = list(dict.fromkeys((r["network"], r["plane"]) for r in rows))
    for number, key in enumerate(networks):
        colour = COLOURS[number % len(COLOURS)]
        for runtime, (dashes, marker) in _STYLES.items():
            part = [r for r in rows if (r["network"], r["plane"]) == key and r["runtime"] == runtime]
            part.sort(key=lambda r: float(r["mpixel"]))
            for axis, column in ((time, "plane_s"), (memory, "memory_mb")):
                shown = [r for r in part if float(r[column]) > 0]  # small pieces take no memory that was not there
                x, y = ([float(r[c]) for r in shown] for c in ("mpixel", column))
                axis.plot(x, y, ls=dashes, marker=marker, ms=4, lw=1.1, color=colour,
                          label=f"{', '.join(key)}, {_RUNTIMES[runtime].split(', ')[1]}")  # fmt: skip
    for axis, label in ((time, "seconds a plane"), (memory, "memory of the piece [MB]")):
        axis.set_xlabel("megapixels at a time")
        axis.set_ylabel(label)
        if not any(len(line.get_ydata()) for line in axis.lines):
            axis.text(0.5, 0.5, "too little to be seen", transform=axis.transAxes, ha="center", color="0.5")
            continue
        axis.set_xscale("log")
        axis.set_yscale("log")
        plain_numbers(axis.xaxis, axis.yaxis)
    _draw_runtimes(bars, rows, networks)
    figure.legend(*time.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(title)
    return figure


def _draw_runtimes(axis: plt.Axes, rows: list[dict[str, str]], networks: list[tuple[str, str]]) -> None:
    width = 0.8 / len(_RUNTIMES)
    shades = dict(zip(_RUNTIMES, ("0.25", "0.5", "0.75"), strict=True))
    for number, key in enumerate(networks):
        mine = [r for r in rows if (r["network"], r["plane"]) == key]
        shares = {r["share"] for r in mine if r["runtime"] == "onnx"}
        for place, runtime in enumerate(_RUNTIMES):
            value = [float(r["plane_s"]) for r in mine if r["runtime"] == runtime and r["share"] in shares]
            if value:
                bar = axis.bar(number + (place - 1) * width, value[0], width, color=shades[runtime])
                axis.bar_label(bar, fmt="%.2g", fontsize=7)
    axis.set_xticks(range(len(networks)), [f"{network}\n{plane}" for network, plane in networks])
    axis.set_yscale("log")
    plain_numbers(axis.yaxis)
    axis.set_ylabel("seconds a plane")
    handles = [plt.Rectangle((0, 0), 1, 1, color=shade) for shade in shades.values()]
    axis.legend(handles, list(_RUNTIMES.values()), fontsize=7, loc="upper left")
    axis.set_ylim(top=axis.get_ylim()[1] * 4)
