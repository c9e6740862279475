"""The page's event browser and tables as Bokeh models; browser.js brings them to life."""

from __future__ import annotations

import numpy as np
from bokeh.events import MouseMove
from bokeh.layouts import column, gridplot, row
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CustomJS,
    DataTable,
    Div,
    HTMLTemplateFormatter,
    LinearColorMapper,
    Range1d,
    Select,
    StringFormatter,
    TableColumn,
    UIElement,
)
from bokeh.palettes import RdBu11, Viridis256
from bokeh.plotting import figure

from protodune.publish.colours import DIFFERENCE_RANGE_ADC

RASTER_ROWS, RASTER_COLUMNS = 260, 420
"""Pixels of each panel; browser.js fills them with the visible part of a plane."""
MIN_TICKS, MIN_CHANNELS = 40, 15
"""The closest look."""
PANELS = ("raw", "denoised", "truth", "residual")
QUANTITIES = [("waveform", "waveforms (ADC)"), ("charge", "charge (electrons per tick)")]
"""What the panels show beside the raw plane: keys of an image's ``quantities``, and what the selector says."""
WAVE_COLOURS = {"raw": "#bbbbbb", "truth": "#000000", "denoised": "#0072b2"}
DIVERGING = [*RdBu11]
SEQUENTIAL = [*Viridis256]
TABLE_HEIGHT = 620
"""Longer tables scroll."""
TABLE_WIDTH, SIGN_WIDTH, CELL_MARGIN = 1180, 6, 22
"""Columns share the width of a table in proportion to the characters of their longest text and a margin."""
NUMBER_PLACES = 4
NUMBER = f"""<%= value.toLocaleString("en", {{maximumFractionDigits:
    Math.max(0, {NUMBER_PLACES} - Math.floor(Math.log10(Math.max(1, Math.abs(value)))))}}) %>"""
"""Four places after the point, one less for each before it: one column may hold biases and squared errors."""


def panels(first: dict) -> tuple[UIElement, UIElement]:
    """Return the four linked panels and the waveform below them, for the first image; browser.js adapts them to others."""
    ticks, rows, label = first["ticks"], first["rows"], f"tick ({first['tick_us']:g} µs)"
    x, y = Range1d(0, ticks, min_interval=MIN_TICKS), Range1d(0, rows, min_interval=MIN_CHANNELS)
    low, high = DIFFERENCE_RANGE_ADC
    figures = []
    for name in PANELS:
        panel = figure(
            name=f"{name}_figure", title=name, width=500, height=330, x_range=x, y_range=y, output_backend="canvas",
            tools="pan,wheel_zoom,box_zoom,reset,crosshair", active_scroll="wheel_zoom", x_axis_label=label,
            y_axis_label="offline channel",
        )  # fmt: skip
        panel.yaxis.formatter.use_scientific = False
        panel.xaxis.name = f"{name}_ticks"
        mapper = LinearColorMapper(palette=DIVERGING, low=low, high=high, name=f"{name}_mapper")
        image = np.zeros((RASTER_ROWS, RASTER_COLUMNS), np.float32)
        source = ColumnDataSource({"image": [image], "x": [0], "y": [0], "dw": [ticks], "dh": [rows]}, name=f"{name}_source")
        panel.image(image="image", x="x", y="y", dw="dw", dh="dh", source=source, color_mapper=mapper)
        panel.add_layout(ColorBar(color_mapper=mapper, title="ADC", width=10, name=f"{name}_bar"), "right")
        panel.js_on_event(MouseMove, CustomJS(code="protodune.hover(cb_obj.x, cb_obj.y)"))
        figures.append(panel)
    wave = figure(
        name="wave_figure", title="waveform", width=1000, height=260, tools="pan,wheel_zoom,box_zoom,reset",
        x_axis_label=label, y_axis_label="ADC",
    )  # fmt: skip
    wave.xaxis.name, wave.yaxis.name = "wave_ticks", "wave_values"
    for name, colour in WAVE_COLOURS.items():
        source = ColumnDataSource({"x": [0], "y": [0]}, name=f"{name}_wave")
        width = 2.5 if name == "truth" else 1.2
        wave.line("x", "y", source=source, color=colour, line_width=width, legend_label=name)
    wave.legend.click_policy = "hide"
    next(item for item in wave.legend[0].items if item.label.value == "denoised").name = "denoised_item"
    wave.add_layout(wave.legend[0], "right")
    return gridplot([figures[:2], figures[2:]], merge_tools=True, toolbar_location="right"), wave


def browser(images: list[dict], methods: list[str]) -> UIElement:
    """Return the selectors, the panels, the readout and the waveform; a sentence if there is no image."""
    if not images:
        return Div(text="<p>No test sample has products, so there is no event to browse.</p>")
    show = "protodune.show({reset})"
    which = Select(title="event and plane", name="image_select", value="0",
                   options=[(str(i), image["title"]) for i, image in enumerate(images)], width=460)  # fmt: skip
    method = Select(title="method", name="method_select", value=methods[0] if methods else "", options=methods, width=220)
    quantity = Select(title="quantity", name="quantity_select", value="waveform", options=QUANTITIES, width=220)
    which.js_on_change("value", CustomJS(code=show.format(reset="true")))
    for select in (method, quantity):
        select.js_on_change("value", CustomJS(code=show.format(reset="false")))
    grid, wave = panels(images[0])
    readout = Div(name="readout", text="Move the cursor over a plane.", width=1000, height=44)
    return column(row(which, method, quantity), readout, grid, wave)


def sortable_table(rows: list[dict[str, str]], heads: dict[str, str]) -> UIElement:
    """Return rows as a table that sorts by a click on a head; ``heads``: column name to what is written above it."""
    columns = {name: [_number(r[name]) for r in rows] for name in heads}
    numeric = {name for name, values in columns.items() if all(isinstance(v, (float, type(None))) for v in values)}
    models = [
        TableColumn(
            field=name,
            title=head,
            width=CELL_MARGIN + SIGN_WIDTH * max(len(head), *(len(_shown(v)) for v in values), 1),
            formatter=HTMLTemplateFormatter(template=NUMBER) if name in numeric else StringFormatter(),
        )
        for (name, head), values in zip(heads.items(), columns.values(), strict=True)
    ]
    source = ColumnDataSource(columns)
    height = min(30 + 25 * len(rows), TABLE_HEIGHT)
    return DataTable(source=source, columns=models, width=TABLE_WIDTH, height=height, index_position=None, sortable=True)


def _shown(value: float | str | None) -> str:
    """Return about what a cell shows: nothing for None."""
    if not isinstance(value, float):
        return value or ""
    places = max(0, NUMBER_PLACES - int(np.log10(max(1, abs(value)))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def _number(text: str) -> float | str | None:
    try:
        value = float(text)
    except ValueError:
        return text
    return value if np.isfinite(value) else None
