"""Run the tests of what changed since the last commit: `make check`."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = "tests/test_book_text.py"


def changed() -> list[str]:
    """The files that differ from the last commit or are new, as paths in the repository."""
    commands = (["diff", "--name-only", "HEAD"], ["ls-files", "--others", "--exclude-standard"])
    lists = [
        subprocess.run(
            ["git", "-C", ROOT, *command, "-z"], check=True, capture_output=True, text=True
        ).stdout.split("\0")
        for command in commands
    ]
    return sorted(name for names in lists for name in names if name and (ROOT / name).exists())


def scripts_with(name: str) -> set[str]:
    """The names of the widgets whose scripts import a shared one, directly or through others."""
    folder = ROOT / "cnnlib" / "widgets"
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*.js")}
    found, todo = set(), {name}
    while todo:
        wanted = todo.pop()
        users = {path for path, text in texts.items() if f'/{wanted}.js"' in text} - found
        found |= users
        todo |= {path.stem for path in users}
    return {path.stem for path in found if path.parent == folder}


def tests_of(name: str) -> set[str]:
    """What pytest is to run for a changed file."""
    path = Path(name)
    if name.startswith("chapters/") and path.suffix == ".ipynb":
        return {name, "tests/test_notebooks.py", LINKS}
    if path.parent.name == "chapters" or name in ("intro.md", "_toc.yml"):
        return {LINKS}
    if name.startswith("tests/"):
        return {name} if path.name.startswith("test_") else set()
    if not name.startswith(("cnnlib/", "tools/")):
        return set()
    stems = {path.stem} | (scripts_with(path.stem) if path.suffix == ".js" else set())
    if path.parent.name == "math":
        stems.add("math")
    own = {f"tests/test_{stem}.py" for stem in stems if (ROOT / f"tests/test_{stem}.py").exists()}
    # What has no test of its own is tested by those that name it.
    return own or {
        test.relative_to(ROOT).as_posix()
        for test in ROOT.glob("tests/test_*.py")
        if re.search(rf"\b{path.stem}\b", test.read_text("utf-8"))
    }


def main() -> None:
    """Say what is run, and run it."""
    tests = sorted(set().union(*map(tests_of, changed())))
    if not tests:
        print("Nothing has changed that has a test.")
        return
    print("Testing", *tests)
    options = ["-q", "-n", "auto", "--dist", "loadfile", "--built"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
