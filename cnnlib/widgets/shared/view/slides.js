// A chapter as slides for the lecture hall, made of the page itself. page.js loads this when a reader asks for it.
//
// What a slide shows is copied from the page, and its widgets are drawn anew as the page has them: whatever is done
// on the slides, the page stays as it is. How much goes on a slide is counted in lines of text and does not depend on
// the screen, so that a slide keeps its number; on a screen all is then drawn as large as it has room.
import { button, h } from "./dom.js";
import { fill } from "./full.js";

// ---- what goes on a slide

const FULL = 14; // lines
const LETTERS = 68; // of a line
const LEAD = 190, ITEM = 240, WHOLE = 600; // letters of a paragraph, of an item of a list, of one that is not cut
const CODE = 0.85; // the height of a line of code
const WIDE = 78; // letters of code, or of code and its output side by side
const LONGEST = 20; // lines of code or output; what has more is for a desk
const PICTURE = 10; // lines
const SHORT = 2.4; // lines that may stand above a widget
const ROWS = 9; // of a table

const lengthOf = (node) => node.textContent.replace(/\s+/g, " ").length;
const linesOf = (node) => Math.ceil(lengthOf(node) / LETTERS) + 0.4;

/** A copy that leads nowhere and has no name: a link becomes its words, and the sentence that is a link goes. */
function copyOf(node) {
  const copy = node.cloneNode(true);
  for (const link of copy.querySelectorAll(".chapter-link")) if (/[.?!]\s*$/.test(link.previousSibling?.data ?? "")) link.remove();
  copy.querySelectorAll(".headerlink, .copybtn, annotation, script").forEach((one) => one.remove());
  copy.querySelectorAll("a").forEach((one) => one.replaceWith(...one.childNodes));
  for (const one of [copy, ...copy.querySelectorAll("[id], [tabindex]")]) ["id", "tabindex"].forEach((name) => one.removeAttribute(name));
  copy.normalize();
  return copy;
}

/** The sentences with which a paragraph begins: as many as have at most so many letters, but at least one. */
function beginning(paragraph, most) {
  const copy = copyOf(paragraph);
  if (lengthOf(copy) <= most) return copy;
  let before = 0, end = null;
  for (const node of copy.childNodes) {
    const ends = node.nodeType === Node.TEXT_NODE ? node.data.matchAll(/[.?!]["”)]*(?=\s+(["“(]?[\p{Lu}\d]|$))/gu) : [];
    for (const { 0: { length }, index } of ends) if (!end || before + index + length <= most) end = [node, index + length];
    before += lengthOf(node);
  }
  if (!end) return copy;
  const [last, index] = end;
  last.data = last.data.slice(0, index);
  while (last.nextSibling) last.nextSibling.remove();
  return copy;
}

const text = (node) => ({ node, lines: linesOf(node), isText: true });

/**
 * The pieces of a part of the page, {node, lines}. `isText`: it may lead to what follows; `isItem`: of a list; `steps`:
 * elements that are shown one by one; `isFirst`: a new slide begins with it; `view`: a widget, which has a slide of its own.
 */
function piecesOf(block) {
  if (block.matches("p")) return [text(beginning(block, LEAD))];
  if (block.matches("ul, ol")) return itemsOf(block);
  if (block.matches("div.math")) return [{ node: copyOf(block), lines: 2 + 1.6 * block.querySelectorAll("mtr").length }];
  if (block.matches(".pst-scrollable-table-container")) return tablesOf(block.querySelector("table"));
  if (block.matches(".cell")) return block.matches(".tag_hide-cell, .tag_exercise") ? [] : piecesOfCell(block);
  if (block.matches(".exercise")) return exerciseOf(block);
  if (block.matches("[class*=highlight-]")) return printed([block], []);
  return [];
}

/** The items of a list, on as many slides as they need, as many on each. */
function itemsOf(list) {
  const first = list.start ?? 1, most = list.closest("#what-to-remember") ? WHOLE : ITEM;
  const items = [...list.children].map((item, i) => {
    const { childNodes } = beginning(item.querySelector(":scope > p") ?? item, most);
    const node = h(list.localName, { start: list.matches("ol") && first + i }, h("li", {}, ...childNodes));
    return { node, lines: linesOf(node), steps: [node], isItem: true };
  });
  const all = items.reduce((sum, { lines }) => sum + lines, 0), each = Math.ceil(items.length / Math.ceil(all / FULL));
  items.forEach((item, i) => (item.isFirst = i > 0 && i % each === 0));
  return items;
}

