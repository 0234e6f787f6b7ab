"""The most memory that a process ever had."""

from pathlib import Path


def peak(pid: int | str = "self") -> float:
    """Return it in MB, 10^6 bytes; 0 where the process has just ended. Linux only.

    `getrusage` would count what the process before `exec` had, too: that of whoever started this one.
    """
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024 / 1e6
