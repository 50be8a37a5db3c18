"""What a reader has solved: kept, marked, saved and loaded in the page, and read for a class."""

import base64
import csv
import io
import json

import pytest
from playwright.sync_api import expect

from cnnlib import progress

pytest_plugins = ["tests.browser"]
SOLVED_FILE = {
    "book": "Convolutional networks",
    "version": 1,
    "name": "Ada",
    "saved": "2026-11-30T12:34:56.000Z",
    "entries": {
        "done:chapters/pooling": json.dumps({"checks": ["a", "b"], "exercises": ["c"], "of": 10}),
        "done:chapters/loss": json.dumps({"checks": ["d"], "exercises": [], "of": 7}),
        "solved:pooling-reshape": "def mine(): ...",
        "code:pooling:code-start-own": "x = 1",
    },
}


def saved(folder, file="ada", **changes):
    path = folder / f"{file}.json"
    path.write_text(json.dumps(SOLVED_FILE | changes), "utf-8")
    return path


def file_of(entries):
    return json.dumps({"version": 1, "entries": entries})


# --- for a class ---


def test_a_file_is_read_chapter_by_chapter(tmp_path):
    found = progress.read(saved(tmp_path))
    assert found.name == "Ada"
    assert found.chapters == {"pooling": (2 + 1, 10), "loss": (1, 7)}
    assert found.solved == 3 + 1


def test_the_table_has_a_row_for_each_file_in_the_order_of_names(tmp_path, capsys):
    other = {"done:chapters/dense": json.dumps({"checks": ["x"], "exercises": [], "of": 5})}
    files = [saved(tmp_path), saved(tmp_path, "b", name="abe", entries=other)]
    into = tmp_path / "table.csv"
    assert progress.main([*map(str, files), "--csv", str(into)]) == 0
    with into.open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file)) == [
            ["name", "saved", "solved", "dense", "pooling", "loss"],
            ["abe", "2026-11-30 12:34", "1", "1 of 5", "", ""],
            ["Ada", "2026-11-30 12:34", "4", "", "3 of 10", "1 of 7"],
        ]
    assert "Ada" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no", "is no JSON"),
        ("[]", "has no entries"),
        ('{"entries": []}', "has no entries"),
        ('{"entries": {}, "version": 2}', "is of version 2; expected 1"),
        ('{"entries": {"done:x": "7"}, "version": 1}', "does not write: '7'"),
        ('{"entries": {"done:x": 7}, "version": 1}', "does not write: 7"),
        ('{"entries": {"done:x": "{}"}, "version": 1}', "does not write: '{}'"),
        ("[" * 100_000, "is no JSON"),
        (file_of({"done:x": "[" * 100_000}), "does not write: '[[[["),
        (file_of({"done:x": '{"checks": "abc", "exercises": [], "of": 9}'}), "does not write: "),
        (file_of({"done:x": '{"checks": [["a"]], "exercises": [], "of": 9}'}), "does not write: "),
        (file_of({"done:x": '{"checks": [], "exercises": [], "of": 1e999}'}), "does not write: "),
        (file_of({"done:x": '{"checks": [], "exercises": [], "of": 1e308}'}), "does not write: "),
    ],
)
def test_another_file_is_left_out_with_its_reason_and_the_rest_is_read(
    tmp_path, capsys, text, reason
):
    bad = tmp_path / "bad.json"
    bad.write_text(text, "utf-8")
    assert progress.main([str(bad), str(saved(tmp_path))]) == 1
    shown = capsys.readouterr()
    assert f"left out: {bad}" in shown.err
    assert reason in shown.err
    assert "Ada" in shown.out


def test_a_missing_and_a_huge_file_are_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "LARGEST", 10)
    assert progress.main([str(tmp_path / "none.json"), str(saved(tmp_path))]) == 2
    assert "larger than 10 bytes" in capsys.readouterr().err


def test_what_is_counted_twice_in_a_file_counts_once(tmp_path):
    twice = {"done:chapters/loss": json.dumps({"checks": ["a", "a"], "exercises": [], "of": 1})}
    assert progress.read(saved(tmp_path, entries=twice)).chapters == {"loss": (1, 1)}


