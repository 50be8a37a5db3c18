"""What axe-core finds wrong in a page, when what is alike is looked at once."""

from axe_playwright_python.base import AXE_SCRIPT

# Takes away what repeats what stands before it, and what is inside of widgets, formulas and code.
LIGHTER = """() => {
  const still = document.createElement("style"); // colors that glide to others would be measured
  still.textContent = "* { transition: none !important; animation: none !important }";
  document.head.append(still);
  for (const one of document.querySelectorAll("math, pre")) one.replaceChildren("x");
  for (const one of document.querySelectorAll("script + div > .cnn-widget")) one.remove();
  const seen = new Set();
  const look = (one) => [one.localName, one.className, one.role, [...one.children].map(look)].join();
  const repeats = "article :is(section > p, section > div, li, tr, dl), nav li";
  for (const one of document.querySelectorAll(repeats)) {
    const own = look(one.parentElement.cloneNode()) + look(one);
    if (seen.has(own)) one.remove();
    seen.add(own);
  }
}"""

# Marks the texts whose colors, and those of all that they lie in, are known; returns the others'.
KNOWN = """([known, theme]) => {
  const seen = new Set(known), fresh = [];
  const look = (one) => {
    if (!one) return theme;
    const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } =
      getComputedStyle(one);
    const own = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight];
    return [...own, look(one.parentElement)].join();
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


def without_contrast(page, context):
    return violations(page, context, rules={"color-contrast": {"enabled": False}})


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
