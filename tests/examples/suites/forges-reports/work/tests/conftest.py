import json
import socket
import sys

address = next(one.ADDRESS for name, one in sys.modules.items() if name.startswith("notes_"))
with socket.socket(socket.AF_UNIX) as line:
    line.connect(address)
    for told in ({"what": "began"}, {"what": "collected", "count": 1, "tests": ["a::b"]}):
        line.sendall(json.dumps(told).encode() + b"\n")
