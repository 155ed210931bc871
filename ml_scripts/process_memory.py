"""How much memory this process holds."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path


def memory_bytes() -> int | None:
    """Return the resident memory of this process; None where the system does not tell."""
    if sys.platform == "linux":
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        return _of_windows()
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return int(told.stdout) * 1024 if told.stdout.strip().isdigit() else None


def _of_windows() -> int | None:
    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = [
            ("cb", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in ("peak", "working_set", "a", "b", "c", "d", "page_file", "e")),
        ]

    found = Counters(cb=ctypes.sizeof(Counters))
    windows = getattr(ctypes, "windll")  # noqa: B009 - there is none elsewhere
    process = ctypes.c_void_p(windows.kernel32.GetCurrentProcess())
    if not windows.psapi.GetProcessMemoryInfo(process, ctypes.byref(found), found.cb):
        return None
    return int(found.working_set)
