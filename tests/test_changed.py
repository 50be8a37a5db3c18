"""What `make check` runs for a change."""

import subprocess

import pytest

from tools import changed


@pytest.mark.parametrize(
    ("name", "tests"),
    [
        (
            "chapters/loss.ipynb",
            {"chapters/loss.ipynb", "tests/test_notebooks.py", "tests/test_book_text.py"},
        ),
        ("chapters/glossary.md", {"tests/test_book_text.py"}),
        ("_toc.yml", {"tests/test_book_text.py"}),
        ("cnnlib/pooling.py", {"tests/test_pooling.py"}),
        ("cnnlib/widgets/sliding_kernel.js", {"tests/test_sliding_kernel.py"}),
        ("tests/test_loss.py", {"tests/test_loss.py"}),
        ("tools/serve.py", {"tests/test_serve.py"}),
        ("README.md", set()),
    ],
)
def test_a_file_has_its_tests(name, tests):
    assert changed.tests_of(name) == tests


def test_a_shared_script_is_tested_by_the_widgets_that_import_it_through_others():
    tests = changed.tests_of("cnnlib/widgets/shared/view/grid.js")
    assert {"tests/test_sliding_kernel.py", "tests/test_convolution_backward.py"} <= tests
    assert "tests/test_loss.py" not in tests


def test_a_module_without_a_test_of_its_own_is_tested_where_it_is_named():
    assert "tests/test_training.py" in changed.tests_of("cnnlib/classifiers.py")


def test_changed_and_new_files_are_found_and_removed_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for name in ("kept", "edited", "removed"):
        (tmp_path / name).write_text("before")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "edited").write_text("after")
    (tmp_path / "new").write_text("new")
    (tmp_path / "removed").unlink()
    assert changed.changed() == ["edited", "new"]
