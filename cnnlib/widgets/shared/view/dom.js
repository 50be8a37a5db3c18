// Elements, numbers, and what a reader types, chooses and points at.

/** An element with attributes (a function is a listener) and children: texts, nodes, and parts of a widget. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null).map((child) => child.element ?? child));
  return element;
}

export const button = (label, click, attributes = {}) => h("button", { type: "button", click, ...attributes }, label);

export function icon(path) {
  const span = h("span", { class: "icon", "aria-hidden": "true" });
  span.innerHTML = `<svg viewBox="0 0 24 24" width="20" height="20" fill="currentColor"><path d="${path}"/></svg>`;
  return span;
}
export const iconButton = (name, path, click, attributes = {}) =>
  h("button", { type: "button", "aria-label": name, title: name, click, ...attributes }, icon(path));

/** A number as the book prints it: at most `digits` decimals, and a true minus sign. */
export function format(number, digits = 4) {
  const text = String(Number(number.toFixed(digits)) + 0);
  return text.replace("-", "−");
}

/** The same, in brackets when negative, as a factor is written. */
export function factor(number) {
  const text = format(number);
  return text.startsWith("−") ? `(${text})` : text;
}

/** A number for a small place: two decimals, fewer when it is long, or 4e+8. */
export function brief(number) {
  const texts = [2, 1, 0].map((digits) => format(number, digits));
  return texts.find((text) => text.length <= 6) ?? number.toExponential(0).replace("-", "−");
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";

/** What digits can mean, as JavaScript writes it: "1,000" is a thousand, or 1 and no thousandths. */
function decimals(text) {
  const digits = text.replace(/(\d)[\s'’ʼ_](?=\d{3}(?!\d))/g, "$1");
  const texts = [digits.replace(",", ".")];
  if (/^[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(digits)) texts.push(digits.replaceAll(",", ""));
  if (/^[1-9]\d{0,2}(\.\d{3})+(\.\d{3}|,\d*)$/.test(digits)) texts.push(digits.replaceAll(".", "").replace(",", "."));
  return texts.filter((one) => /^(\d+\.?\d*|\.\d+)$/.test(one));
}

/** The same with a sign and a power of ten: 4e+8, 4·10^8 or 4×10⁸. */
function scaled(text) {
  const plain = text.replace(/[⁰¹²³⁴-⁹⁻]+/g, (raised) => `^${[...raised].map((one) => "0123456789-"[RAISED.indexOf(one)]).join("")}`)
    .replace(/\s*[·⋅×x*]\s*10\s*(\^|\*\*)\s*/, "e").replace(/\s*[·⋅×*]\s*10$/, "e1");
  const [, sign, digits, power = "0"] = plain.match(/^([-+]?)\s*(.*?)(?:e([-+]?\d+))?$/i);
  return decimals(digits).map((one) => Number(`${sign}${one}e${power}`));
}

/**
 * All numbers that a typed text can mean: 3, −1.5, +2, 1/9, 12%, 73,856, 1 000, 4e+8, 4·10^8. A comma is a
 * decimal comma or groups thousands; where it can be both, there are two. None when it is no number.
 */
export function readings(text) {
  const [, fraction, percent] = text.trim().replace(/[−–﹣－]/g, "-").match(/^(.*?)\s*(%?)$/s);
  const [tops, bottoms = [1], ...rest] = fraction.split(/[/⁄∕]/).map((part) => scaled(part.trim()));
  if (rest.length) return [];
  const values = tops.flatMap((top) => bottoms.map((bottom) => top / bottom / (percent ? 100 : 1)));
  return [...new Set(values.filter(Number.isFinite))];
}

/** The number that a typed text means. NaN when it is none, or when it can be two. */
export function parse(text) {
  const [value, ...others] = readings(text);
  return value === undefined || others.length ? NaN : value;
}

/** Why `parse` finds no number there. */
export function misread(text) {
  const values = readings(text);
  return values.length < 2 ? `“${text}” is not a number. Try 3, -1 or 1/9.`
    : `“${text}” can be ${values.map((value) => format(value, 12)).join(" or ")}. Write it without a comma.`;
}

/** A nested array with the value at `place` replaced, and nothing changed in the old one. */
export const copyWith = (nested, [first, ...rest], value) =>
  nested.map((part, i) => (i !== first ? part : rest.length ? copyWith(part, rest, value) : value));

/** A listener for keydown: Enter in a field. A form would do this too, but some frames let none be sent. */
export const onEnter = (act) => (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches("input")) return;
  event.preventDefault();
  act();
};

/** Copies an element's text, and says so in another; where the browser forbids it, the text is selected. */
export async function copyText(element, said) {
  getSelection().selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.textContent);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "Selected: press Ctrl+C or ⌘C.";
  }
}

/** Gives an element other children; the focus stays at the place where it was, or goes to `rest` when none is left. */
export function refill(element, children, rest) {
  const at = [...element.children].findIndex((child) => child.contains(document.activeElement));
  element.replaceChildren(...children);
  if (at < 0) return;
  const next = element.children[Math.min(at, children.length - 1)];
  (next ? (next.matches("button") ? next : next.querySelector("button")) : rest).focus();
}

/** One tab stop for what items() gives of an element: arrows, Home and End move. Returns what makes one the stop. */
export function roving(element, items) {
  const stop = (chosen) => {
    for (const one of items()) one.tabIndex = one === chosen ? 0 : -1;
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...items()], at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || !all[to]) return;
    event.preventDefault();
    stop(all[to]);
    all[to].focus();
  });
  return stop;
}

