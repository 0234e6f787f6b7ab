"""Peak memory of a process."""

from pathlib import Path


def peak(pid: int | str = "self") -> float:
    """Return the peak memory of a process in MB (10^6 bytes); 0 if the process has just ended. Linux only.

    `getrusage` is not used, because it also counts the memory before `exec`, which is that of the parent process.
    """
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024 / 1e6