/** A table in pieces of so many rows, each with the head. */
function tablesOf(table) {
  const count = table.querySelectorAll("tbody > tr").length;
  return Array.from({ length: Math.ceil(count / ROWS) }, (_, i) => {
    const node = copyOf(table), rows = [...node.querySelectorAll("tbody > tr")];
    rows.forEach((row, j) => Math.floor(j / ROWS) === i || row.remove());
    return { node, lines: 1.2 * Math.min(count - i * ROWS, ROWS) + 1.5 };
  });
}

function exerciseOf(box) {
  const title = box.querySelector(".admonition-title"), words = box.querySelector("section > p");
  if (!title || !words) return [];
  const head = h("strong", {}, ...copyOf(title).childNodes);
  return [text(h("p", {}, head, h("br"), ...beginning(words, LEAD).childNodes))];
}

const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
const first = (selector) => (block) => (block.matches(selector) ? block : block.querySelector(selector));

/** Code and what it prints, side by side where there is room, unless it is too long; what it prints is a step. */
function printed(codes, outputs) {
  const size = (block) => {
    const lines = block.querySelector("pre").textContent.trimEnd().split("\n"), widest = Math.max(...lines.map(({ length }) => length));
    return { block, count: lines.length, widest, lines: CODE * lines.length * Math.max(1, widest / WIDE) + 1 };
  };
  const [code, out] = [codes, outputs].map((blocks) => blocks.filter((one) => one.querySelector("pre")).map(size).filter(({ count }) => count <= LONGEST));
  const box = (kind) => ({ block }) => h("div", { class: kind }, copyOf(first(".highlight")(block)));
  const boxes = [...code.map(box("deck-code")), ...out.map(box("deck-printed"))], all = [...code, ...out];
  if (!all.length) return [];
  const areSideBySide = all.length === 2 && all[0].widest + all[1].widest <= WIDE - 6;
  const lines = areSideBySide ? Math.max(...all.map((one) => one.lines)) : all.reduce((sum, one) => sum + one.lines, 0);
  const one = (nodes, height, steps) => ({ node: h("div", { class: "deck-cell" }, ...nodes), lines: height, steps });
  if (code.length && lines > FULL) return boxes.map((node, i) => one([node], all[i].lines, []));
  return [one(boxes, lines, code.length ? boxes.slice(code.length) : [])];
}

function piecesOfCell(cell) {
  const source = cell.querySelector(":scope > .cell_input"), outputs = [...(cell.querySelector(":scope > .cell_output")?.children ?? [])];
  const views = outputs.map(first(VIEW)).filter(Boolean), pictures = outputs.map(first("img")).filter(Boolean);
  const tables = outputs.map(first("table")).filter(Boolean);
  const prints = outputs.filter((one) => one.matches(".stream, .text_plain") && (!views.length || /\n.*\n./.test(one.textContent.trim())));
  // What prepares a chapter, or makes a widget, is not for the hall.
  const isShown = source && !views.length && !cell.matches(".tag_hide-input") && !cell.parentElement.querySelector(":scope > h1");
  const lines = cell.matches(".tag_remove-input") ? FULL : FULL - SHORT; // a check stands for itself
  return [...printed(isShown ? [source] : [], prints), ...pictures.map((one) => ({ node: copyOf(one), lines: PICTURE })),
    ...tables.flatMap(tablesOf), ...views.map((view) => ({ view, lines }))];
}

