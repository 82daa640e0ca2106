"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "numba", "llvmlite", "msgspec", "trio", "pyarrow")


def describe() -> dict[str, str]:
    """Name the processor, memory, system and versions, and the day (from the system's clock)."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _first_line("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": _first_line("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def load() -> float:
    """How many processes wanted to run during the last minute."""
    return os.getloadavg()[0]


def _first_line(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
