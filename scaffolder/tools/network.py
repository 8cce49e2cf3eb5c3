"""Can a server be reached, and is it for the network that a program failed?"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
# How the network code of C, Go, Python and curl words a host that is not reached.
_FAILURE = re.compile(
    r"no such host|temporary failure (?:in name resolution|resolving)|name or service not known"
    r"|could not resolve|failed to lookup address|dns error|NameResolutionError"
    r"|connection (?:refused|reset|timed out|broken)|could not connect|unable to connect"
    r"|failed to establish a new connection|NewConnectionError|max retries exceeded"
    r"|network is unreachable|no route to host|i/o timeout|TLS handshake timeout|read timed out"
    r"|ConnectTimeoutError|ReadTimeoutError|ProxyError|proxyconnect",
    re.IGNORECASE,
)


def names_failure(line: str) -> bool:
    """Whether a line of a program's output words that a host was not reached.

    What a program prints proves nothing: this finds the line to show, or what to look into.
    """
    return _FAILURE.search(line) is not None


def why_unreachable(address: str, seconds: float) -> str:
    """Return why the server of a URL cannot be reached within `seconds`, or "".

    Where the environment names a proxy for it, that is what must be reachable. Nothing is sent.
    """
    try:
        return _why_unreachable(urlsplit(address), seconds)
    except ValueError as error:
        return f"{address}: {error}"


def _why_unreachable(parts: SplitResult, seconds: float) -> str:
    if parts.scheme == "file":
        return "" if Path(parts.path).exists() else f"{parts.path} is not there"
    import urllib.request  # takes as long to load as all else that `devlab new` asks of git

    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if proxy and not urllib.request.proxy_bypass(host):
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
        host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme, 443)
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return ""
    except OSError as error:
        return f"{host}: {error}"
