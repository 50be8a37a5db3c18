// What a reader sets: ticks, choices among values, and ready values to choose by name. Each is a part.
import { field, h } from "./dom.js";

/** What a control reads and writes: a trait. `write` takes the traits to be set. */
export const trait = (own, name, write = own.set) => ({ read: () => own.get(name), write: (value) => write({ [name]: value }) });

/** A box to tick. */
export function tick(label, { read, write }) {
  const box = h("input", { type: "checkbox", change: () => write(box.checked) });
  return { element: h("label", { class: "tick" }, box, label), update: () => (box.checked = read()) };
}

/** Choices first to last. */
export const upTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => [first + i, String(first + i)]);

/** A value as an option's: a pair of equal numbers is one. */
const keyOf = (value) => String(Array.isArray(value) && value[0] === value[1] ? value[0] : value);
const textOf = (value) => keyOf(value).replace(",", " × ");

/** A choice among [value, text] pairs, with no label that is seen. A value that is none of them is added, as text(value). */
function menu(label, options, { read, write, text: name = textOf }) {
  const values = new Map();
  const element = h("select", { "aria-label": label, change: () => write(values.get(element.value)) });
  const add = ([value, text]) => {
    values.set(keyOf(value), value);
    element.append(h("option", { value: keyOf(value) }, text));
  };
  options.forEach(add);
  return { element, update() {
    const value = read();
    if (!values.has(keyOf(value))) add([value, name(value)]);
    element.value = keyOf(value);
  } };
}

/** A choice with its label beside it. */
export function choice(label, options, access) {
  const control = menu(null, options, access);
  return { ...control, element: field(label, control.element) };
}

/** Two choices, rows × columns; `read` and `write` see both sizes. */
export function sizes(label, largest, { read, write }) {
  const sides = ["rows", "columns"].map((name, side) => menu(`${label} ${name}`, upTo(largest), {
    read: () => read()[side], write: (value) => write(read().map((old, i) => (i === side ? value : old))),
  }));
  return { element: h("span", { class: "field" }, h("span", {}, label), sides[0].element, "×", sides[1].element),
    update: () => sides.forEach((side) => side.update()) };
}

export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Ready values to choose, beside the one that was given, if it is told, and the one that was edited. `makers`
 * maps a name to what makes its value; null is one that does not fit, and cannot be chosen. Of equal values the
 * first is named, and what was given last.
 */
export function presets(label, makers, { read, write, given }) {
  const all = new Map([...(given ? [["as given", given]] : []), ...makers]);
  const options = new Map([...all.keys(), "edited"].map((name) => [name, h("option", { value: name }, name)]));
  options.get("edited").disabled = true; // a state, not a choice
  const control = h("select", { change: () => write(all.get(control.value)()) }, [...options.values()]);
  return { element: field(label, control), update() {
    for (const [name, make] of all) options.get(name).hidden = make() === null;
    control.value = [...makers.keys(), "as given"].find((name) => all.has(name) && same(all.get(name)(), read())) ?? "edited";
  } };
}