/** The slides of an article: {heading, pieces, from}, where `from` is the part of the page that it begins with. */
function slidesOf(article) {
  const slides = [];
  for (const heading of article.querySelectorAll(":is(h1, h2, h3)")) {
    let open = null;
    const begin = (from, pieces = []) => slides.push((open = { heading, from, pieces }));
    const fits = (pieces) => pieces.reduce((sum, { lines }) => sum + lines, 0) <= FULL;
    /** Whether a slide takes a piece, too: besides text it has one thing to look at; the first slide has only text. */
    function takes({ isFirst, isText, isItem, view }) {
      if (!open || isFirst) return false;
      if (isText) return true;
      return open.from !== heading && open.pieces.every((one) => one.isText || (isItem && one.isItem)) && !(view && open.pieces.length > 1);
    }
    function put(piece, from) {
      if (takes(piece) && fits([...open.pieces, piece])) open.pieces.push(piece);
      else {
        const last = open?.pieces.at(-1), isLead = last?.isText && !piece.isText && open.pieces.length > 1;
        begin(from, isLead && fits([last, piece]) ? [open.pieces.pop(), piece] : [piece]);
      }
      if (piece.view) open = null;
    }
    if (heading.matches("h1")) begin(heading);
    const blocks = [...heading.parentElement.children].filter((block) => !block.matches("section"));
    for (const block of blocks) for (const piece of piecesOf(block)) put(piece, block);
  }
  return slides;
}

// ---- a slide

const PLAYED = 24; // a widget that has more steps is played
const SMALLEST = 0.4, LARGEST = 1.2, ALONE = 1.6; // times the usual size; without text a thing may be larger
/** Of a widget, times its usual size on a screen of 1280 x 720. They are asked for anew on another screen. */
const share = () => Math.min(innerWidth / 1280, innerHeight / 720);
const SCALES = { get least() { return 0.75 * share(); }, get otherwise() { return share(); }, get most() { return 2.6 * share(); } };

/** All as large as its slide has room. */
function fitText(body) {
  const largest = body.querySelector("p, li") ? LARGEST : ALONE;
  for (let scale = largest, room = 0; room < 1 && scale > SMALLEST; scale *= Math.min(Math.sqrt(room), 0.97)) {
    body.style.setProperty("--fit", scale);
    room = Math.min((body.clientHeight + 1) / body.scrollHeight, (body.clientWidth + 1) / body.scrollWidth);
  }
}

/** A widget on its slide: it goes on by its player, or shows the answer, where it has one. */
function createWidget(body, draw) {
  body.classList.add("cnn-window");
  const stop = draw(body), root = body.querySelector(".cnn-widget"), bar = root.querySelector(".player");
  const answer = root.matches(".check") && [...root.querySelectorAll("button")].find(({ textContent }) => textContent === "Show me");
  const range = bar?.querySelector("input[type=range]"), press = (name) => bar.querySelector(`[aria-label="${name}"]`).click();
  const isStepped = () => Boolean(range) && !bar.hidden && Number(range.max) < PLAYED;
  let isAnswered = false;
  if (isStepped()) press("To the start");
  return {
    stop,
    fill: () => fill(root, body, SCALES),
    pause: () => root.querySelector("[aria-label=Pause]")?.click(),
    get next() { return answer && !isAnswered ? "→ the answer" : isStepped() && Number(range.value) < Number(range.max) ? "→ the next step" : ""; },
    forward() {
      if (!this.next) return false;
      if (answer) answer.click();
      else press("Step forward");
      return (isAnswered = true);
    },
    back() {
      if (!isStepped() || Number(range.value) === 0) return false;
      press("Step back");
      return true;
    },
  };
}

