"""The chapters' cells, run in the page: the real Python of the built book, in a real browser."""

import json
import re
import socket
from pathlib import Path

import pytest

from tests.browser import QuietHandler, allow_clipboard, need_a_finger, serve
from tests.test_offline import OneAnswerHandler, stop, wait_until_kept

pytest_plugins = ["tests.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("python")]
ROOT = Path(__file__).parents[1]
LONG = 120_000  # a machine that does other things takes its time


@pytest.fixture(scope="session")
def has_python(book):
    if not (book / "_static" / "python" / "manifest.json").exists():
        pytest.skip("Python in the page could not be fetched when the book was built")


# Typed, a new line would be indented. A made-up paste brings nothing in Firefox unless it is set.
PASTE = """(place, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { bubbles: true, cancelable: true });
  place.dispatchEvent(Object.defineProperty(paste, "clipboardData", { value: clipboardData }));
}"""


class Reader:
    """A reader of a page, who runs and changes its cells."""

    def __init__(self, page, url):
        self.page = page
        page.goto(url)

    def cell(self, id):
        return self.page.locator(f"#code-{id}")

    def says(self, id):
        return self.cell(id).locator(".run-tools [role=status]").inner_text()

    def press(self, id, name="Run"):
        self.cell(id).locator(".run-tools").get_by_role("button", name=name, exact=True).click()

    def run(self, id, name="Run", until="ran"):
        self.press(id, name)
        self.page.wait_for_function(
            """([id, until]) => new RegExp(until).test(
                document.querySelector(`#code-${id} .run-tools [role=status]`).textContent)""",
            arg=[id, until],
            timeout=LONG,
        )

    def write(self, id, code):
        self.cell(id).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.cell(id).locator(".cm-content").evaluate(PASTE, code)

    def restore(self, *ids):
        for id in ids:
            self.press(id, "As printed")

    def code(self, id):
        return self.page.evaluate(
            "id => [...document.querySelectorAll(`#code-${id} .cm-line`)]"
            ".map((line) => line.textContent).join('\\n')",
            id,
        )

    def shown(self, id):
        return self.cell(id).locator(".cell_output").inner_text()


@pytest.fixture(scope="module")
def reader(browser, site, has_python):
    """One page whose Python has run the first cell and its widget's."""
    context = browser.new_context(service_workers="block")
    allow_clipboard(context)
    reader = Reader(context.new_page(), f"{site}/chapters/convolution.html")
    reader.page.on("dialog", lambda dialog: dialog.accept())
    reader.stored = reader.shown("cell-06")
    reader.run("cell-06")
    yield reader
    context.close()


def test_nothing_of_it_is_loaded_before_it_is_asked_for(page, site, has_python):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/chapters/convolution.html")
    page.wait_for_load_state("networkidle")
    page.mouse.wheel(0, 5000)
    page.wait_for_load_state("networkidle")
    assert len(asked) > 5
    assert [url for url in asked if "/python/" in url] == []


def test_a_cell_runs_after_those_above_and_prints_what_is_stored(reader):
    assert reader.shown("cell-06") == reader.stored
    assert "15" in reader.stored
    assert re.fullmatch(r"ran in \d+\.\d s", reader.says("cell-06"))
    assert "36 pixels" in reader.shown("cell-01")  # a cell above ran, too


def test_what_is_changed_runs_with_the_last_value_shown(reader):
    reader.write("library-code", "image[0].sum() + 0.5")
    reader.run("library-code")
    assert reader.shown("library-code").strip() == f"np.float64({5 + 5 + 3 * 4 + 0.5})"
    reader.restore("library-code")


def test_python_makes_links_to_the_book_that_it_runs_in(reader, site):
    code = "from cnnlib.widgets import SlidingKernel\nprint(SlidingKernel(stride=2).link())"
    reader.write("library-code", code)
    reader.run("library-code")
    link = reader.shown("library-code").strip()
    assert link == f"{site}/widget.html#w1/SlidingKernel/1/eyJzdHJpZGUiOjJ9"
    reader.restore("library-code")


def test_a_widget_and_python_share_their_numbers(reader):
    reader.write("cell-08", "widget = SlidingKernel(position=5)\nwidget")
    reader.run("cell-08")
    widget = reader.cell("cell-08").locator(".cnn-widget")
    widget.wait_for()
    first = widget.locator(".number-grid").first.locator('[data-row="1"][data-column="1"]')
    first.click()
    reader.page.keyboard.type("90")
    reader.page.keyboard.press("Enter")
    reader.write("cell-10", "print(float(widget.image[0, 1, 1]), widget.output[0, 1, 1])")
    reader.run("cell-10")
    assert reader.shown("cell-10").split() == ["90.0", str(90 * 1 + 15.0 - 5 * 1)]
    reader.write("cell-10", "widget.image = 9 - widget.image")
    reader.run("cell-10")
    reader.page.wait_for_function(
        "place => place.textContent.startsWith('−81')", arg=first.element_handle(), timeout=LONG
    )
    reader.restore("cell-08", "cell-10")


def test_a_figure_is_drawn_anew(reader):
    reader.cell("cell-02").locator("summary").first.click()
    reader.write("cell-02", 'show_images({"a": image[:2]}, white=9)')
    reader.run("cell-02")
    picture = reader.cell("cell-02").locator(".cell_output img")
    assert picture.get_attribute("src").startswith("data:image/png;base64,")
    reader.page.wait_for_function(
        "img => img.complete && img.width === Math.round(img.naturalWidth / 2)",
        arg=picture.element_handle(),
    )
    reader.restore("cell-02")


@pytest.mark.parametrize(
    ("code", "words", "line"),
    [
        ("a = 1\nb = a +", "SyntaxError: invalid syntax", 2),
        ("a = 1\n\nprint(b_is_not_there)", "NameError: name 'b_is_not_there' is not defined", 3),
        (
            "cnnlib.conv2d(\n    image,\n    kernel)",
            "ValueError: conv2d: x has shape (6, 6); expected 3 or 4 axes",
            1,
        ),
        ("input('?')", "RuntimeError: input() cannot ask in this page", 1),
        ("print(imag)", "NameError: name 'imag' is not defined. Did you mean: 'image'?", 1),
    ],
)
def test_an_error_says_in_which_line_of_the_cell(reader, code, words, line):
    reader.write("cell-20", code)
    reader.press("cell-20")
    error = reader.cell("cell-20").locator(".run-error")
    error.get_by_text(f"In line {line} of this cell.").wait_for(timeout=LONG)
    assert words in error.inner_text()
    marked = reader.cell("cell-20").locator(".cm-line.error-line")
    assert marked.inner_text() == code.split("\n")[line - 1]
    reader.press("cell-20", "As printed")
    assert reader.cell("cell-20").locator(".run-error").count() == 0


def test_as_printed_brings_back_code_and_output(reader):
    reader.write("cell-06", "print('mine')")
    reader.run("cell-06")
    assert reader.shown("cell-06").strip() == "mine"
    reader.press("cell-06", "As printed")
    assert reader.shown("cell-06") == reader.stored
    assert reader.code("cell-06").startswith("def convolve(image, kernel, bias):")


def test_what_prints_while_it_runs_is_seen_and_an_endless_loop_is_stopped(reader):
    reader.write("cell-20", "import time\nn = 0\nwhile True:\n    n += 1\n    print(n)")
    reader.press("cell-20")
    reader.page.wait_for_function(
        "document.querySelector('#code-cell-20 .cell_output').textContent.includes('1000')",
        timeout=LONG,
    )
    height = reader.cell("cell-20").locator(".cell_output").bounding_box()["height"]
    assert 300 < height < 800  # the rest is scrolled to
    back = reader.cell("cell-20").get_by_role("button", name="As printed", exact=True)
    assert back.is_hidden()
    top = reader.page.locator(".run-page")
    for name, words in {
        "Run all": "Another cell is at work. Stop it, or wait until it has ended.",
        "Forget my changes": "A cell is at work. Stop it first.",
    }.items():
        top.get_by_role("button", name=name).click()
        top.get_by_text(words, exact=True).wait_for()
    reader.press("cell-20", "Stop")
    reader.cell("cell-20").get_by_text("stopped; Python begins anew at the next run").wait_for()
    reader.write("cell-20", "import builtins\nbuiltins.len = None")
    reader.run("cell-20")
    reader.run("cell-20", until="^Python broke down and was stopped; Python begins anew")
    reader.write("cell-20", "print(image.shape)")
    reader.run("cell-20")
    assert reader.shown("cell-20").strip() == "(6, 6)"
    reader.restore("cell-20")


def test_what_waits_for_a_cell_above_can_be_stopped_and_says_that_it_was(reader):
    reader.write("cell-06", "while True:\n    pass")
    reader.press("cell-20")
    reader.page.locator("#code-cell-06.running").wait_for(timeout=LONG)
    assert re.fullmatch(r"first \d+ of the \d+ cells above …", reader.says("cell-20"))
    reader.press("cell-20", "Stop")
    said = "A cell above was stopped. This one was not run."
    reader.cell("cell-20").get_by_text(said).wait_for()
    assert reader.says("cell-06") == "stopped; Python begins anew at the next run"
    reader.restore("cell-06")
    reader.run("cell-06")


class IsolatedHandler(QuietHandler):
    """A host that isolates its pages from others, which lets a page interrupt its worker."""

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


def test_where_a_page_is_isolated_a_loop_is_stopped_and_the_variables_stay(
    browser, book, has_python
):
    with serve(book, IsolatedHandler) as server:
        context = browser.new_context(service_workers="block")
        site = f"http://127.0.0.1:{server.server_port}"
        reader = Reader(context.new_page(), f"{site}/chapters/dense.html")
        reader.press("dense-own", "Edit")
        reader.cell("dense-own").locator(".cm-content").wait_for()
        reader.write("dense-own", "n = 0\nprint('begun', flush=True)\nwhile True:\n    n += 1")
        reader.press("dense-own")
        output = reader.cell("dense-own").locator(".cell_output")
        output.get_by_text("begun").wait_for(timeout=LONG)
        reader.run("dense-own", "Stop", until="stopped; the variables stay")
        assert reader.cell("dense-own").locator(".run-error").count() == 0
        reader.write("dense-own", "print(n > 0)")
        reader.run("dense-own")
        assert reader.shown("dense-own").strip() == "True"
        context.close()
        server.shutdown()


class SharingHandler(QuietHandler):
    """A host whose files other hosts' pages may load, as a CDN is."""

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


def test_python_comes_from_another_host_where_the_book_says_so(browser, book, site, has_python):
    with serve(book, SharingHandler) as server:
        cdn = f"127.0.0.1:{server.server_port}"
        context = browser.new_context(service_workers="block")
        manifest = json.loads((book / "_static" / "python" / "manifest.json").read_text())
        manifest["from"] = f"http://{cdn}/_static/python/"
        context.route("**/manifest.json*", lambda route: route.fulfill(json=manifest))
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        reader = Reader(context.new_page(), f"{site}/chapters/dense.html")
        reader.run("dense-own", until=f"Python is loading from {cdn}: ")
        reader.cell("dense-own").get_by_text(re.compile("^ran in")).wait_for(timeout=LONG)
        large = [url for url in asked if re.search(r"pyodide|\.tgz", url)]
        assert len(large) >= 6
        assert all(url.startswith(manifest["from"]) for url in large)
        context.close()
        server.shutdown()


def test_what_needs_torch_keeps_its_output_and_nothing_after_it_breaks(reader):
    stored = reader.shown("cell-33")
    reader.press("cell-33")
    reader.cell("cell-33").get_by_text("PyTorch does not run in a browser.").wait_for(timeout=LONG)
    assert reader.shown("cell-33").endswith(stored)
    reader.press("cell-35")  # with a name that the cell before would have made
    reader.cell("cell-35").get_by_text("PyTorch does not run in a browser.").wait_for(timeout=LONG)
    reader.cell("cell-37").locator("summary").first.click()
    reader.run("cell-37")
    assert "expected float32 or float64" in reader.shown("cell-37")


def test_what_was_edited_survives_a_reload_until_all_is_forgotten(reader):
    reader.write("cell-41", "print('kept')")
    reader.page.reload()
    reader.page.wait_for_function("document.querySelector('#code-cell-41 .cm-line')", timeout=LONG)
    assert reader.code("cell-41") == "print('kept')"
    top = reader.page.locator(".run-page")
    reader.page.once("dialog", lambda dialog: reader.asked.append(dialog.message))
    reader.asked = []
    top.get_by_role("button", name="Forget my changes").click()
    (asked,) = reader.asked
    assert asked == "Forget the cells that you changed and all that you solved, in all chapters?"
    top.get_by_text("All is as printed, in all chapters.").wait_for()
    reader.page.wait_for_function(
        "document.querySelector('#code-cell-41 .cm-line').textContent.startsWith('once')"
    )
    reader.page.reload()
    reader.page.wait_for_load_state("networkidle")
    assert reader.page.locator(".cm-line").count() == 0


def test_a_cell_is_shared_as_a_link(reader, browser, site):
    reader.press("cell-41", "Edit")
    reader.write("cell-41", "print('gefunden: ä')")
    reader.press("cell-41", "Copy link")
    reader.cell("cell-41").get_by_text("The link is copied.").wait_for()
    link = reader.page.evaluate("navigator.clipboard.readText()")
    reader.write("cell-41", "print('something else')")
    reader.page.evaluate("link => (location.href = link)", link)  # in a page that is open
    reader.cell("cell-41").get_by_text("Read it before you run it.").wait_for()
    assert reader.code("cell-41") == "print('gefunden: ä')"
    assert "Your own is kept" in reader.says("cell-41")
    page = reader.page.context.new_page()
    again = Reader(page, link.split("#")[0])  # the reader's own, without the link
    page.wait_for_function("document.querySelector('#code-cell-41 .cm-line')", timeout=LONG)
    assert again.code("cell-41") == "print('something else')"
    page.close()
    reader.write("cell-41", "print('changed')")
    assert reader.page.evaluate("location.hash") == "#code-cell-41"  # a reload brings this
    assert reader.says("cell-41") == ""
    reader.page.reload()
    reader.page.wait_for_function("document.querySelector('#code-cell-41 .cm-line')", timeout=LONG)
    assert reader.code("cell-41") == "print('changed')"
    other = Reader(browser.new_page(), link)
    other.cell("cell-41").get_by_text("Read it before you run it.").wait_for(timeout=LONG)
    assert other.code("cell-41") == "print('gefunden: ä')"
    assert other.shown("cell-41") == reader.shown("cell-41")  # it was not run
    other.page.goto("about:blank")
    other.page.goto(link[:-4])
    other.cell("cell-41").get_by_text("is damaged").wait_for(timeout=LONG)
    other.page.close()


def test_two_tabs_have_the_same_text(reader, site):
    reader.page.goto(f"{site}/chapters/convolution.html")
    other = Reader(reader.page.context.new_page(), reader.page.url)
    for one in (reader, other):
        one.page.wait_for_function("document.querySelector('#code-cell-41 .cm-line')")
    there = "text => document.querySelector('#code-cell-41 .cm-line').textContent.startsWith(text)"
    other.write("cell-41", "print('from the other')")
    reader.page.wait_for_function(there, arg="print('from")
    other.page.on("dialog", lambda dialog: dialog.accept())
    other.page.locator(".run-page").get_by_role("button", name="Forget my changes").click()
    reader.page.wait_for_function(there, arg="once")
    other.page.close()


def test_what_cannot_be_kept_is_said(open_page, site, has_python):
    page = open_page()
    reader = Reader(page, f"{site}/chapters/dense.html")
    page.evaluate("""() => {
        const own = Storage.prototype.setItem;  // the theme takes it that there is room
        Storage.prototype.setItem = function (key, text) {
            if (key.startsWith("code:")) throw new DOMException("", "QuotaExceededError");
            own.call(this, key, text);
        };
    }""")
    reader.press("dense-own", "Edit")
    reader.write("dense-own", "print(1)")
    reader.cell("dense-own").get_by_text("This browser does not keep your change").wait_for()


def test_all_that_is_pressed_is_as_large_as_a_finger(phone, site, has_python):
    need_a_finger(phone)
    reader = Reader(phone, f"{site}/chapters/convolution.html")
    reader.press("start-by-hand", "Edit")
    reader.write("start-by-hand", "1")
    parts = ":is(.run-tools, .run-page) button, .hint summary"
    boxes = [one.bounding_box() for one in phone.locator(parts).all() if one.is_visible()]
    assert len(boxes) > 20
    assert min(min(box["width"], box["height"]) for box in boxes) >= 44
    reader.press("start-by-hand", "As printed")


TURNED = """def my_conv2d(image, kernel):
    h, w = kernel.shape
    rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
    y = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        y[i, j] = (image[i : i + h, j : j + w] * kernel[::-1, ::-1]).sum()
    return y


check("convolution-by-hand")
"""


def test_an_exercise_answers_and_a_solution_is_kept_for_later_chapters(reader, site):
    start = "start-by-hand"
    reader.page.goto(f"{site}/chapters/convolution.html")
    assert reader.cell(start).locator(".hint").count() == 3
    reader.run(start, "Check my solution")
    assert "Not yet. my_conv2d gives nothing back." in reader.shown(start)
    reader.write(start, TURNED)
    reader.run(start, "Check my solution")
    assert "You turned the kernel by 180°." in reader.shown(start)
    assert reader.cell(start).locator(".cell_output table").count() == 4  # of what, and what came
    soon = "from cnnlib.exercises import checking\nchecking.judge.__defaults__ = (1.0,)\n"
    loop = TURNED.replace("    h, w", "    while True:\n        pass\n    h, w")
    reader.write(start, soon + loop)
    reader.run(start, "Check my solution")
    assert "had not ended after 1 s. Does a loop in it never end?" in reader.shown(start)
    mine = TURNED.replace("[::-1, ::-1]", "").replace("    h, w", "    mine = 1\n    h, w", 1)
    reader.write(start, mine)
    reader.run(start, "Check my solution")
    assert "Right." in reader.shown(start)
    reader.write(start, mine.replace("my_conv2d", "other").partition("check(")[0])
    reader.run(start, "Check my solution")  # neither the name is there nor the check
    assert "There is no my_conv2d yet." in reader.shown(start)
    reader.page.goto(f"{site}/chapters/channels.html")
    of = 'own("convolution-by-hand").__code__.co_varnames'
    code = f"from cnnlib.exercises import own\n{of}"
    reader.press("cell-01", "Edit")
    reader.write("cell-01", code)
    reader.run("cell-01")
    assert "'mine'" in reader.shown("cell-01")
    reader.page.locator(".run-page").get_by_role("button", name="Forget my changes").click()


def test_while_python_is_loading_it_can_be_stopped_and_others_are_told_to_wait(reader, site):
    reader.page.goto(f"{site}/chapters/convolution.html")
    reader.press("cell-06")
    reader.cell("cell-06").get_by_text("Python is loading").wait_for(timeout=LONG)
    reader.press("library-code")
    assert "Another cell is at work." in reader.says("library-code")
    reader.press("cell-06", "Stop")
    reader.cell("cell-06").get_by_text("Python could not be started: it was stopped").wait_for()
    top = reader.page.locator(".run-page")
    top.get_by_role("button", name="Run all").click()
    for words in (r"Python is loading: \d+ of \d+ MB", r"cell \d+ of \d\d …"):
        top.get_by_text(re.compile(words)).wait_for(timeout=LONG)
    top.get_by_role("button", name="Restart").click()
    top.get_by_text("Not all cells have run: see the last that did.").wait_for()


def test_a_long_cell_can_be_made_shorter(page, site, has_python):
    reader = Reader(page, f"{site}/chapters/digits.html")
    reader.press("cell-05", "Edit")
    reader.cell("cell-05").get_by_text(re.compile(r"It takes about \d+ s in a page.")).wait_for()
    whole = reader.code("cell-05")
    reader.press("cell-05", "Make it shorter")
    assert reader.code("cell-05") == whole.replace("epochs = 64, 20", "epochs = 64, 4") != whole
    reader.press("cell-05", "Make it shorter")
    assert reader.says("cell-05") == "There is nothing left to shorten."
    reader.press("cell-05", "As printed")
    assert reader.code("cell-05") == whole


def test_from_disk_one_sentence_says_what_to_do(page, site_file, has_python):
    reader = Reader(page, f"{site_file}/chapters/convolution.html")
    reader.run("cell-06", until="From disk")
    assert "make serve" in reader.says("cell-06")


def test_where_python_is_not_the_button_says_so(page, site):
    def without(route):
        text = re.sub(
            r'(id="python">)[^<]*', r'\1{"missing": "it was not fetched"}', route.fetch().text()
        )
        route.fulfill(body=text, content_type="text/html")

    page.route("**/convolution.html", without)
    reader = Reader(page, f"{site}/chapters/convolution.html")
    reader.run("cell-06", until="Python is not here: it was not fetched.")


class BreakingHandler(SharingHandler):
    """A host that breaks off in the middle of a large file."""

    def copyfile(self, source, outputfile):
        if not source.name.endswith(".wasm"):
            return super().copyfile(source, outputfile)
        outputfile.write(source.read(100_000))
        self.connection.shutdown(socket.SHUT_RDWR)


def test_a_file_that_does_not_come_is_named_and_asked_for_again(browser, book, site, has_python):
    context = browser.new_context(service_workers="block")
    reader = Reader(context.new_page(), f"{site}/chapters/dense.html")
    for lost in ("run.js", "manifest.json", "book.tgz", "pyodide.asm.wasm"):
        pattern = f"**/{lost}*"
        context.route(pattern, lambda route: route.fulfill(status=404))
        reader.run("dense-own", until=lost)
        assert "could not be loaded" in reader.says("dense-own") or lost == "run.js"
        context.unroute(pattern)
    with serve(book, BreakingHandler) as server:
        broken = f"http://127.0.0.1:{server.server_port}/_static/python/"
        manifest = json.loads((book / "_static" / "python" / "manifest.json").read_text())
        context.route(
            "**/manifest.json*", lambda route: route.fulfill(json=manifest | {"from": broken})
        )
        reader.run("dense-own", until="pyodide.asm.wasm could not be loaded: it broke off")
        context.unroute("**/manifest.json*")
        server.shutdown()
    reader.run("dense-own")
    context.route("**/PIL.tgz*", lambda route: route.abort())
    reader.write("dense-own", "import matplotlib")
    reader.press("dense-own")
    error = reader.cell("dense-own").locator(".run-error p").first
    error.get_by_text("matplotlib could not be loaded.").wait_for()
    context.unroute("**/PIL.tgz*")
    reader.run("dense-own")
    context.close()


@pytest.mark.whole_page
def test_a_kept_python_runs_without_a_network(open_page, book, has_python):
    with serve(book, OneAnswerHandler) as server:
        page = open_page(service_workers="allow")
        site = f"http://127.0.0.1:{server.server_port}"
        reader = Reader(page, f"{site}/intro.html")
        size = page.locator(".keep-size").inner_text()
        assert re.fullmatch(r"\(\d\d MB, Python among them\)", size)
        page.locator(".keep-offline button").click()
        page.get_by_text("The whole book is on this device").wait_for(timeout=LONG)
        wait_until_kept(page, f"{site}/chapters/convolution.html")
        stop(server)
    reader = Reader(page, f"{site}/chapters/convolution.html")
    reader.cell("cell-02").locator("summary").first.click()
    reader.run("cell-02")
    assert reader.cell("cell-02").locator(".cell_output img").count() == 1
