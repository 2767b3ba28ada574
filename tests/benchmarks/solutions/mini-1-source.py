import ast
from pathlib import Path

tree = ast.parse(Path("weir.py").read_text())
functions = [
    node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
]
print(sum(ast.get_docstring(function) is None for function in functions))
