"""What a text is written as by somebody who hopes that it is not found any more."""

from __future__ import annotations

import base64

# What is shorter than this stands in other texts by chance.
_SHORTEST = 8


def list_disguises(text: str) -> tuple[bytes, ...]:
    """Return what `base64`, wherever it begins, `xxd -p` and UTF-16 make of a text.

    Of base64 it is the middle, which does not depend on what stands around the text. Of a short
    text there is none.
    """
    raw = text.encode()
    shifted = (base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3))
    told = (*shifted, raw.hex().encode(), raw.hex().upper().encode())
    wide = (text.encode("utf-16-le"), text.encode("utf-16-be"))
    return tuple(one for one in (*told, *wide) if len(one) >= _SHORTEST)
