"""What axe-core finds wrong in a page, when what is alike is looked at once."""

from axe_playwright_python.base import AXE_SCRIPT

# What repeats what stands before it leaves a page, or several; and what widgets, formulas and code
# are made of.
LIGHTER = """
const seen = new Set();
const isKnown = (key) => seen.has(key) || !seen.add(key);
const look = (one) => [one.localName, one.className, one.role, [...one.children].map(look)].join();
function lighten(page) {
  for (const one of page.querySelectorAll("math, pre")) one.replaceChildren("x");
  for (const one of page.querySelectorAll("script + div > .cnn-widget")) one.remove();
  const inline = "article :is(a, code, em, strong, sup, span):not(:has(button, input, img))";
  for (const one of [...page.querySelectorAll(inline)].reverse()) {
    const { localName, className, parentElement: { localName: within } } = one;
    if (isKnown([localName, className, within].join())) one.replaceWith(one.textContent);
  }
  const repeats = "article :is(section > p, section > div, li, tr, dl, pre), nav li";
  for (const one of page.querySelectorAll(repeats))
    if (isKnown(look(one.parentElement.cloneNode()) + look(one))) one.remove();
}
const still = document.createElement("style"); // colors that glide to others would be measured
still.textContent = "* { transition: none !important; animation: none !important }";
document.head.append(still);
"""
ALONE = f"() => {{ {LIGHTER} lighten(document); }}"
# The articles of pages in one page; their ids stay apart.
TOGETHER = f"""async (urls) => {{
  {LIGHTER}
  const article = document.querySelector("article");
  const bulk = /<(script|math|pre|svg)\\b[^]*?<\\/\\1>/g;
  article.replaceChildren();
  for (const [i, url] of urls.entries()) {{
    const [, text] = (await (await fetch(url)).text()).match(/(<article[^]*<\\/article>)/) ?? [];
    if (!text) continue;
    const page = new DOMParser().parseFromString(text.replace(bulk, "<$1>x</$1>"), "text/html");
    lighten(page);
    for (const name of ["id", "for", "aria-labelledby", "aria-describedby", "aria-controls"])
      for (const one of page.querySelectorAll(`[${{name}}]`))
        one.setAttribute(name, `${{i}}-${{one.getAttribute(name)}}`);
    const place = Object.assign(document.createElement("div"), {{ className: "of-a-page" }});
    place.append(...page.querySelector("article").children);
    article.append(place);
  }}
}}"""

# Marks the texts whose colors, and those of all that they lie in, are known; returns the others'.
KNOWN = """([known, theme]) => {
  const seen = new Set(known), fresh = [], looks = new Map([[null, theme]]);
  const look = (one) => {
    if (looks.has(one)) return looks.get(one);
    const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } =
      getComputedStyle(one);
    const own = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight];
    looks.set(one, [...own, look(one.parentElement)].join());
    return looks.get(one);
  };
  for (const text of document.body.querySelectorAll("*")) {
    const words = [...text.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    const key = words && text.checkVisibility() ? look(text) : null;
    text.toggleAttribute("data-alike", words && (key === null || seen.has(key)));
    if (key === null || seen.has(key)) continue;
    seen.add(key);
    fresh.push(key);
  }
  return fresh;
}"""


def violations(page, context, **options):
    """(rule, the HTML of up to three places) for each fault."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_SCRIPT)
    options = {"preload": False, "resultTypes": ["violations"], **options}
    results = page.evaluate("given => axe.run(...given)", [context, options])
    return [
        (fault["id"], [node["html"] for node in fault["nodes"][:3]])
        for fault in results["violations"]
    ]


def without_contrast(page, context, *but):
    """All rules, but for contrast and others."""
    off = {rule: {"enabled": False} for rule in ("color-contrast", *but)}
    return violations(page, context, rules=off)


def contrast(page, known):
    """Contrasts, light and dark, of texts in colors that are not `known` yet; these then are."""
    faults = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function("t => document.documentElement.dataset.theme === t", arg=theme)
        if fresh := page.evaluate(KNOWN, [sorted(known), theme]):
            known.update(fresh)
            context = {"include": [["body"]], "exclude": [["[data-alike]"]]}
            found = violations(page, context, runOnly=["color-contrast"])
            faults += [(theme, *fault) for fault in found]
    return faults