/** A slide as it is shown. Its widget is drawn when it is shown first, and stays until the slides are left. */
function createSlide({ heading, pieces, from }, prepare) {
  const title = copyOf(heading), name = title.textContent, view = pieces.at(-1)?.view, nodes = pieces.map(({ node }) => node).filter(Boolean);
  const steps = pieces.flatMap((one, i) => (one.node === one.steps?.[0] && i === 0 ? [] : one.steps ?? []));
  const body = h("div", { class: view ? "deck-body" : "deck-body deck-text", "aria-live": view ? null : "polite" }); // a step is heard
  const element = h("section", { class: `deck-slide ${heading === from ? "deck-front" : view ? "deck-play" : ""}`, role: "group", "aria-roledescription": "slide", tabindex: -1 },
    h("h2", {}, ...title.childNodes), view ? nodes : null, body);
  if (!view) body.append(...nodes);
  let widget = null, end = null, draw = null;
  const ready = view && prepare(view).then((one) => (draw = one)).catch(({ message }) => body.replaceChildren(h("p", { role: "alert" }, message)));
  const hide = (one, isHidden) => one?.classList.toggle("deck-step", isHidden);
  const isHidden = (one) => one.matches(".deck-step");
  return {
    element, from, ready, name,
    /** What the next press does here, in words, or "". */
    get next() { return widget?.next ?? ""; },
    forward() {
      const one = steps.find(isHidden);
      hide(one, false);
      return one || widget?.forward();
    },
    back() {
      const one = steps.findLast((step) => !isHidden(step));
      hide(one, true);
      return one || widget?.back();
    },
    /** Before it is shown: with all its steps, or with none. */
    begin: (isWhole) => steps.forEach((one) => hide(one, !isWhole)),
    fit() {
      widget ??= draw && createWidget(body, draw);
      body.style.setProperty("--room", `${body.clientHeight}px`);
      if (view) end ??= widget?.fill();
      else fitText(body);
    },
    leave() {
      widget?.pause();
      end?.();
      end = null;
    },
    stop: () => widget?.stop(),
  };
}

// ---- the slides on the screen

const TYPED = "input:not([type=checkbox], [type=radio], [type=range]), select, textarea, [contenteditable]";
const OWN_ARROWS = `${TYPED}, input, [role=grid], [role=tablist], [role=slider], [role=listbox]`;
const SWIPE = 60; // pixels

const ALWAYS = { PageDown: "forward", PageUp: "back" }; // as a clicker sends them, wherever the focus is
/** The name of the act that another key asks for, unless the element with the focus needs the key itself. */
function meaning({ key, shiftKey, ctrlKey, metaKey, altKey, target }) {
  if (ctrlKey || metaKey || altKey) return "";
  if (target.closest(TYPED) || (/^(Arrow|Home|End)/.test(key) && target.closest(OWN_ARROWS))) return "";
  if ([" ", "Enter"].includes(key)) return target.closest("button, summary, .cnn-widget") ? "" : shiftKey ? "back" : "forward";
  return { ArrowRight: "forward", ArrowLeft: "back", ArrowDown: "next", ArrowUp: "previous", Home: "first", End: "last", b: "dark", ".": "dark", f: "full", Escape: "leave" }[key];
}

