"""What packages bring to the pages: one style and one script, and of their fonts the signs in use.

The theme and its extensions load two dozen files, among them every icon there is, twice. Here the
finished pages are made to load `theme.css` and `theme.js` instead, which hold the same styles and
scripts in the same order. Icons stay letters of a font, as the theme's styles have them. That font,
and another for formulas, hold the signs that the pages show and no more; they lie in `theme.css`
because Firefox loads no font that a page from disk names.
"""

import base64
import io
import logging
import re
import shutil
import unicodedata
from collections.abc import Iterable
from html import unescape
from importlib.metadata import distribution
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

# What the theme loads beside Sphinx's lists, with ?digest=; its script of icons is left out.
FIRST = ["basic.css", "styles/pydata-sphinx-theme.css"]
LAST = ["scripts/bootstrap.js", "scripts/pydata-sphinx-theme.js"]
BY_THEME = re.compile(
    r"(?:<!--[^>]*-->\s*)?<(?:link|script)\b[^>]*\?digest=\w+[^>]*>(?:</script>)?\s*"
)
STYLE = re.compile(r'<link rel="stylesheet" type="text/css" href="[^"]*_static/([^"?]+)[^>]*>\s*')
SCRIPT = re.compile(r'<script src="[^"]*_static/([^"?]+)\?v=\w+"></script>\s*')
SEARCH = re.compile(r'<script (src="[^"]*(?:searchtools|language_data|searchindex)\.js")></script>')
TABS = re.compile(r"<script data-sd-tabs[^>]*design-tabs\.js[^>]*></script>\s*")
# Marks in code that show nothing; a page of signatures has thousands.
PLAIN = re.compile(r'<span class="(?:pre">([^<]*)|w">(\s+))</span>')
SIGNATURE = re.compile(
    r'<em class="sig-param">.*?</em>|<span class="sig-paren">.</span>', re.DOTALL
)
IN_SIGNATURE = re.compile(r'<span class="(?:n|p|sig-paren)">([^<]*)</span>')
OPTIONS = "documentation_options.js"

# A reader may forbid a site to keep anything, and so may a frame around a page. The theme would
# stop at its first line, and leave no menu, no search and no colors. What it sets here is gone when
# the page is left; of the book's own keys it is still said that nothing is kept.
BEGIN = '<script data-cfasync="false">'
FORGETFUL = """<script>
    try {
      localStorage.length + sessionStorage.length;
    } catch (error) {
      const kept = {}, ofTheme = /^(mode|theme|sidebar|pst_|sphinx_)/;
      const own = (act) => (key, text) => {
        if (!ofTheme.test(key)) throw error;
        return act(key, text);
      };
      const value = {
        getItem: own((key) => kept[key] ?? null),
        setItem: own((key, text) => { kept[key] = text; }),
        removeItem: own((key) => { delete kept[key]; }),
      };
      Object.defineProperty(self, "localStorage", { value });
      Object.defineProperty(self, "sessionStorage", { value });
    }
  </script>
  """

RULE = re.compile(r"([^{};]+)\{[^{}]*\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^]]*\]")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
ICON_FONT = re.compile(r"url\(\.\./vendor/([\w/-]+\.)woff2\)[^}]*")
FORMULA = re.compile(r"<math\b.*?<annotation", re.DOTALL)
# The letters that a browser shows for <mi>x</mi>, by their plain forms.
ITALIC = {
    chr(int(unicodedata.decomposition(chr(code)).removeprefix("<font> "), 16)): chr(code)
    for code in (
        *range(0x1D434, 0x1D455),
        *range(0x1D456, 0x1D468),
        0x1D6A4,
        *range(0x1D6E2, 0x1D71C),
    )
} | {"h": "ℎ"}


def lighten(page: str, options: str, own: set[str], names: tuple[dict, dict]) -> str:
    """Return the page with one style and one script; add the names of what these hold to `names`.

    What is in `own` stays a file of its own. Scripts run when the page is read, after `options`,
    which the page's own lines refer to.
    """
    if SCRIPT.search(page) is None:
        return page
    (root,) = re.search(r'data-content_root="([^"]*)"', page).groups()
    page = PLAIN.sub(r"\1\2", BY_THEME.sub("", page)).replace(BEGIN, FORGETFUL + BEGIN)
    page = SIGNATURE.sub(lambda one: IN_SIGNATURE.sub(r"\1", one[0]), page)
    page = SEARCH.sub(r"<script defer \1></script>" if 'id="search-results"' in page else "", page)
    if "sd-tab-set" not in page:
        page = TABS.sub("", page)
    tags = (
        f'<link rel="stylesheet" type="text/css" href="{root}_static/theme.css?v=0" />\n    ',
        f"<script>{options}</script>\n    "
        f'<script defer src="{root}_static/theme.js?v=0"></script>\n    ',
    )
    for pattern, tag, packed in zip((STYLE, SCRIPT), tags, names, strict=True):
        packed |= dict.fromkeys(name for name in pattern.findall(page) if name not in own)
        first = pattern.search(page).start()
        rest = pattern.sub(lambda one: one[0] if one[1] in own else "", page[first:])
        page = page[:first] + tag + rest
    return page


