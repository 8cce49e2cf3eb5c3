"""Fail where a module of the app imports what it does not use."""

import ast
import sys
from pathlib import Path

unused = []
for path in sorted(Path("app").glob("*.py")):
    tree = ast.parse(path.read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.Import):
            unused += [f"{path}: {one.name}" for one in node.names if one.name not in used]
sys.exit("\n".join(unused) or 0)
