"""The questions of the chapters, made by as few of their statements as it takes."""

import ast
import builtins
import re

import nbformat
import numpy as np

from cnnlib.exercises import CHECKS
from cnnlib.exercises.checking import Drawn


def bound(statement):
    """The names that a statement of a cell binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    nodes = ast.walk(statement)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def replaced(statement):
    """Those of them that do not keep what they were before."""
    if isinstance(statement, ast.Assign):
        return set.union(*[bound(target) for target in statement.targets])
    return bound(statement) if isinstance(statement, ast.FunctionDef | ast.Import) else set()


def called_on(statement):
    """The names in a statement that calls a method for what it does: `loss(y).backward()`."""
    method = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    if not method or not isinstance(statement.value.func, ast.Attribute):
        return set()
    return used(statement) - {"cnnlib", "np", "plt", *dir(builtins)}


def used(statement):
    """The names that a statement reads, less the local ones of a function or a class."""
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
    read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return read - own
    return read | own if isinstance(statement, ast.AugAssign) else read


def calls_check(statement):
    return isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("Check")


def checks(path):
    """For each check of a chapter: its cell, the Check, and the functions that drew it."""
    earlier = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or cell.source.startswith("%"):
            continue
        statements = ast.parse(cell.source).body
        if drawn := of_an_exercise(cell.source):
            yield cell, *drawn
        elif statements and calls_check(statements[-1]):
            yield cell, *run([*earlier, *statements])
        earlier += statements


def of_an_exercise(source):
    """The Check of an exercise that asks for a number, and the function that draws it."""
    label = re.fullmatch(r'check\("(.*)"\)', source)
    exercise = CHECKS[label[1]] if label else None
    if not isinstance(exercise, Drawn):
        return None
    rng = np.random.default_rng(1)

    def draw():
        return exercise.draw(rng)

    return exercise.widget(), [draw]


def run(statements):
    """The value of the last statement, and the functions named in its call of Check.drawn."""
    last = statements[-1]
    needed, names = [], used(last)
    for statement in reversed(statements[:-1]):
        if (bound(statement) | called_on(statement)) & names:
            needed.insert(0, statement)
            names = (names - replaced(statement)) | used(statement)
    space = {}
    exec(compile(ast.Module(needed, []), "chapter", "exec"), space)
    check = eval(compile(ast.Expression(last.value), "chapter", "eval"), space)
    drawn = ast.unparse(last).startswith("Check.drawn")
    return check, [space[last.value.args[0].id]] if drawn else []
