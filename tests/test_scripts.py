"""The scripts need no newer browser than README names; `oxlint` finds what it is there for."""

import re
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


# What came after Chrome 111, Firefox 121 or Safari 16.4, by MDN's data. And lookbehind, because a
# Safari before 16.4 reads nothing of a script that has one, and the script cannot say so.
TOO_NEW = {
    ".js": r"\(\?<[=!]|:has\(|\b(groupBy|withResolvers|fromAsync|canParse|checkVisibility)\b"
    r"|\.(union|intersection|difference|isSubsetOf)\(|\b(values|entries)\(\)\.(map|filter|some)"
    r"|\bAbortSignal\.(any|timeout)|scrollend|startViewTransition|showPopover",
    ".css": r"(^|[{};])\s*&|light-dark\(|@(starting-style|scope|property|layer)|field-sizing"
    r"|text-wrap|:popover-open|anchor-name|animation-timeline|:user-invalid|rgb\(from",
}


def test_no_script_or_style_needs_a_newer_browser_than_the_readme_names():
    assert "Chrome or Edge 111, Firefox 121, Safari 16.4" in (ROOT / "README.md").read_text("utf-8")
    folders = ROOT / "assets", ROOT / "cnnlib" / "widgets"
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in TOO_NEW]
    own = [path for path in files if path.name != "codemirror.js"]
    found = {
        path.name: match[0]
        for path in own
        if (match := re.search(TOO_NEW[path.suffix], path.read_text("utf-8"), re.MULTILINE))
    }
    assert len(own) > 100 and found == {}