def test_no_cell_of_the_table_is_a_formula(tmp_path):
    into = tmp_path / "table.csv"
    progress.main([str(saved(tmp_path, name="=1+1")), "--csv", str(into)])
    assert "'=1+1" in into.read_text()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada\nEve  2026-11-30 12:34  99", "Ada Eve 2026-11-30 12:34 99"),
        ("\x1b[2JAda\u202e", "[2JAda"),
        ("\ud800Łu", "Łu"),
        (" =1+1", "=1+1"),
        (["Ada"], "ada"),
        ("A" * 9999, "A" * 200),
    ],
)
def test_a_name_is_one_short_line(tmp_path, name, shown):
    assert progress.read(saved(tmp_path, name=name)).name == shown


def test_letters_that_the_output_does_not_know_stop_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert progress.main([str(saved(tmp_path, name="Łukasz"))]) == 0


def test_a_folder_stands_for_its_files(tmp_path, capsys):
    saved(tmp_path)
    saved(tmp_path, "b", name="Zoë")
    (tmp_path / "notes.txt").write_text("no")
    assert progress.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("3 of 10") == 2


# --- in the page ---


REPORT = "chapters/progress.html"
MARK = ".bd-sidebar .done-mark"


@pytest.fixture
def reader(open_page, site):
    """A page of one reader who has solved nothing."""
    page = open_page()
    page.goto(f"{site}/chapters/pooling.html")
    return page


def solve(page):
    """Answer the first check of the chapter on pooling: 28 rows, window 3, stride 2."""
    first = page.locator(".cnn-widget.check").first
    first.get_by_label("Your answer").fill(str((28 - 3) // 2 + 1))
    first.get_by_role("button", name="Check", exact=True).click()
    return first


def test_a_solved_check_is_marked_and_counted_also_after_a_reload(reader):
    assert reader.locator(MARK).count() == 0
    solve(reader)
    checks = reader.locator(".cnn-widget.check").count()
    exercises = reader.locator(".cell.tag_exercise").count()
    expected = f"1/{checks + exercises}"
    reader.locator(MARK).wait_for()
    assert reader.locator(MARK).all_inner_texts() == [expected]
    reader.reload()
    reader.locator(".solved-mark").wait_for()
    assert reader.locator(".solved-mark").count() == 1
    assert reader.locator(MARK).all_inner_texts() == [expected]


def test_a_wrong_answer_marks_nothing(reader):
    first = reader.locator(".cnn-widget.check").first
    first.get_by_label("Your answer").fill("14")
    first.get_by_role("button", name="Check", exact=True).click()
    first.locator(".wrong").wait_for()
    assert reader.locator(".solved-mark, .done-mark").count() == 0


def test_the_first_page_says_where_to_go_on(reader, site):
    reader.goto(f"{site}/intro.html")
    reader.locator(".go-on a").wait_for()
    assert reader.locator(".go-on a").get_attribute("href").endswith("/pooling.html")
    reader.go_back()
    reader.locator("#what-a-shift-does").scroll_into_view_if_needed()
    reader.mouse.wheel(0, 400)
    reader.goto(f"{site}/intro.html")
    link = reader.locator(".go-on a")
    link.wait_for()
    assert link.inner_text().startswith("6. Pooling, 6.6.")
    link.click()
    assert reader.url.endswith("/chapters/pooling.html#what-a-shift-does")


def test_the_first_page_says_nothing_to_a_new_reader(open_page, site):
    page = open_page()
    page.goto(f"{site}/intro.html")
    page.locator(".cnn-widget").first.wait_for()
    assert not page.locator(".go-on").is_visible()


def report(page, site):
    page.goto(f"{site}/{REPORT}")
    box = page.locator(".progress-report")
    box.wait_for()
    return box


def rows(box):
    return [row.locator("td").all_inner_texts() for row in box.locator("tbody tr").all()]


def test_what_is_saved_is_loaded_on_another_device(reader, open_page, site, tmp_path):
    solve(reader)
    box = report(reader, site)
    [[chapter, checks, exercises, of]] = rows(box)
    assert (chapter, checks, exercises) == ("6. Pooling", "1", "0")
    box.get_by_label("Your name").fill("Ada <L>")
    with reader.expect_download() as download:
        box.get_by_role("button", name="Save as a file").click()
    assert download.value.suggested_filename == "cnn-book-ada-l.json"
    path = tmp_path / "ada.json"
    download.value.save_as(path)
    assert progress.read(path).chapters == {"pooling": (1, int(of))}
    assert progress.read(path).name == "Ada <L>"

    other = open_page()
    box = report(other, site)
    assert box.get_by_text("Nothing is solved yet").is_visible()
    box.locator("input[type=file]").set_input_files(path)
    box.get_by_text("1 entries are here now.").wait_for()
    assert rows(box) == [["6. Pooling", "1", "0", of]]
    other.goto(f"{site}/chapters/pooling.html")
    other.locator(".solved-mark").wait_for()


def put(page, entries):
    page.evaluate("entries => Object.assign(localStorage, entries)", entries)


def kept(page):
    """What is kept, but for the theme's own settings, which come when they come."""
    every = page.evaluate("({ ...localStorage })")
    return {key: text for key, text in every.items() if key not in ("mode", "theme")}


@pytest.mark.parametrize("theirs", [True, False])
def test_two_devices_are_joined_and_the_reader_chooses_between_texts(
    open_page, site, tmp_path, theirs
):
    page = open_page()
    box = report(page, site)
    mine = {"checks": ["b", "z"], "exercises": [], "of": 10}
    put(page, {"done:chapters/pooling": json.dumps(mine), "code:pooling:code-start-own": "y = 2"})
    asked = []

    def answer(dialog):
        asked.append(dialog.message)
        dialog.accept() if theirs else dialog.dismiss()

    page.on("dialog", answer)
    box.locator("input[type=file]").set_input_files(saved(tmp_path))
    box.get_by_text("4 entries are here now.").wait_for()
    now = kept(page)
    joined = json.loads(now["done:chapters/pooling"])
    assert joined == {"checks": ["b", "z", "a"], "exercises": ["c"], "of": 10}
    assert now["code:pooling:code-start-own"] == ("x = 1" if theirs else "y = 2")
    assert now["solved:pooling-reshape"] == "def mine(): ..."
    assert asked == ["1 text in the file differs from yours. Take that of the file?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", "it is not JSON"),
        ("[]", "it has no entries"),
        ('{"version": 9, "entries": {}}', "of version 9; this book reads version 1"),
        (
            json.dumps({"version": 1, "entries": {"theme": "x", "done:a b": "{}", "code:a:b": 7,
                                                  "__proto__:x": "y", "solved:s": "1" * 200_001}}),
            "0 entries are here now. 5 were left out: this book does not write such.",
        ),
    ],
)  # fmt: skip
def test_a_bad_file_changes_nothing_and_says_why(open_page, site, tmp_path, text, said):
    page = open_page()
    box = report(page, site)
    before = kept(page)
    path = tmp_path / "bad.json"
    path.write_text(text, "utf-8")
    box.locator("input[type=file]").set_input_files(path)
    box.locator("[role=status]").get_by_text(said).wait_for()
    assert kept(page) == before


