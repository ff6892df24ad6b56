"""What visitors have used, within an hour, of the time that the machine's owner gives them."""

import ipaddress
import threading
import time
from contextlib import suppress

HOUR = 3600.0


def payer_of(host: str | None, visit: str) -> str:
    """Whose minutes something takes: those of an address (of IPv6, its first 64 bits, which are one
    connection's), or of the visit where the address tells nothing, as behind another server or at home.
    """
    with suppress(ValueError):
        found = ipaddress.ip_address(host or "")
        if found.is_global:
            return str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))
    return visit


class Ledger:
    """Seconds by payer. One of each kind of work; threads may share it."""

    def __init__(self) -> None:
        self._spent: dict[str, list[tuple[float, float]]] = {}
        """Payer -> when something ended (monotonic), and the seconds that it took."""
        self._lock = threading.Lock()

    def spent(self, payer: str) -> float:
        """Seconds that a payer's work took within the last hour."""
        since = time.monotonic() - HOUR
        with self._lock:
            return sum(seconds for ended, seconds in self._spent.get(payer, []) if ended > since)

    def spend(self, payer: str, seconds: float) -> None:
        """Note work that has just ended; what is older than an hour is forgotten."""
        now = time.monotonic()
        with self._lock:
            self._spent.setdefault(payer, []).append((now, seconds))
            recent = {one: [use for use in uses if use[0] > now - HOUR] for one, uses in self._spent.items()}
            self._spent = {one: uses for one, uses in recent.items() if uses}
