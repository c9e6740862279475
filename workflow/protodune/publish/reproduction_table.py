"""The reproduction of DUNEdn's metrics as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from protodune.measure.reproduction import BY_CUT, SHARES
from protodune.measure.rows import SOURCE_COLUMNS
from protodune.measure.spec import Metric
from protodune.publish.tables import groups, heading_of
from protodune.publish.typeset import NOTHING, Block, cell


def reproduction_blocks(rows: Sequence[dict]) -> list[Block]:
    """Return two blocks per step and plane family, rows as ``measure.reproduction`` gives them: metrics by cut, and shares
    for the label |truth| >= 3.5 ADC."""
    found, cut_names, share_names = [], {m.name for m in BY_CUT}, {m.name for m in SHARES}
    for part in groups(rows, (*SOURCE_COLUMNS, "family")):
        events, lines = max(int(r["events"]) for r in part), []
        for here in groups([r for r in part if r["metric"] in cut_names], ("method", "cut_adc")):
            lines.append([here[0]["method"], cell(float(here[0]["cut_adc"])), *_line(here, BY_CUT)])
        if lines:
            heading = heading_of(part[0], "DUNEdn's definitions beside ours", events, rows)
            found.append(Block(heading, ["method", "cut [ADC]", *(m.column for m in BY_CUT)], lines))
        selectors = groups([r for r in part if r["metric"] in share_names], ("method",))
        if selectors:
            words = "shares of all pixels for DUNEdn's label, |truth| ≥ 3.5 ADC, at each method's threshold"
            heading = heading_of(part[0], words, events, rows)
            lines = [[here[0]["method"], *_line(here, SHARES)] for here in selectors]
            found.append(Block(heading, ["method", *(m.column for m in SHARES)], lines))
    return found


def _line(part: Sequence[dict], metrics: Sequence[Metric]) -> list[str]:
    values = {r["metric"]: r for r in part}
    found = (values.get(m.name) for m in metrics)
    return [cell(float(r["value"]), float(r["error"])) if r else NOTHING for r in found]
