// What the widgets of the backward pass share: arrays beside their gradients, their sums, choices.
import { presets } from "./controls.js";
import { factor, format, h, pointedSum } from "./dom.js";
import { grid } from "./grid.js";
import { sum, table } from "../math/lists.js";

/** The indices of a nested array's numbers, in order: [0, 0], [0, 1], ... */
export const placesOf = (nested) =>
  nested.flatMap((part, i) => (Array.isArray(part) ? placesOf(part).map((rest) => [i, ...rest]) : [[i]]));

/** A pass as it stands: its arrays, and how crowded they make it. */
export function backwardStage(parts, across) {
  const element = h("div", { class: "stage" },
    h("div", { class: "heading" }, "forward ↓"), h("div", { class: "heading" }, "backward ↑"), parts);
  return { element, update(now) {
    const count = across(now);
    element.style.setProperty("--fit", count);
    element.classList.toggle("busy", count > 9);
    element.classList.toggle("large", count > 11);
  } };
}

/** A plane cut to rows x columns, or filled up with what `fill(row, column)` gives. */
export const fitted = (plane, rows, columns, fill) => table(rows, columns, (i, j) => plane?.[i]?.[j] ?? fill(i, j));

/** Adds up `amount(term)` under `key(term)`. */
export function totals(terms, key, amount) {
  const found = new Map();
  for (const term of terms) found.set(key(term), (found.get(key(term)) ?? 0) + amount(term));
  return found;
}

/**
 * A grid for each channel or filter. The listeners are those of grid(), with the plane's number in
 * front. update(values, look, sizes) draws: look(plane) gives the plane's name, `part`, and what
 * grid's update takes; `sizes` are those that the caption states, of all planes by default.
 */
export function planeGrids({ label, tone, note = "", onedit, onselect, onerror }) {
  const list = [];
  const size = h("span");
  const boxes = h("div", { class: "planes" });
  const element = h("div", { class: "side" },
    h("div", { class: "caption" }, h("b", {}, label), " ", size, h("span", { class: "note" }, note)), boxes);

  function add(plane) {
    const made = grid({ label, tone, onerror,
      onedit: onedit && ((...place) => onedit(plane, ...place)),
      onselect: onselect && ((...place) => onselect(plane, ...place)) });
    const title = h("span", { class: "plane-name" });
    const box = h("div", {}, title, made.element);
    boxes.append(box);
    list.push({ made, title, box });
  }

  return {
    element,
    update(values, look, sizes = [...(values.length > 1 ? [values.length] : []), values[0].length, values[0][0].length]) {
      while (list.length > values.length) list.pop().box.remove();
      while (list.length < values.length) add(list.length);
      size.textContent = sizes.join(" × ");
      list.forEach((one, plane) => {
        const { part = "", ...drawn } = look(plane);
        one.made.rename(part ? `${label}, ${part}` : label);
        one.title.textContent = part;
        one.made.update(values[plane], { scale: values.flat(), ...drawn });
      });
    },
    cell: (plane, row, column) => list[plane]?.made.cell(row, column),
  };
}

/** A product as it is written in a sum. */
export const written = (first, second) => `${format(first)}·${factor(second)}`;

/**
 * A part that writes out sums, `now.lines`: {name, rows, plus, end}. `rows` are lists of terms {text, zero}, with
 * line breaks between rows only; `plus` says that they are added; `end` is the total as text. `now.notes` are
 * elements to stand below. onlight(term), or onlight(null), follows a mouse or the arrow keys.
 */
export function sumLines(onlight) {
  let terms = [];
  const { element, write } = pointedSum((index) => onlight(terms[index] ?? null));

  function line({ name, rows, plus, end }) {
    const first = rows.flat()[0];
    const added = (text) => `+ ${text.replace(/^−[\d.]+/, "($&)")}`;
    const one = (term) => h("span", { "data-term": terms.push(term) - 1, class: term.zero ? "term zero" : "term" },
      plus && term !== first ? added(term.text) : term.text);
    const spans = rows.filter((row) => row.length).flatMap((row, r) => [
      h("span", { class: "terms" }, row.flatMap((term, k) => [one(term), k < row.length - 1 ? (plus ? " " : ", ") : ""])),
      plus || r === rows.length - 1 ? " " : ", "]);
    return h("p", {}, h("span", { class: "plane-name" }, name), " ", spans,
      end === undefined ? null : h("span", { class: "terms" }, "= ", h("strong", {}, end)));
  }
  return { element, update({ lines, notes = [] }) {
    terms = [];
    write([...lines.map(line), ...notes]);
  } };
}

/** What the usual slips make of a sum of first·second, and what to say `otherwise`. */
export function backwardSlips(pairs, turned, otherwise) {
  const total = (seconds) => sum(pairs.map(([first], k) => first * seconds[k]));
  const seconds = pairs.map(([, second]) => second);
  const slips = [
    [sum(pairs.map(([first]) => first)) * sum(seconds), "That multiplies two sums. Each product has a gradient of its own: multiply first, then add."],
    [total([...seconds].reverse()), turned],
    [total(seconds.map(() => 1)), "That leaves the gradients out. Each number is multiplied by the gradient it met."],
    [total(seconds) / pairs.length, "That is the mean. Contributions are added, not averaged."],
    [sum(pairs.map(([first, second]) => Math.abs(first * second))), "A minus sign was lost."],
    [-total(seconds), "The sign is turned round."],
  ];
  return { slips, otherwise };
}

/** Ready gradients to choose; `read` and `write` see all planes. */
export function gradientPresets({ read, write, given }) {
  const made = (make) => () => {
    let index = 0;
    return read().map((plane) => plane.map((line) => line.map(() => make(index++))));
  };
  const fits = () => placesOf(read()).length === placesOf(given()).length && read()[0].length === given()[0].length;
  return presets("G", new Map([["as given", () => (fits() ? given() : null)], ["1, 2, 3, …", made((index) => index + 1)],
    ["ones", made(() => 1)], ["a single 1", made((index) => Number(index === 0))]]), { read, write });
}