def test_what_is_kept_and_damaged_is_as_nothing(open_page, site):
    page = open_page()
    page.goto(f"{site}/chapters/pooling.html")
    put(page, {"done:chapters/pooling": "{", "done:chapters/loss": "null",
               "done:chapters/dense": '{"checks": [7, "<b>"], "of": 1000000000}'})  # fmt: skip
    page.reload()
    page.locator(MARK).wait_for()
    assert page.locator(MARK).all_inner_texts() == ["✓"]  # one of one
    page.goto(f"{site}/intro.html")
    for place in ('{"page": "x", "title": "y"}', "{", "null", '{"page": "chapters/loss"}'):
        put(page, {"place": place})
        page.reload()
        page.locator(".cnn-widget").first.wait_for()
        assert not page.locator(".go-on").is_visible()


def test_forget_asks_first_and_forgets_all_but_the_theme(reader, site):
    solve(reader)
    other = reader.context.new_page()  # another tab
    other.goto(reader.url)
    other.locator(".solved-mark").wait_for()
    box = report(reader, site)
    answers = [False, True]
    reader.on("dialog", lambda dialog: dialog.accept() if answers.pop(0) else dialog.dismiss())
    forget = box.get_by_role("button", name="Forget all")
    forget.click()
    assert len(rows(box)) == 1
    forget.click()
    box.get_by_text("Nothing is kept any more.").wait_for()
    assert rows(box) == []
    assert reader.locator(MARK).count() == 0
    assert kept(reader) == {}
    expect(other.locator(".solved-mark")).to_have_count(0)
    put(reader, {"done:chapters/loss": json.dumps({"checks": ["a"], "exercises": [], "of": 3})})
    reader.evaluate("dispatchEvent(new StorageEvent('storage', { key: 'done:chapters/loss' }))")
    assert len(rows(box)) == 1  # another tab