/** Listens to the keys of an element, and to those of nobody while it is open; the acts are by their names. Returns what ends that. */
function listen(element, acts) {
  const lost = (event) => event.target === document.body && answer(event, acts[ALWAYS[event.key] ?? meaning(event)]);
  function answer(event, act) {
    if (!act || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
    if (!event.repeat) act();
  }
  element.addEventListener("keydown", (event) => answer(event, acts[ALWAYS[event.key]]), true);
  element.addEventListener("keydown", (event) => answer(event, acts[meaning(event)]));
  addEventListener("keydown", lost, true);
  return () => removeEventListener("keydown", lost, true);
}

/** Calls swiped(across) where a finger has gone so many pixels, but not in a widget, which has a use for fingers. */
function onSwipe(stage, swiped) {
  let begun = null;
  stage.addEventListener("touchstart", ({ touches: [{ clientX, clientY }, another], target }) => {
    begun = another || target.closest(".cnn-widget") ? null : [clientX, clientY];
  }, { passive: true });
  stage.addEventListener("touchend", ({ changedTouches: [{ clientX, clientY }] }) => {
    const [across, down] = begun ? [clientX - begun[0], clientY - begun[1]] : [0, 0];
    begun = null;
    if (Math.abs(across) > Math.max(SWIPE, 2 * Math.abs(down))) swiped(across);
  }, { passive: true });
}

/** Prints each slide on a page as large as the screen; show() shows what was shown before. Returns what ends that. */
function onPrint(slides, place, show) {
  const sheet = h("style");
  function before() {
    const { clientWidth: width, clientHeight: height } = place.closest("dialog");
    sheet.textContent = `@page { size: ${width}px ${height}px; margin: 0; }`;
    document.head.append(sheet);
    place.replaceChildren(...slides.map((slide) => slide.element));
    for (const slide of slides) {
      slide.begin(true);
      slide.fit();
    }
  }
  function after() {
    sheet.remove();
    slides.forEach((slide) => slide.leave());
    show();
  }
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  return () => {
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
  };
}

function fullScreen(stage) {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen?.().catch(() => {}); // a browser may forbid it
}

/** The bar below the slides: acts are {back, forward, full, leave}. */
function createBar(chapter, { back, forward, full, leave }) {
  const hint = h("span", { class: "deck-hint" }), count = h("span", { class: "deck-count" });
  const element = h("footer", {}, h("span", { class: "deck-chapter" }, chapter), hint,
    button("‹", back, { "aria-label": "Back", title: "Back (Page Up)" }), count, button("›", forward, { "aria-label": "Next", title: "Next (Page Down)" }),
    document.fullscreenEnabled ? button("Full screen", full, { title: "Full screen (f)" }) : "", button("Leave", leave, { title: "Leave the slides (Escape)" }));
  return { element, tell(now, all, next) {
    count.textContent = `${now + 1} / ${all}`;
    hint.textContent = next && `${next} · ↓ the next slide`;
  } };
}

/**
 * The slides of an article. prepare(view) gives what draws the widget of a view in an element, and returns what ends
 * it; onmove(number) hears which slide is shown, from 1, and 0 when the slides are left. open(number) shows one;
 * without a number that of what is on the screen.
 */
function createDeck(article, prepare, onmove) {
  const slides = slidesOf(article).map((one) => createSlide(one, prepare)), last = slides.length - 1;
  const acts = { back, forward, leave, dark: () => stage.classList.toggle("deck-dark"), full: () => fullScreen(stage),
    next: () => show(now + 1), previous: () => show(now - 1, true), first: () => show(0), last: () => show(last, true) };
  const bar = createBar(slides[0].name, acts);
  const place = h("div", { class: "deck-place" }), stage = h("div", { class: "deck-stage" }, place, bar.element);
  const element = h("dialog", { class: "deck", "aria-label": "Slides", cancel: (event) => (event.preventDefault(), leave()) }, stage);
  const resized = new ResizeObserver(() => slides[now].fit());
  const ends = [onPrint(slides, place, () => show(now, true, true)), listen(element, acts)];
  let now = -1;

  function show(index, isWhole = false, again = false) {
    const next = Math.min(Math.max(index, 0), last), slide = slides[next];
    if (next === now && !again) return;
    slides[now]?.leave();
    now = next;
    slide.begin(isWhole);
    slide.element.setAttribute("aria-label", `${now + 1} of ${slides.length}: ${slide.name}`);
    place.replaceChildren(slide.element);
    slide.fit();
    slide.ready?.then(() => slides[now] === slide && element.open && (slide.fit(), tell()));
    slide.element.focus({ preventScroll: true });
    tell();
    onmove(now + 1);
  }
  const tell = () => queueMicrotask(() => (stage.classList.remove("deck-dark"), bar.tell(now, slides.length, slides[now].next))); // a widget has drawn itself by then
  function forward() {
    return slides[now].forward() ? tell() : show(now + 1);
  }
  function back() {
    return slides[now].back() ? tell() : show(now - 1, true);
  }
  function open(number) {
    const [start, ...others] = slides.map(({ from }) => from.getBoundingClientRect()), isAtStart = start.bottom > 0;
    if (!element.open) {
      document.body.append(element);
      element.showModal();
      resized.observe(place);
    }
    show(number ? number - 1 : isAtStart ? 0 : others.findLastIndex(({ top }) => top < innerHeight / 3) + 1);
  }
  /** Back to the chapter, where the slide comes from. */
  function leave() {
    if (document.fullscreenElement) document.exitFullscreen();
    ends.forEach((end) => end());
    resized.disconnect();
    slides.forEach((slide) => (slide.leave(), slide.stop()));
    element.close();
    element.remove();
    const { from } = slides[now], { top, bottom } = from.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) from.scrollIntoView({ behavior: "instant" });
    onmove(0);
  }

  stage.addEventListener("click", ({ target }) => target.closest(".deck-slide:not(.deck-play)") && getSelection().isCollapsed && forward());
  onSwipe(stage, (across) => (across < 0 ? forward() : back()));
  return { open, leave };
}

export default createDeck;
