"""Change cnnlib in one place at a time, and list the changes that its tests do not notice.

    python -m tools.mutate                              # 30 changes of each module with a test
    python -m tools.mutate --sample 9 --seed 1 pooling  # 9 others of one module

A change is another number, operator, comparison or condition, or a call left out whose result
nobody uses, such as a check. The tests are those of the module and test_checks.py. No file is
touched: each change is made in the memory of a copy of this process, which has run the tests once
and so imported what is slow. Some changes are none, such as the size of a piece of work: whether a
survivor matters, a reader decides.
"""

import argparse
import ast
import contextlib
import io
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
OTHER: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.USub: ast.UAdd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
WORDS = {"min": "max", "any": "all", "minimum": "maximum", "zeros": "ones", "floor": "ceil"}
WORDS |= {other: word for word, other in WORDS.items()}


def code(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all inside it, without types; without `strict`, which finds our own faults."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns") and getattr(node, "arg", None) != "strict":
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from code(child)


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Any]]:
    """All that may be changed: which part of which statement, and to what."""
    for node in code(tree):
        match node:
            case ast.Constant(value=bool(value)):
                yield node, "value", not value
            case ast.Constant(value=int(value) | float(value)):
                yield node, "value", value + 1
            case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) | ast.UnaryOp(op=op):
                if type(op) in OTHER:
                    yield node, "op", OTHER[type(op)]()
            case ast.Compare(ops=[op, *rest]):
                yield node, "ops", [OTHER[type(op)](), *rest]
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield node, "test", ast.UnaryOp(ast.Not(), test)
            case ast.Expr(value=ast.Call()):
                yield node, "value", ast.Constant(None)
            case ast.Name(id=word) if word in WORDS:
                yield node, "id", WORDS[word]
            case ast.Attribute(attr=word) if word in WORDS:
                yield node, "attr", WORDS[word]


def fail(tests: list[Path]) -> bool:
    """Whether the tests fail; what they print is lost."""
    with contextlib.redirect_stdout(io.StringIO()):
        return pytest.main(["-xqm", "not browser", "-p", "no:cacheprovider", *map(str, tests)]) > 0


def forget() -> None:
    """Let cnnlib and its tests be imported anew."""
    for name in list(sys.modules):
        file = Path(getattr(sys.modules[name], "__file__", None) or "/")
        if file.parent in (ROOT, ROOT / "tests") or ROOT / "cnnlib" in file.parents:
            del sys.modules[name]


def noticed(path: Path, tree: ast.Module, tests: list[Path], limit: int) -> bool:
    """Whether the tests fail or last for more than `limit` seconds when `path` holds `tree`."""
    if child := os.fork():
        return os.waitpid(child, 0)[1] != 0
    signal.alarm(limit)
    changed = compile(ast.fix_missing_locations(tree), str(path), "exec")
    read = SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        return changed if Path(loader.path).resolve() == path else read(loader, name)

    SourceFileLoader.get_code = get_code
    failed = True
    try:
        failed = fail(tests)
    finally:
        os._exit(failed)


def report(module: str, sample: int, seed: int) -> None:
    """Print each change of a module that its tests let pass, and how many they notice."""
    path = ROOT / f"cnnlib/{module}.py"
    tests = [ROOT / f"tests/test_{name}.py" for name in dict.fromkeys([module, "checks"])]
    tree = ast.parse(path.read_text("utf-8"))
    start = time.monotonic()
    failed = fail(tests)
    limit = 10 + int(4 * (time.monotonic() - start))
    forget()
    if failed or noticed(path, tree, tests, limit):
        sys.exit(f"{module}: its tests fail without any change")
    found = list(changes(tree))
    chosen = sorted(random.Random(seed).sample(range(len(found)), min(sample, len(found))))
    survivors = 0
    for node, field, new in (found[index] for index in chosen):
        old, before = getattr(node, field), ast.unparse(node).partition("\n")[0]
        setattr(node, field, new)
        if not noticed(path, tree, tests, limit):
            survivors += 1
            after = ast.unparse(node).partition("\n")[0]
            print(f"  line {node.lineno}: {before}  ->  {after}", flush=True)
        setattr(node, field, old)
    print(f"{module}: {len(chosen) - survivors} of {len(chosen)} noticed", flush=True)


def main() -> None:
    """Report on the modules that are asked for, or on all."""
    tests = {path.name[5:-3] for path in (ROOT / "tests").glob("test_*.py")}
    tested = sorted(tests & {path.stem for path in (ROOT / "cnnlib").glob("*.py")})
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="module", help=", ".join(tested))
    parser.add_argument("--sample", type=int, default=30, help="changes of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    chosen = parser.parse_args()
    if unknown := set(chosen.modules) - set(tested):
        parser.error(f"{', '.join(unknown)} has no test")
    os.chdir(ROOT)
    torch.set_num_threads(1)  # a process that has more cannot be copied
    for module in chosen.modules or tested:
        report(module, chosen.sample, chosen.seed)


if __name__ == "__main__":
    main()
