"""python3 probe.py URL [--tries N] [--timeout S] [--slow S]"""

import os
import signal
import sys
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

settings = {"--tries": "3", "--timeout": "2", "--slow": "1"}


def end(code, text):
    os.write(1, f"{('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]}: {text}\n".encode())
    os._exit(code)


def one_try(url, found):
    try:
        connection = HTTPConnection(url.hostname, url.port or 80)
        path = (url.path or "/") + ("?" + url.query if url.query else "")
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    except Exception as error:
        found.append(error)


signal.signal(signal.SIGTERM, lambda *_: end(3, "interrupted"))
try:
    arguments = sys.argv[1:]
    url = urlsplit(arguments.pop(0))
    assert url.scheme == "http" and url.hostname
    while arguments:
        name = arguments.pop(0)
        assert name in settings
        settings[name] = arguments.pop(0)
    tries, timeout, slow = int(settings["--tries"]), float(settings["--timeout"]), float(settings["--slow"])
    assert tries > 0 and timeout > 0
except Exception as error:
    end(3, f"usage: probe.py URL ({error})")

for number in range(tries):
    found = []
    start = time.time()
    thread = threading.Thread(target=one_try, args=(url, found), daemon=True)
    thread.start()
    thread.join(timeout)
    seconds = time.time() - start
    last = found[0] if found else "no answer in time"
    if isinstance(last, int) and 200 <= last < 300:
        end(1 if number or seconds > slow else 0, f"{seconds:.2f} s, try {number + 1}")
    time.sleep(0.1)
end(2, last)
