# isort: skip_file
import sys
import os

# ruff: isort: off
print(sys.argv)
os.system(sys.argv[1])  # nosec  # noqa
