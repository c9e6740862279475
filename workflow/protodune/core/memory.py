"""How the C library treats the memory of large arrays."""

from __future__ import annotations

import ctypes


def keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: handing activations back to the kernel each step costs 15 % of the time on CPUs."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library: slower, not wrong
    m_trim_threshold, m_mmap_max, m_arena_max = -1, -4, -8
    mallopt(m_arena_max, 1)  # or every thread keeps blocks of its own
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
