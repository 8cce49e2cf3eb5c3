# ruff: noqa
# flake8: noqa
# ruff: file-ignore[F401]
import os
