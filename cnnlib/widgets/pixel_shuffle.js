// One fixed permutation of the pixels: a dense neuron does not care, a convolution does.
import { tick, trait } from "./shared/view/controls.js";
import { button, copyWith, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { sameShape } from "./shared/math/array.js";
import { planeMap, planeProducts, shuffled } from "./shared/math/planes.js";
import { predictFirst } from "./shared/view/predict.js";
import { sumOf, sumPanel } from "./shared/view/sum.js";

const SIDES = ["in order", "shuffled"];
const DATA = ["image", "weight", "kernel", "bias", "order", "shuffle_weights"];

/** Why these cannot be shown together, or "". */
function problem({ image, weight, kernel, order }) {
  const places = [...order].sort((one, other) => one - other);
  if (!sameShape(weight, image)) return "The image and the dense weights are not of the same size.";
  if (kernel.length > image.length || kernel[0].length > image[0].length) return "The kernel is larger than the image.";
  return places.length === image.flat().length && places.every((place, k) => place === k) ? "" : "The order is no permutation of the pixels.";
}

/** A permutation in which every order is equally likely (Fisher and Yates). */
function permutation(length) {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const part = (title, ...children) => h("div", { class: "part" }, h("span", { class: "plane-name" }, title), children);

/** One row of the widget: an image, the dense neuron's weights and number, and the feature map. */
function createSide(name, side, { complain }, { onpixel, onweight, onchoose, onpoint }) {
  const editable = (label, tone, onedit) =>
    grid({ label: `${label}, ${name}`, tone, onerror: complain, onedit, onselect: onpoint, onhover: onpoint });
  const image = editable("Image", "gray", onpixel), weight = editable("Dense weights", "signed", onweight);
  const neuron = grid({ label: `Dense neuron, ${name}`, tone: "signed", onselect: () => onchoose(-1) });
  const map = grid({ label: `Feature map, ${name}`, tone: "signed", onselect: (i, j) => onchoose(i * columns + j) });
  let columns = 1;
  return {
    element: h("div", { class: "side" }, h("b", { class: "side-name" }, `Pixels ${name}`),
      h("div", { class: "parts" }, part("image", image), part("dense weights", weight), part("dense", neuron), part("feature map", map))),
    cells: (row, column) => [image.cell(row, column), weight.cell(row, column)],
    update({ views, kernel, side: chosenSide, position, hidden }) {
      const view = views[side], chosen = side === chosenSide ? position : null;
      columns = view.map[0].length;
      const box = chosen === null || chosen < 0 ? null : oneCell(Math.floor(chosen / columns), chosen % columns);
      const look = (index) => ({ mark: chosen === index ? "current" : "", ...(hidden(`${side},${index}`) ? { text: "?" } : {}) });
      image.update(view.image, { frame: box && { ...box, rows: kernel.length, columns: kernel[0].length } });
      weight.update(view.weight);
      neuron.update([[view.dense]], { cell: () => look(-1), frame: chosen === -1 ? oneCell(0, 0) : null });
      map.update(view.map, { cell: (i, j) => look(i * columns + j), frame: box });
    },
  };
}

/** Both sides, in which a pixel and the dense weights that it meets are marked together. */
function createSides(own) {
  const { get, set } = own;
  const columns = () => get("image")[0].length;
  /** Where a pixel of one side stands on the other: the same number, at another place. */
  function partner(side, row, column) {
    const place = row * columns() + column;
    const other = side === 0 ? get("order").indexOf(place) : get("order")[place];
    return [Math.floor(other / columns()), other % columns()];
  }
  const original = (side, row, column) => (side === 0 ? [row, column] : partner(1, row, column));
  const sides = SIDES.map((name, side) => createSide(name, side, own, {
    onpixel: (row, column, value) => set({ image: copyWith(get("image"), original(side, row, column), value) }),
    onweight: (row, column, value) => set({ weight: copyWith(get("weight"),
      get("shuffle_weights") ? original(side, row, column) : [row, column], value) }),
    onchoose: (position) => set({ side, position }),
    onpoint: (row, column) => mark(row === undefined ? [] : both(side, row, column)),
  }));
  const all = group({ class: "sides" }, sides);
  const both = (side, ...place) => [[side, ...place], [1 - side, ...partner(side, ...place)]];
  const mark = (places) => light(all.element, places.flatMap(([side, ...place]) => sides[side].cells(...place)));
  return { ...all, light: (term) =>
    mark(!term ? [] : get("position") === -1 ? both(get("side"), term.row, term.column) : [[get("side"), term.row, term.column]]) };
}

/** What an image, as it is and shuffled, becomes. */
function viewsOf({ image, weight, kernel, bias, order, shuffle_weights }) {
  const weights = shuffle_weights ? shuffled(weight, order) : weight;
  return [[image, weight], [shuffled(image, order), weights]].map(([plane, own]) => ({
    image: plane, weight: own, dense: sumOf(planeProducts(plane, own), 0), map: planeMap(plane, kernel, bias),
  }));
}

function stateOf(get, hidden) {
  const traits = Object.fromEntries([...DATA, "side", "position"].map((name) => [name, get(name)]));
  const { side, position, kernel } = traits, views = viewsOf(traits), { image, weight, map } = views[side];
  const dense = position === -1, row = Math.floor(position / map[0].length), column = position % map[0].length;
  const key = `${side},${position}`, bias = dense ? 0 : traits.bias;
  const terms = dense ? planeProducts(image, weight) : planeProducts(image, kernel, [row, column]);
  const where = `${dense ? "the dense neuron" : `row ${row}, column ${column} of the feature map`}, pixels ${SIDES[side]}`;
  const title = dense
    ? `The dense neuron, pixels ${SIDES[side]}: ${terms.length} products`
    : `The convolution at row ${row}, column ${column}, pixels ${SIDES[side]}: ${kernel.length} × ${kernel[0].length} products and the bias`;
  const task = { key, where, terms, bias, total: sumOf(terms, bias) };
  return { ...traits, views, hidden, isHidden: hidden(key), terms, bias, ownBias: traits.bias, where, title, task };
}

/** How the two sides differ, as far as that may be told. */
function verdictOf({ views, hidden }, predicting) {
  const [ordered, mixed] = views.map(({ map }) => map.flat()), [first, second] = views.map(({ dense }) => dense);
  const differ = ordered.filter((value, k) => Math.abs(value - mixed[k]) > 1e-9).length;
  const alike = Math.abs(first - second) < 1e-9 ? "the same" : "not the same";
  return [
    hidden("0,-1") || hidden("1,-1") ? "" : h("span", {}, `Dense neuron: ${format(first)} and ${format(second)}, ${alike}. `),
    predicting ? "" : h("span", {}, `Feature map: ${differ} of ${ordered.length} numbers differ.`)];
}

function build(own) {
  const { get, set, complain } = own;
  const sides = createSides(own), sums = sumPanel(sides.light);
  const title = h("p", { class: "sum-title" }), verdict = h("p", { class: "verdict-line" });
  const kernel = grid({ label: "Kernel", tone: "signed", onerror: complain,
    onedit: (i, j, value) => set({ kernel: copyWith(get("kernel"), [i, j], value) }) });
  const bias = grid({ label: "Bias", tone: "signed", counted: false, onerror: complain, onedit: (_, __, value) => set({ bias: value }) });
  const ask = predictFirst(own, { next() {
    const { views, side, position } = stateOf(get, ask.hidden), last = views[0].map.flat().length - 1;
    set(position < last ? { position: position + 1 } : { side: 1 - side, position: -1 });
  } });
  const panel = dock(title, sums, ask);
  const under = {
    element: h("div", { class: "under" },
      part("kernel, the same for both", kernel, h("div", { class: "bias" }, h("span", {}, "+ bias"), bias)), panel),
    forget: panel.forget,
    update(now) {
      kernel.update(now.kernel);
      bias.update([[now.ownBias]]);
      title.textContent = now.title;
      panel.update(now);
      verdict.replaceChildren(...verdictOf(now, get("predict")));
    },
  };
  /** What another order changes, wherever the chosen number stands. */
  const reorder = (traits) => {
    set(traits);
    own.draw();
    own.announce(verdict.textContent || "The pixels are shuffled anew.");
  };
  return {
    state: () => stateOf(get, ask.hidden), say: ({ where, isHidden, task }) => `${where}: ${isHidden ? "hidden" : format(task.total)}`,
    parts: [sides, verdict, under, own.error,
      group({ class: "controls" }, tick("Shuffle the dense weights alike", trait(own, "shuffle_weights", reorder)),
        button("Another permutation", () => reorder({ order: permutation(get("order").length) })), ask.tick, own.reset)],
  };
}

export default frame({ mark: "pixel-shuffle", label: "Shuffled pixels", data: DATA, kept: ["side", "position"], problem, build });
