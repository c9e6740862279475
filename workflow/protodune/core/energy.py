"""Joules, where the machine tells: Intel's and AMD's RAPL counters of the processors, NVML's of the GPUs.

Both count everything that runs on the machine, not one process.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

_RAPL = Path("/sys/class/powercap")


class EnergyMeter:
    """Joules since it was made or last read; NaN where nothing tells."""

    def __init__(self, rapl: Path = _RAPL):
        # Packages only (intel-rapl:0): their parts (intel-rapl:0:0) are counted within them.
        self._packages = [p for p in sorted(rapl.glob("*-rapl:[0-9]*")) if p.name.count(":") == 1 and _readable(p)]
        self._gpus = _gpus()
        self._last = self._read()

    @property
    def source(self) -> str:
        """What is counted, or ``not available``."""
        parts = [f"{len(self._packages)} processor(s) by RAPL"] * bool(self._packages)
        parts += [f"{len(self._gpus)} GPU(s) by NVML"] * bool(self._gpus)
        return " and ".join(parts) or "not available"

    def joules(self) -> float:
        """Return the joules since the last call, NaN if not available."""
        now = self._read()
        used = sum(_since(a, b, most) for (a, most), (b, _) in zip(self._last, now, strict=True))
        self._last = now
        return used if now else math.nan

    def _read(self) -> list[tuple[float, float]]:
        """Every counter in joules, and where it wraps round (infinity: never)."""
        values = []
        for package in self._packages:
            micro, most = (float((package / name).read_text()) for name in ("energy_uj", "max_energy_range_uj"))
            values.append((micro / 1e6, most / 1e6))
        for gpu in self._gpus:
            import pynvml

            values.append((pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3, math.inf))
        return values


def in_words(joules: float, of: str) -> str:
    """Return ``12.3 J per epoch``, or that it is not available."""
    return "energy not available" if math.isnan(joules) else f"{joules:.1f} J {of}"


def _since(before: float, after: float, most: float) -> float:
    return after - before if after >= before else after - before + most


def _readable(package: Path) -> bool:
    try:
        float((package / "energy_uj").read_text())
        float((package / "max_energy_range_uj").read_text())
    except (OSError, ValueError):  # since 2020 most kernels let root alone read it
        return False
    return True


def _gpus() -> list:
    """Handles of the GPUs that count their energy (Volta and later); none without NVML."""
    found = []
    with contextlib.suppress(Exception):  # no package, no driver, no GPU: each raises its own kind
        import pynvml

        pynvml.nvmlInit()
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            found.append(handle)
    return found
