// A network as a row of cards, each with what its layer makes of one image: choose one, move it, change its numbers.
import { call, LAYERS, summarize, written } from "../math/architecture.js";
import { best } from "../math/lists.js";
import { button, copyWith, field, h } from "./dom.js";
import { largestOf, paintMap } from "./maps.js";

const ROOM = 132; // pixels of a card's picture: twice as many as it is wide
const MOST = 16; // maps that a card shows
const LARGEST = 256; // of any number that is typed

/** Paints maps as tiles in a square; numbers in a row are one tile. */
export function paintTiles(canvas, values, shape, gray = false) {
  const [maps, rows, columns] = shape.length === 3 ? shape : [1, Math.ceil(shape[0] / Math.ceil(Math.sqrt(shape[0]))), Math.ceil(Math.sqrt(shape[0]))];
  const shown = Math.min(maps, MOST), across = Math.ceil(Math.sqrt(shown)), down = Math.ceil(shown / across);
  const [wide, high] = [across * (columns + 1) - 1, down * (rows + 1) - 1], zoom = Math.max(1, Math.floor(ROOM / Math.max(wide, high)));
  const small = new ImageData(wide, high), top = gray ? 1 : largestOf(values);
  for (let map = 0; map < shown; map++) {
    const left = (map % across) * (columns + 1), above = Math.floor(map / across) * (rows + 1);
    paintMap(small.data, wide, left, values, map * rows * columns, [rows, columns], top, gray, above);
  }
  Object.assign(canvas, { width: wide, height: high });
  canvas.getContext("2d").putImageData(small, 0, 0);
  Object.assign(canvas.style, { width: `${(wide * zoom) / 2}px`, height: `${(high * zoom) / 2}px` });
}

/** What a card is called. */
function shortName(layer) {
  const size = layer.kernel_size ? ` ${layer.kernel_size}×${layer.kernel_size}` : "";
  return `${layer.kind.replace(/(?=Norm|Pool)/g, "\u200b")}${size}`; // a long name is broken between its words
}

/** The card of a layer. */
function createCard(onchoose) {
  const name = h("span", { class: "card-name" }), shape = h("span", { class: "card-shape", translate: "no" });
  const canvas = h("canvas", { "aria-hidden": "true" });
  const picture = h("span", { class: "card-picture" }, canvas);
  const one = h("button", { type: "button", class: "card", click: () => onchoose(one) }, name, picture, shape);
  return { element: one, canvas, show({ layer, output, error }, selected) {
    name.textContent = shortName(layer);
    shape.textContent = error ? "does not fit" : output ? written(output) : "–";
    one.classList.toggle("wrong", Boolean(error));
    one.classList.toggle("chosen", selected);
    one.setAttribute("aria-expanded", selected);
  } };
}

/** A bar for each class, and the one that is the answer. */
function createAnswer(classes) {
  const bars = classes.map((name) => {
    const fill = h("span", { class: "fill" });
    return { fill, element: h("li", {}, h("span", { class: "bar", "aria-hidden": "true" }, fill), h("span", { class: "class-name" }, name)) };
  });
  const words = h("span", { class: "card-name" });
  const element = h("div", { class: "card answer-card" }, words, h("ol", { class: "chances" }, bars));
  return { element, update(p, label) {
    const most = best(p), knows = Number.isFinite(p[0]);
    words.textContent = !knows ? "no answer" : label === null ? `says ${classes[most]}` : `says ${classes[most]}, is ${classes[label]}`;
    words.classList.toggle("wrong", label !== null && label !== most);
    bars.forEach(({ fill, element }, k) => {
      fill.style.height = `${knows ? 100 * p[k] : 0}%`;
      element.classList.toggle("best", knows && k === most);
      element.classList.toggle("truth", k === label);
    });
  } };
}

/** Which card a key leads to from the one at `index`. */
const stepOf = (key, index, count) =>
  ({ ArrowLeft: index - 1, ArrowUp: index - 1, ArrowRight: index + 1, ArrowDown: index + 1, Home: 0, End: count - 1 })[key];

/**
 * The cards: update({layers, shape, selected, misfit}) draws them, without an answer where the layers do not fit;
 * show({image, layers, p, label}) what each makes of an image, its `values` of the shape `output`.
 * onchoose(index), onmove(index, by) and onremove(index) are asked for by clicks and keys.
 */
