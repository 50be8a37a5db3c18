// What a training has made so far: sizes layer by layer, what is taken for what, and the images that go wrong.
import { format, h } from "./dom.js";
import { paintLarge } from "./maps.js";

const LOW = -6; // of the bars' logarithms: 1e-6 and less has no bar
const MOST = 24; // wrong images that are shown

/** A number in a table: three figures, and 0 as 0. */
export function figure(number) {
  if (number === undefined || number === null) return "";
  if (!Number.isFinite(number)) return "nan";
  if (!number) return "0";
  return Math.abs(number) >= 0.001 && Math.abs(number) < 1e4 ? String(Number(number.toPrecision(3)))
    : number.toExponential(1).replace("-", "−");
}

/** A cell with a number and a bar as long as its logarithm. */
function measured(value) {
  const long = value > 0 ? Math.min(Math.max((Math.log10(value) - LOW) / -LOW, 0), 1) : 0;
  return h("td", {}, h("span", { class: "size-bar", style: `width: ${(100 * long).toFixed(0)}%`, "aria-hidden": "true" }),
    h("span", { class: "size-number", translate: "no" }, figure(value)));
}

const COLUMNS = ["layer", "weights", "gradients", "updates", "update / weight", "dead"];

/** A row for each layer that learns, or that can die: update([{name, weight, gradient, update, dead}]). */
export function sizesTable() {
  const body = h("tbody", {});
  const element = h("table", { class: "sizes" }, h("caption", {}, "Root mean square of each layer's weights, of their last gradients and updates. Bars are logarithms."),
    h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))), body);
  return { element, update(rows) {
    body.replaceChildren(...rows.map(({ name, weight, gradient, update, dead }) => h("tr", {}, h("th", { scope: "row" }, name),
      [weight, gradient, update, update && weight ? update / weight : null].map(measured),
      h("td", { class: dead > 0.5 ? "dead" : "" }, dead === undefined ? "" : `${Math.round(100 * dead)}%`))));
  } };
}

/** Who is taken for whom: update(counts), counts[is][called]. What is right has no color. */
export function confusionTable(classes) {
  const cells = classes.map(() => classes.map(() => h("td", { translate: "no" })));
  const element = h("table", { class: "confusions" }, h("caption", {}, "Rows: what it is. Columns: what it is called."),
    h("thead", {}, h("tr", {}, h("td", {}), classes.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, classes.map((name, i) => h("tr", {}, h("th", { scope: "row" }, name), cells[i]))));
  return { element, update(counts) {
    const most = Math.max(1, ...counts.flatMap((line, i) => line.filter((_, j) => i !== j)));
    counts.forEach((line, i) => line.forEach((count, j) => {
      const cell = cells[i][j], strength = i === j ? 0 : count / most;
      cell.textContent = count || "";
      cell.className = i === j ? "right" : "";
      cell.style.background = `color-mix(in srgb, var(--positive) ${Math.round(50 * strength)}%, var(--paper))`;
    }));
  } };
}

/** The images that get another answer, each a button: onchoose(index). update([{index, label, answer, probability}], pixelsOf, sides). */
export function wrongImages(onchoose) {
  const words = h("p", { class: "note" }), list = h("div", { class: "wrong-images" });
  const element = h("div", {}, words, list);
  return { element, update(wrong, pixelsOf, sides) {
    words.textContent = wrong.length ? `${wrong.length} held-out images get a wrong answer. Press one to look inside.`
      : "No held-out image gets a wrong answer.";
    const shown = wrong.slice(0, MOST);
    while (list.childElementCount > shown.length) list.lastChild.remove();
    while (list.childElementCount < shown.length) {
      const one = h("button", { type: "button", click: () => onchoose(Number(one.dataset.index)) },
        h("canvas", { "aria-hidden": "true" }), h("span", { translate: "no" }));
      list.append(one);
    }
    shown.forEach(({ index, label, answer, probability }, i) => {
      const one = list.children[i], painted = `${index} ${sides}`;
      if (one.dataset.painted !== painted) paintLarge(one.firstChild, pixelsOf(index), 0, sides, 1, true);
      Object.assign(one.dataset, { index, painted });
      one.lastChild.textContent = `${label} → ${answer}`;
      one.setAttribute("aria-label", `A ${label}, called ${answer} with ${format(100 * probability, 0)}%`);
    });
  } };
}
