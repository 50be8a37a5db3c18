import ast
import subprocess
import sys
from pathlib import Path

import cnnlib

MODULES = sorted(Path(cnnlib.__file__).parent.glob("*.py"))
ON_TOP = {"plots", "reproduce"}  # figures and a command: nothing in the core imports them


def test_the_core_stays_under_2500_lines():
    lines = {
        path.name: sum(bool(line.strip()) for line in path.read_text("utf-8").splitlines())
        for path in MODULES
        if path.stem not in ON_TOP
    }
    assert sum(lines.values()) < 2500, lines


def test_importing_cnnlib_is_quick_and_does_not_import_what_may_never_be_used():
    heavy = "matplotlib PIL anywidget ipywidgets sklearn tqdm pooch safetensors".split()
    code = f"import sys, cnnlib; print([m for m in {[*heavy, 'torch']} if m in sys.modules])"
    root = Path(cnnlib.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_public_function_and_class_of_a_layer_module_is_importable_from_cnnlib():
    internal = {"checks", "classifiers", "layer", "memory", "__init__", "worked_example"} | ON_TOP
    hidden = {"Correlation", "Activation", "Windows", "Run", "Row", "Summary", "Source", "Split"}
    hidden |= {"Folder"}
    hidden |= {"padding_sides", "fans", "read_idx", "check_data", "Optimizer", "Schedule", "Loss"}
    for path in MODULES:
        if path.stem not in internal:
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                    assert hasattr(cnnlib, node.name) or node.name in hidden, node.name