export function stack({ classes, onchoose, onmove, onremove }) {
  const input = h("canvas", { "aria-hidden": "true" }), inputShape = h("span", { class: "card-shape", translate: "no" });
  const first = h("div", { class: "card input-card" }, h("span", { class: "card-name" }, "image"), h("span", { class: "card-picture" }, input), inputShape);
  const answer = createAnswer(classes), middle = h("div", { class: "card-row", role: "group", "aria-label": "Layers", keydown });
  const cards = [];
  let active = 0, rows = [], size = [1, 8, 8];

  function focus(index) {
    active = Math.min(Math.max(index, 0), cards.length - 1);
    cards.forEach(({ element }, i) => (element.tabIndex = i === active ? 0 : -1));
    cards[active]?.element.focus({ preventScroll: true });
  }
  function keydown(event) {
    const index = cards.findIndex(({ element }) => element === event.target), to = stepOf(event.key, index, cards.length);
    if (index < 0 || event.ctrlKey || event.metaKey || (to === undefined && event.key !== "Delete")) return;
    event.preventDefault();
    if (event.key === "Delete") onremove(index);
    else if (event.altKey) onmove(index, Math.sign(to - index));
    else focus(to);
  }
  middle.append(first, answer.element);
  return { element: middle, focus, update({ layers, shape, selected, misfit }) {
    [rows, size] = [summarize(layers, shape), shape];
    while (cards.length > rows.length) cards.pop().element.remove();
    while (cards.length < rows.length) {
      const card = createCard((one) => onchoose(cards.findIndex(({ element }) => element === one)));
      cards.push(card);
      answer.element.before(card.element);
    }
    active = Math.min(selected >= 0 ? selected : active, rows.length - 1);
    rows.forEach((row, i) => {
      cards[i].show(row, i === selected);
      cards[i].element.tabIndex = i === active ? 0 : -1;
    });
    inputShape.textContent = written(shape);
    if (misfit) answer.update(classes.map(() => NaN), null);
  }, show({ image, layers, p, label }) {
    paintTiles(input, image, size, true);
    cards.forEach(({ canvas }, i) => paintTiles(canvas, layers[i].values, layers[i].output));
    answer.update(p, label);
  } };
}

/** A field for a whole number; onset(value) when one is typed, complain(sentence) when it is none. */
function numberField(label, least, onset, complain) {
  let shown = null;
  const input = h("input", { type: "number", min: least, max: LARGEST, step: 1, inputmode: "numeric",
    change() {
      const value = input.value === "" ? NaN : Number(input.value);
      if (Number.isInteger(value) && value >= least && value <= LARGEST) return onset(value);
      complain(`${label}: expected a whole number from ${least} to ${LARGEST}.`);
      input.value = shown;
    } });
  return { element: field(label, input), show(value) {
    if (value !== shown) input.value = value;
    shown = value;
  } };
}

/** The fields of the layer at a place, and of those inside a Residual; show(layer) writes its numbers into one. */
function fieldsOf(layer, place, write, complain) {
  if (layer.kind === "Residual")
    return layer.layers.flatMap((inner, i) => fieldsOf(inner, [...place, "layers", i], write, complain).map(
      ({ element, show }) => ({ element, show: ({ layers }) => show(layers[i]) })));
  const list = Object.entries(LAYERS[layer.kind]).filter(([name]) => !["dilation", "groups"].includes(name));
  const parts = list.map(([name, { label, least }]) => {
    const { element, show } = numberField(label, least, (value) => write(place, { [name]: value }), complain);
    return { element, show: (now) => show(now[name]) };
  });
  return place.length > 1 ? [{ element: h("span", { class: "inner-name" }, layer.kind), show() {} }, ...parts] : parts;
}
const kindsOf = ({ kind, layers = [] }) => [kind, layers.map(kindsOf)];

/** The layer with some numbers changed, of itself or of one inside it. */
function changed(layer, place, numbers) {
  if (!place.length) return { ...layer, ...numbers };
  const [, i, ...rest] = place;
  return { ...layer, layers: copyWith(layer.layers, [i], changed(layer.layers[i], rest, numbers)) };
}

/** What can be done with the chosen layer: update({layers, selected, shape}). */
export function editor({ write, onmove, onremove, complain }) {
  const title = h("p", { class: "part-title" }), numbers = h("div", { class: "controls editor-numbers" }), counts = h("p", { class: "note", translate: "no" });
  let index = -1, open = "", layers = [], fields = [];
  const [up, down, away] = [button("← Earlier", () => onmove(index, -1)), button("Later →", () => onmove(index, 1)), button("Remove", () => onremove(index))];
  const element = h("div", { class: "editor" }, title, numbers, h("div", { class: "controls" }, up, down, away), counts);
  const put = (place, values) => write(copyWith(layers, [index], changed(layers[index], place.slice(1), values)));
  return { element, update({ layers: now, selected, shape }) {
    element.hidden = selected < 0;
    if (selected < 0) return;
    [layers, index] = [now, selected];
    const row = summarize(layers, shape)[index], layer = layers[index];
    title.textContent = `Layer ${index}: ${call(layer, row.input)}`;
    if (open !== (open = JSON.stringify([index, kindsOf(layer)]))) {
      fields = fieldsOf(layer, [index], put, complain);
      numbers.replaceChildren(...fields.map(({ element }) => element));
    }
    for (const one of fields) one.show(layer);
    const held = document.activeElement;
    [up.disabled, down.disabled, away.disabled] = [index === 0, index === layers.length - 1, layers.length === 1];
    if (held.disabled && element.contains(held)) [up, down].find((one) => !one.disabled)?.focus();
    counts.textContent = row.output ? `${written(row.input)} come in, ${written(row.output)} go out. ${row.parameters.toLocaleString("en-US")} parameters, `
      + `${row.multiplyAdds.toLocaleString("en-US")} multiply-adds for an image.` : "";
  } };
}
