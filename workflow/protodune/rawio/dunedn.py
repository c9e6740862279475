"""DUNEdn's numpy dumps: one row per channel, [event, channel, ADC of tick 0, ADC of tick 1, ...].

A dump ``*rawdigit_evt*.npy`` has its truth in ``*rawdigit_noiseoff_evt*.npy`` (given as the sample's partner; integers
without pedestal) and, where it lies beside, the charge in ``*simch_labels_evt*.npy``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protodune.core.errors import ProtoduneError
from protodune.events.types import ChargeTable, RawEvent
from protodune.rawio.baskets import guarded
from protodune.rawio.digits import sorting_order, stack_digits

_HEAD = 2  # event and channel


class DunednSource:
    """A DUNEdn dump; runs and subruns are not recorded there and are 0, and so is the pedestal."""

    flavour = "DUNEdn numpy dump"

    def __init__(self, path: str):
        self.path = path
        self._rows = self._load(Path(path))
        self._event_of_row = _numbers(self._rows, 0, "event", path)
        self._events = list(dict.fromkeys(self._event_of_row.tolist()))
        name = Path(path).name
        charge = Path(path).with_name(name.replace("rawdigit", "simch_labels", 1))
        has_charge = "rawdigit" in name and "noiseoff" not in name and charge.is_file()
        self._charge = self._load(charge) if has_charge else None
        self._event_of_charge = None if self._charge is None else _numbers(self._charge, 0, "event", str(charge))
        self.about = {"flavour": self.flavour, "charge": charge.name if has_charge else None}

    @staticmethod
    def _load(path: Path) -> np.ndarray:
        rows = guarded(str(path), lambda: np.load(path, mmap_mode="r", allow_pickle=False))
        if not isinstance(rows, np.ndarray):
            raise ProtoduneError(f"{path}: found an archive of arrays, expected one array; save it with numpy.save")
        if rows.ndim != 2 or rows.shape[1] <= _HEAD or rows.dtype.kind not in "iuf":
            raise ProtoduneError(
                f"{path}: found {rows.dtype} of shape {rows.shape}, expected rows of event, channel, ADC values"
            )
        if rows.offset + rows.nbytes != path.stat().st_size:
            raise ProtoduneError(
                f"{path}: {path.stat().st_size} bytes, but its header and {rows.dtype} of shape {rows.shape} take "
                f"{rows.offset + rows.nbytes}; the file is damaged, copy it again"
            )
        return rows

    def __len__(self) -> int:
        return len(self._events)

    def event_id(self, index: int) -> tuple[int, int, int]:
        """(0, 0, event)."""
        return 0, 0, self._events[index]

    def read(self, index: int, truth: bool = True) -> RawEvent:
        """Read one event; without ``truth`` no charge."""
        where = f"{self.path}: event {self._events[index]}"
        rows = np.asarray(self._rows[self._event_of_row == self._events[index]])
        values = rows[:, _HEAD:]
        if not np.isfinite(values).all() or values.max(initial=0) > 32767 or values.min(initial=0) < -32768:
            raise ProtoduneError(f"{where}: values beyond 16 bits or not finite; expected ADC counts")
        channel = _numbers(rows, 1, "channel", where).astype(np.uint32)
        order = sorting_order(channel, where)
        adc, n_ticks = stack_digits(np.rint(values).astype(np.int16), order)
        zero = np.zeros(len(order), np.float32)
        charge = self._read_charge(index) if truth else None
        return RawEvent(*self.event_id(index), channel[order], adc, n_ticks, zero, charge=charge)

    def _read_charge(self, index: int) -> ChargeTable | None:
        if self._charge is None:
            return None
        where = f"{self.path}: charge of event {self._events[index]}"
        rows = np.asarray(self._charge[self._event_of_charge == self._events[index]])
        if not np.isfinite(rows[:, _HEAD:]).all():
            raise ProtoduneError(f"{where}: values that are not finite; expected electrons")
        row, tick = np.nonzero(rows[:, _HEAD:])
        electrons = rows[row, tick + _HEAD].astype(np.float32)
        channel = _numbers(rows, 1, "channel", where).astype(np.uint32)
        return ChargeTable(channel[row], tick.astype(np.int32), electrons, np.full(len(row), -1, np.int32))


def _numbers(rows: np.ndarray, column: int, what: str, where: str) -> np.ndarray:
    """A column of whole numbers from 0 to 2^32 - 1, int64."""
    values = np.asarray(rows[:, column])
    wrong = np.flatnonzero(~((values >= 0) & (values < 2**32) & (values == np.rint(values))))
    if wrong.size:
        raise ProtoduneError(
            f"{where}: row {wrong[0]} is of {what} {values[wrong[0]]}, expected a whole number from 0; the file is damaged"
        )
    return values.astype(np.int64)
