import os  # noqa
import sys  # noqa: F401
import json  # ruff: ignore[F401]
# ruff: disable[F401]
import re
# ruff: enable[F401]