@pytest.mark.parametrize("method", ["getItem", "setItem"])
def test_a_browser_that_keeps_nothing_says_so(open_page, site, method):
    page = open_page()
    # The theme takes it that a browser keeps its own settings.
    page.add_init_script(
        f"const own = Storage.prototype.{method};"
        f"Storage.prototype.{method} = function (key, text) {{"
        "  if (/^(done:|place)/.test(key)) throw new DOMException('no');"
        "  return own.call(this, key, text);"
        "};"
    )
    page.goto(f"{site}/chapters/pooling.html")
    solve(page)
    page.locator(".solved-mark").wait_for()
    if method == "setItem":
        assert "does not keep it" in page.locator(".solved-mark").inner_text()
    else:
        page.goto(f"{site}/{REPORT}")
        page.get_by_text("This browser keeps nothing").wait_for()


# --- what was set in a widget ---

STORED = "Object.keys(localStorage).filter((key) => key.startsWith('widget:'))"


def explorer(page):
    root = page.locator(".pooling-explorer").first
    root.wait_for()
    return root


def test_a_widget_is_as_the_reader_left_it_and_reset_shows_the_pages(open_page, site):
    page = open_page(keeps=True)
    page.goto(f"{site}/chapters/pooling.html")
    root = explorer(page)
    before = root.get_by_label("Stride").input_value()
    root.get_by_label("Stride").select_option("1" if before != "1" else "2")
    now = root.get_by_label("Stride").input_value()
    assert now != before
    page.wait_for_function(f"{STORED}.length === 1")
    page.reload()
    root = explorer(page)
    page.get_by_text("This is as you left it.").wait_for()
    assert root.get_by_label("Stride").input_value() == now
    root.get_by_role("button", name="Reset").click()
    assert root.get_by_label("Stride").input_value() == before
    page.wait_for_function(f"{STORED}.length === 0")


def test_what_the_page_has_is_one_press_away(open_page, site):
    page = open_page(keeps=True)
    page.goto(f"{site}/chapters/pooling.html")
    before = explorer(page).get_by_label("Stride").input_value()
    explorer(page).get_by_label("Stride").select_option("1" if before != "1" else "2")
    page.wait_for_function(f"{STORED}.length === 1")
    page.reload()
    page.get_by_role("button", name="Show what the page has").click()
    assert explorer(page).get_by_label("Stride").input_value() == before
    page.wait_for_function(f"{STORED}.length === 0")
    assert page.get_by_text("This is as you left it.").count() == 0


def test_beside_a_link_the_page_s_numbers_are_not_those_that_were_kept(open_page, site):
    page = open_page(keeps=True)
    page.goto(f"{site}/chapters/pooling.html")
    before = explorer(page).get_by_label("Stride").input_value()
    explorer(page).get_by_label("Stride").select_option("3")
    page.wait_for_function(f"{STORED}.length === 1")
    letters = base64.urlsafe_b64encode(b'{"stride":4}').decode().rstrip("=")
    page.goto("about:blank")
    page.goto(f"{site}/chapters/pooling.html#w1/PoolingExplorer/1/{letters}")
    assert explorer(page).get_by_label("Stride").input_value() == "4"
    page.get_by_role("button", name="Show what the page has").click()
    page.wait_for_load_state("networkidle")
    assert explorer(page).get_by_label("Stride").input_value() == before
    page.reload()
    page.get_by_text("This is as you left it.").wait_for()
    assert explorer(page).get_by_label("Stride").input_value() == "3"


OF = "PoolingExplorer/1/"


@pytest.mark.parametrize(
    "kept", ["", "#", f"#w1/{OF}e30", f"#w9/{OF}AAAA", "<b>x</b>", f"#w1/{OF}{'A' * 200_000}"]
)
def test_a_kept_state_that_is_damaged_changes_nothing(open_page, site, kept):
    page = open_page(keeps=True)
    page.goto(f"{site}/chapters/pooling.html")
    root = explorer(page)
    before = root.inner_text()
    key = page.evaluate(
        "'widget:chapters/pooling:' + document.querySelector('script[type*=widget-view]').drawn.key"
    )
    put(page, {key: kept})
    page.reload()
    root = explorer(page)
    page.wait_for_load_state("networkidle")
    assert root.inner_text() == before
    assert page.get_by_text("This is as you left it.").count() == 0
