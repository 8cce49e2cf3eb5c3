"""Run every test in tests/, without pytest."""

import sys
from pathlib import Path
from runpy import run_path

sys.path.insert(0, ".")
for path in sorted(Path("tests").glob("test_*.py")):
    for name, test in run_path(str(path)).items():
        if name.startswith("test_"):
            test()
