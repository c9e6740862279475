"""Speed-up, efficiency and time of a training over the number of ranks."""

from __future__ import annotations

from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from protodune.core.errors import ProtoduneError
from protodune.measure.scaling import dunedn_points
from protodune.publish.figures.spec import Figure, Rows
from protodune.publish.figures.style import COLOURS, RAW_COLOUR

_MARKERS = {"strong": "o", "weak": "s"}
_PARTS = {"compute_s": "compute", "data_s": "data", "communication_s": "communication"}


def with_recorded(rows: Rows) -> Rows:
    """Return the rows of the scaling tables and after them the points that DUNEdn recorded."""
    if not rows:
        raise ProtoduneError("scaling: no training to show; name trained networks as model.trial in scaling.networks")
    recorded = [
        {**dict.fromkeys(rows[0], ""), **p, "network": f"DUNEdn {p['network']}", "kind": "recorded"} for p in dunedn_points()
    ]
    return [row | {"nodes": row.get("nodes", "")} for row in [*rows, *recorded]]


def draw_scaling(rows: Rows, networks: set[str], title: str) -> plt.Figure:
    """Draw rows of the scaling tables, measured ones filled, modelled ones hollow, and the recorded points in grey."""
    reference, rows = ([r for r in rows if (r["kind"] == "recorded") == wanted] for wanted in (True, False))
    figure, ((gain, efficiency), (rate, split)) = plt.subplots(2, 2, figsize=(8.0, 6.4))
    shown = sorted({r["network"] for r in rows})
    for column, axis in (("speedup", gain), ("efficiency", efficiency), ("images_per_s", rate)):
        for colour, network in zip(COLOURS * len(shown), shown, strict=False):
            for mode, marker in _MARKERS.items():
                of_mode = [r for r in rows if (r["network"], r["mode"]) == (network, mode)]
                _line(axis, [r for r in of_mode if r["kind"] == "measured"], column, colour, marker, filled=True)
                _line(axis, [r for r in of_mode if r["kind"] == "model"], column, colour, marker, filled=False)
        axis.set_xscale("log")
        axis.set_xlabel("ranks")
        if column != "images_per_s":
            _reference(axis, reference, column)
    most = max(int(r["ranks"]) for r in rows)
    gain.plot([1, most], [1, most], color="black", lw=0.8, ls=":")
    gain.set_yscale("log")
    rate.set_yscale("log")
    gain.set_ylabel("speed-up")
    efficiency.set_ylabel("efficiency")
    efficiency.set_ylim(0, 1.15)
    efficiency.axhline(1, color="black", lw=0.8, ls=":")
    rate.set_ylabel("images per second")
    handles = [Line2D([], [], color=c, label=n) for c, n in zip(COLOURS * len(shown), shown, strict=False)]
    handles += [Line2D([], [], color="black", ls="", marker=m, label=f"{mode}, measured") for mode, m in _MARKERS.items()]
    handles += [
        Line2D([], [], color="black", ls="--", marker=m, mfc="white", label=f"{mode}, model") for mode, m in _MARKERS.items()
    ]
    handles += [
        Line2D([], [], color=RAW_COLOUR, ls="", marker=m, label=f"{n}, V100s")
        for n, m in _reference_markers(reference).items()
    ]
    handles.append(Line2D([], [], color="black", ls=":", lw=0.8, label="ideal"))
    _draw_split(split, [r for r in rows if r["kind"] == "measured"], shown)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(title)
    return figure


def _line(axis: plt.Axes, rows: Rows, column: str, colour: str, marker: str, filled: bool) -> None:
    rows = sorted(rows, key=lambda r: int(r["ranks"]))
    style = {"ls": "-", "mfc": colour} if filled else {"ls": "--", "mfc": "white", "alpha": 0.7}
    axis.plot(
        [int(r["ranks"]) for r in rows], [float(r[column]) for r in rows], color=colour, marker=marker, ms=4.5, lw=1, **style
    )


def _reference_markers(reference: Rows) -> dict[str, str]:
    return dict(zip(sorted({p["network"] for p in reference}), ("x", "+"), strict=False))


def _reference(axis: plt.Axes, points: Rows, column: str) -> None:
    for name, marker in _reference_markers(points).items():
        mine = [p for p in points if p["network"] == name and int(p["ranks"]) > 1]
        x, y = [int(p["ranks"]) for p in mine], [float(p[column]) for p in mine]
        axis.plot(x, y, color="grey", ls="", marker=marker, ms=5, zorder=0)


def _draw_split(axis: plt.Axes, rows: Rows, networks: list[str]) -> None:
    """Stack the shares of a step's time, a bar for each measurement."""
    rows = sorted(rows, key=lambda r: (networks.index(r["network"]), r["mode"], int(r["ranks"])))
    bottom = [0.0] * len(rows)
    for (column, _), colour in zip(_PARTS.items(), (COLOURS[0], COLOURS[2], COLOURS[1]), strict=True):
        shares = [100 * float(r[column]) / float(r["step_s"]) for r in rows]
        axis.bar(range(len(rows)), shares, bottom=bottom, color=colour, width=0.7)
        bottom = [a + b for a, b in zip(bottom, shares, strict=True)]
    labels = [f"{r['network']}\n{r['mode']} {r['ranks']}" for r in rows]
    axis.set_xticks(range(len(rows)), labels, fontsize=6, rotation=90 if len(rows) > 6 else 0)
    axis.set_ylabel("share of a step [%]")
    axis.set_ylim(0, 125)
    colours = (COLOURS[0], COLOURS[2], COLOURS[1])
    handles = [Patch(color=c, label=name) for c, name in zip(colours, _PARTS.values(), strict=True)]
    axis.legend(handles=handles, loc="upper center", ncols=3, fontsize=7)


FIGURE = Figure(
    name="scaling",
    head="Scaling of a training step",
    table="scaling",
    draw=draw_scaling,
    caption="Strong and weak scaling of a training step: strong scaling keeps the global batch, weak scaling that of each "
    "rank. Filled markers are medians of measured steps on the machine of this run; hollow markers with dashed lines are "
    "a model, a ring all-reduce with the measured times of a message and of the gradient. Grey: what DUNEdn recorded on "
    "Power8 nodes of four V100s each. Below right: the shares of a step that go into computing, reading patches, and "
    "waiting for other ranks. Times differ from run to run.",
    order=200,
    prepare=with_recorded,
    compares=False,
)
