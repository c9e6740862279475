"""Waveforms of single channels: raw, classical, network and truth, with the residuals below."""

from __future__ import annotations

from matplotlib import pyplot as plt

from protodune.publish.figures.images import tick_label
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS, RAW_COLOUR


def draw_waveforms(rows: Rows, labels: dict[str, str], tick_us: float, title: str) -> plt.Figure:
    """Draw rows (channel, case, tick, raw, classical, network, truth; ADC) of a few channels, one column each; ``labels`` of
    ``classical`` and ``network``."""
    channels = list(dict.fromkeys((r["channel"], r["case"]) for r in rows))
    figure, axes = plt.subplots(
        2, len(channels), figsize=(3.6 * len(channels), 4.2), sharex="col", height_ratios=[2.2, 1], squeeze=False
    )
    for column, (channel, case) in enumerate(channels):
        part = [r for r in rows if r["channel"] == channel and r["case"] == case]
        tick = [int(r["tick"]) for r in part]
        values = {name: [float(r[name]) for r in part] for name in ("raw", "classical", "network", "truth")}
        top, bottom = axes[:, column]
        top.plot(tick, values["raw"], color=RAW_COLOUR, lw=0.8, label="raw")
        top.plot(tick, values["truth"], color=COLOURS[6], lw=1.6, label="truth")
        top.plot(tick, values["classical"], color=COLOURS[1], lw=0.9, label=labels["classical"])
        top.plot(tick, values["network"], color=COLOURS[0], lw=0.9, ls="--", label=labels["network"])
        top.set_title(f"channel {channel}: {case}")
        for name, colour in (("classical", COLOURS[1]), ("network", COLOURS[0])):
            residual = [a - b for a, b in zip(values[name], values["truth"], strict=True)]
            bottom.plot(tick, residual, color=colour, lw=0.9, ls="--" if name == "network" else "-")
        bottom.axhline(0, color=COLOURS[6], lw=0.5)
        bottom.set_xlabel(tick_label(tick_us))
    axes[0, 0].set_ylabel("ADC")
    axes[1, 0].set_ylabel("minus truth [ADC]")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    figure.suptitle(title)
    return figure


FIGURE = Figure(
    name="waveforms",
    head="Waveforms",
    table="events",
    draw=draw_waveforms,
    caption="Waveforms of channels picked by their truth: a track along the wire planes, a prolonged one and two that "
    "overlap, as far as there are such. Below: what is left after subtracting the truth.",
    order=40,
)
