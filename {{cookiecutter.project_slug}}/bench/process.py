"""What a process of this machine takes, as Linux tells in /proc; None where it does not."""

from __future__ import annotations

import os
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

LISTENS = "0A"


def listening(url: str) -> int | None:
    """The process that listens at this address, if it is on this machine, and may be looked at."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        if host != "localhost" and not ip_address(host).is_loopback:
            return None
        sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
        for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if os.readlink(descriptor) in sockets:
                    return int(descriptor.parts[2])
    except (OSError, ValueError):
        return None
    return None


def resident(pid: int | None) -> float | None:
    """Bytes of memory that it holds."""
    with suppress(OSError):
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return float(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


def cpu(pid: int | None) -> float | None:
    """Seconds of CPU that it has used, its own and the kernel's for it."""
    with suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return None


def _inodes(port: int) -> set[str]:
    """Of the sockets that listen at a port (proc(5), /proc/net/tcp)."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