/**
 * The element of a sum: write(nodes) fills it. onpoint(index) as a mouse or the focus comes to what has a
 * data-term, the index of a term, and onpoint() when it leaves. All terms are one tab stop.
 */
export function pointedSum(onpoint, attributes = {}) {
  const terms = () => element.querySelectorAll("[data-term]");
  const point = ({ target }) => onpoint(target.closest("[data-term]")?.dataset.term);
  const element = h("div", { class: "sum", pointerover: point, focusin: point, pointerleave: () => onpoint(), focusout: () => onpoint(), ...attributes });
  const stop = roving(element, terms);
  return { element, write(nodes) {
    const at = [...terms()].indexOf(document.activeElement);
    element.replaceChildren(...nodes);
    const next = terms()[Math.max(at, 0)] ?? terms()[0];
    stop(next);
    if (at >= 0) next?.focus({ preventScroll: true });
  } };
}

/** A labelled control. */
export const field = (label, ...controls) => h("label", { class: "field" }, h("span", {}, label), controls);

/** A field for a number, and the button that turns its sign round: phones' number keyboards have no minus key. */
export function answerField(label, attributes = {}) {
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: 6, "aria-label": label, ...attributes });
  const sign = button("±", () => {
    input.value = /^[-−]/.test(input.value) ? input.value.slice(1) : `-${input.value}`;
    input.focus();
    input.dispatchEvent(new Event("input"));
  }, { "aria-label": "Change the sign" });
  return { input, sign };
}

export function select(options, onchange) {
  const element = h("select", { change: () => onchange(element.value) });
  element.append(...options.map(([value, text]) => h("option", { value }, text)));
  return element;
}

/** The element that scrolls another: the page's own, but in JupyterLab it is one within. */
export function scrollerOf(element) {
  let one = element.parentElement;
  while (one && !(one.scrollHeight > one.clientHeight && /auto|scroll/.test(getComputedStyle(one).overflowY))) one = one.parentElement;
  return one ?? document.scrollingElement;
}

/** Marks these cells of a widget, and none but these. */
export function light(element, lit, mark = "lit") {
  for (const old of element.querySelectorAll(`.number.${mark}`)) old.classList.remove(mark);
  for (const one of lit) one?.classList.add(mark);
}

/**
 * Calls onpoint(event) where a pointer is, once it was pressed on `element`. A finger counts when it moves
 * sideways, or is lifted where it was put down: up and down it scrolls the page. Unless it is held, the pointer
 * stays with what is under it, which hears of a click.
 */
export function followPointer(element, onpress, onpoint, held = true) {
  let pressed = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed = { event, counts: event.pointerType !== "touch" };
    if (held) element.setPointerCapture(event.pointerId);
    else event.target.releasePointerCapture?.(event.pointerId); // a finger is captured by where it began
    onpress();
    if (held) event.preventDefault();
    if (pressed.counts) onpoint(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (pressed?.event.pointerId !== event.pointerId) return;
    if (!event.buttons) pressed = null; // lifted outside
    else if (pressed.counts) onpoint(event);
    else {
      const [across, along] = ["clientX", "clientY"].map((name) => Math.abs(event[name] - pressed.event[name]));
      pressed.counts = across > 4 && across > along;
      if (pressed.counts) for (const one of [pressed.event, event]) onpoint(one);
    }
  });
  element.addEventListener("pointerup", (event) => {
    if (pressed?.event.pointerId === event.pointerId && !pressed.counts) onpoint(event);
    pressed = null;
  });
  element.addEventListener("pointercancel", () => (pressed = null));
}
