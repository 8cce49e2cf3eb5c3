"""Can a server be reached? Found out by connecting to it, without a word being said."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


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
