"""Pages load one style and one script of what packages bring, and only what some page uses."""

import re

import pytest

from tools.book_files import in_use, lighten

pytest_plugins = ["tests.browser"]
PAGE = """<html data-content_root="../">
<link href="../_static/styles/theme.css?digest=1a" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="../_static/pygments.css?v=1" />
<link rel="stylesheet" type="text/css" href="../_static/style.css?v=2" />
<link rel="stylesheet" type="text/css" href="../_static/copy.css?v=3" />
<!-- Icons -->
<script defer src="../_static/scripts/fontawesome.js?digest=1a"></script>
<script src="../_static/documentation_options.js?v=4"></script>
<script>DOCUMENTATION_OPTIONS.pagename = "a"</script>
<script src="../_static/copy.js?v=5"></script>
<script data-sd-tabs-storage-prefix="a" src="../_static/design-tabs.js?v=6"></script>
<script async="async" src="../_static/page.js?v=7"></script>
<script src="../_static/searchtools.js"></script>
<script src="../searchindex.js"></script>
</html>"""


def lines(page):
    return [line.strip() for line in page.splitlines() if line.strip()]


def test_a_page_loads_one_style_one_script_and_what_is_its_own():
    names = {}, {}
    assert lines(lighten(PAGE, "const DOCUMENTATION_OPTIONS = {}", {"style.css"}, names)) == [
        '<html data-content_root="../">',
        '<link rel="stylesheet" type="text/css" href="../_static/theme.css?v=0" />',
        '<link rel="stylesheet" type="text/css" href="../_static/style.css?v=2" />',
        "<script>const DOCUMENTATION_OPTIONS = {}</script>",
        '<script defer src="../_static/theme.js?v=0"></script>',
        '<script>DOCUMENTATION_OPTIONS.pagename = "a"</script>',
        '<script async="async" src="../_static/page.js?v=7"></script>',
        "</html>",
    ]
    assert [list(some) for some in names] == [
        ["pygments.css", "copy.css"],
        ["documentation_options.js", "copy.js"],
    ]


def test_tabs_and_search_come_where_they_are_used():
    tabs = PAGE.replace("</html>", '<div class="sd-tab-set"></div></html>')
    assert "design-tabs.js" in lighten(tabs, "", set(), ({}, {}))
    search = PAGE.replace("</html>", '<div id="search-results"></div></html>')
    found = lighten(search, "", set(), ({}, {}))
    assert '<script defer src="../_static/searchtools.js"></script>' in found
    assert '<script defer src="../searchindex.js"></script>' in found


def test_code_has_no_marks_that_show_nothing():
    code = (
        '<code><span class="pre">a</span> <span class="p">:</span><span class="w"> </span></code>'
    )
    page = lighten(PAGE.replace("</html>", f"{code}</html>"), "", set(), ({}, {}))
    assert '<code>a <span class="p">:</span> </code>' in page


def test_a_page_without_styles_stays_as_it_is():
    page = '<meta http-equiv="Refresh" content="0; url=intro.html" />'
    assert lighten(page, "", set(), ({}, {})) == page


@pytest.mark.parametrize(
    "rule",
    [
        ".here { color: red }",
        "p > .here:hover { color: red }",
        ".gone, .here { color: red }",
        "p { color: red }",
        ".here:not(.gone) { color: red }",
        ".here:is(p, :not(.gone .away)) { color: red }",
        'a.here[href$=".pdf"] { color: red }',
        "@font-face { src: url(a.woff2) }",
        r".a\:b { color: red }",
        ".bs-tooltip-auto { color: red }",
    ],
)
def test_a_rule_that_may_match_stays(rule):
    assert in_use(rule, '<p class="here">') == rule


def test_a_rule_for_a_class_that_no_page_and_no_script_names_goes():
    css = "p{a:b}.gone{a:b}@media print{.here .gone{a:b}.here{a:b}}/*! license */.gone,.away{a:b}"
    left = "p{a:b}@media print{.here{a:b}}/*! license */"
    assert in_use(css, '<p class="here">') == left


def test_the_built_pages_need_no_script_of_formulas_and_none_of_all_icons(book):
    needed = (book / "offline.json").read_text("utf-8")
    assert "_static/theme.css?v=" in needed
    assert not re.search(r"tex-svg|mathjax|fontawesome|fa-solid", needed, re.IGNORECASE)
    for page in (book / "intro.html", *book.glob("chapters/*.html")):
        text = page.read_text("utf-8")
        assert len(re.findall('<link rel="stylesheet"', text)) == 2, page.name
        assert "MathJax" not in text
        assert "searchindex.js" not in text