def part_of_font(font: TTFont, signs: Iterable[str]) -> str:
    """Return the address, which holds it all, of a font with these signs and their larger forms."""
    options = subset.Options(hinting=False, layout_features=[])
    options.name_IDs += [13, 14]  # the license
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(signs))
    subsetter.subset(font)
    font.flavor = "woff2"
    file = io.BytesIO()
    font.save(file)
    return f"data:font/woff2;base64,{base64.b64encode(file.getvalue()).decode()}"


def in_use(css: str, text: str) -> str:
    """Return the style without the rules for classes that `text` names nowhere: two thirds of it.

    The text is that of all pages and scripts. Classes that Bootstrap's script puts together, as
    bs-…, stay.
    """
    words = set(re.findall(r"[\w-]+", text))

    def keep(rule: re.Match) -> str:
        selectors = COMMENT.sub("", rule[1])
        if "\\" in selectors:
            return rule[0]
        while (less := IN_BRACKETS.sub("", selectors)) != selectors:  # :not(.a) asks for no .a
            selectors = less
        for selector in selectors.split(","):
            if all(name in words or name.startswith("bs-") for name in CLASS.findall(selector)):
                return rule[0]
        return "".join(COMMENT.findall(rule[1]))  # of its author and license

    return RULE.sub(keep, css)


def with_icons(css: str, static: Path) -> str:
    """Return the style with the icons that it names, in place of fonts of all."""
    codes = [int(code, 16) for code in re.findall(r"\\(\w{4})\b", css) if code[0] in "ef"]
    signs = {*map(chr, codes), *re.findall("[\ue000-\uf8ff]", css)}

    def font(name: re.Match) -> str:
        whole = TTFont(static / "vendor" / f"{name[1]}ttf", recalcTimestamp=False)
        return f'url({part_of_font(whole, signs)}) format("woff2")'

    return ICON_FONT.sub(font, css)


def font_of_formulas(pages: Iterable[str]) -> str:
    """Return the style that names a font with the signs of all formulas."""
    files = distribution("ziamath").files or []
    (file,) = [file for file in files if file.name == "STIXTwoMath-Regular.ttf"]
    signs = {"√", *map(chr, range(0x20, 0x7F))}  # a root has no sign of its own in MathML
    for page in pages:
        for formula in FORMULA.findall(page):
            signs |= set(unescape(re.sub(r"<[^>]*>", "", formula)))
    signs |= {ITALIC[sign] for sign in signs & set(ITALIC)}
    font = part_of_font(TTFont(file.locate(), recalcTimestamp=False), signs)
    return (
        "/* STIX Two Math, Copyright 2001-2021 The STIX Fonts Project Authors: STIX-OFL.txt */\n"
        f'@font-face {{ font-family: "Book Math"; src: url({font}) format("woff2"); }}\n'
    )


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the style and the script, and have all pages load them."""
    if exception or app.builder.name != "html":
        return
    static = Path(app.outdir, "_static")
    if not (static / "scripts").exists():  # no page was written: all load the two already
        return
    read = lambda name: (static / name).read_text("utf-8")  # noqa: E731
    own = {file.name for file in Path(app.srcdir, "assets").iterdir()}
    styles, scripts = dict.fromkeys(FIRST), {}
    pages = []
    for file in Path(app.outdir).rglob("*.html"):
        page = lighten(file.read_text("utf-8"), read(OPTIONS), own, (styles, scripts))
        file.write_text(page, "utf-8")
        pages.append(page)
    # Each keeps its own idea of strictness: after a semicolon "use strict" is but a word.
    script = lambda names: "".join(f";\n{read(name)}\n" for name in names)  # noqa: E731
    code = script(name for name in scripts if name != OPTIONS)
    # Menus can wait a moment: until the page and its first widget are there, but no longer.
    later = "{ const later = globalThis.requestIdleCallback ?? setTimeout;"
    code += f"{later} later(() => {{{script(LAST)}}}, {{ timeout: 1000 }}); }}\n"
    code = re.sub(r"^//# sourceMappingURL=.*$", "", code, flags=re.MULTILINE)
    others = [file for file in static.rglob("*.js") if file.name != "fontawesome.js"]
    text = "\n".join([*pages, *(file.read_text("utf-8") for file in others)])
    style = with_icons(in_use("\n".join(map(read, styles)), text), static)
    style += "\n" + font_of_formulas(pages)
    # Else an excerpt among the results shows a formula, and its TeX again.
    search = read("searchtools.js").replace('".headerlink"', '".headerlink", "annotation"')
    (static / "searchtools.js").write_text(search, "utf-8")
    (static / "theme.css").write_text(style, "utf-8")
    (static / "theme.js").write_text(code, "utf-8")
    for folder in ("scripts", "styles", "vendor"):  # now of no more use
        shutil.rmtree(static / folder)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    app.connect("build-finished", finish, priority=600)  # after extensions have copied their files
    return {"parallel_read_safe": True, "parallel_write_safe": True}
