"""The linter of the scripts, `oxlint` with .oxlintrc.json, finds what it is there for."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OXLINT = Path(sys.executable).with_name("oxlint")
LONG = "export function long() {\n" + "  long();\n" * 58 + "}\n"
FAULTS = {
    "eslint(no-undef)": "export const double = () => 2 * missing;\n",
    "eslint(no-unused-vars)": "const unused = 1;\n",
    "import(named)": 'import { none } from "./other.js";\nexport const one = none;\n',
    "import(no-cycle)": 'import { other } from "./other.js";\nexport const one = other;\n',
    "eslint(max-lines-per-function)": LONG.replace("}", "  long();\n}"),
    "oxc(const-comparisons)": "export const never = (x) => x > 2 && x < 1;\n",
}


def lint(folder, text):
    (folder / "one.js").write_text(text)
    (folder / "other.js").write_text(
        'import { one } from "./one.js";\nexport const other = () => one;\n'
    )
    command = [OXLINT, "-c", ROOT / ".oxlintrc.json", folder]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_in_a_script_is_found(tmp_path, rule):
    found = lint(tmp_path, FAULTS[rule])
    assert found.returncode == 1
    assert rule in found.stdout


def test_a_function_may_have_60_lines(tmp_path):
    assert len(LONG.splitlines()) == 60
    found = lint(tmp_path, LONG + "export const one = 1;\n")
    assert "max-lines" not in found.stdout
