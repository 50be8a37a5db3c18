// One fixed permutation of the pixels: a dense neuron does not care, a convolution does.
import { asking } from "./shared/view/asking.js";
import { announcer, copyWith, format, h, mount, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { planeMap, planeProducts, shuffled } from "./shared/math/planes.js";
import { sumPanel } from "./shared/view/sum.js";

const SIDES = ["in order", "shuffled"];
const DATA = ["image", "weight", "kernel", "bias", "order", "shuffle_weights"];

/** A permutation in which every order is equally likely (Fisher and Yates). */
function permutation(length) {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** One row of the widget: an image, the dense neuron's weights and number, and the feature map. */
function createSide(name, { onpixel, onweight, onchoose, onpoint, complain }) {
  const image = grid({ label: `Image, ${name}`, tone: "gray", onerror: complain, onedit: onpixel, onselect: onpoint, onhover: onpoint });
  const weight = grid({ label: `Dense weights, ${name}`, tone: "signed", onerror: complain, onedit: onweight, onselect: onpoint, onhover: onpoint });
  const neuron = grid({ label: `Dense neuron, ${name}`, tone: "signed", onselect: () => onchoose(-1) });
  let columns = 1;
  const map = grid({ label: `Feature map, ${name}`, tone: "signed", onselect: (i, j) => onchoose(i * columns + j) });
  const part = (title, one) => h("div", { class: "part" }, h("span", { class: "plane-name" }, title), one.element);
  const element = h("div", { class: "side" }, h("b", { class: "side-name" }, `Pixels ${name}`),
    h("div", { class: "parts" }, part("image", image), part("dense weights", weight), part("dense", neuron), part("feature map", map)));
  return {
    element, image, weight,
    /** `chosen` is the number whose sum is shown, or null when it is one of the other side. */
    update(view, chosen, hidden) {
      columns = view.map[0].length;
      const box = { row: Math.floor(chosen / columns), column: chosen % columns, rows: 1, columns: 1 };
      const inMap = chosen !== null && chosen >= 0;
      const look = (index) => ({ mark: chosen === index ? "current" : "", ...(hidden(index) ? { text: "?" } : {}) });
      image.update(view.image, { frame: inMap ? { ...box, rows: view.kernel.length, columns: view.kernel[0].length } : null });
      weight.update(view.weight);
      neuron.update([[view.dense]], { cell: () => look(-1), frame: chosen === -1 ? { row: 0, column: 0, rows: 1, columns: 1 } : null });
      map.update(view.map, { cell: (i, j) => look(i * columns + j), frame: inMap ? box : null });
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries([...DATA, "side", "position"].map((name) => [name, get(name)]));
  let views = [], kernelSize = [1, 1];

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const complain = (message) => {
    if (error.textContent !== message) error.textContent = message;
  };
  const columns = () => get("image")[0].length;
  /** Where a pixel of one side stands on the other: the same number, at another place. */
  function partner(side, row, column) {
    const place = row * columns() + column;
    const other = side === 0 ? get("order").indexOf(place) : get("order")[place];
    return [Math.floor(other / columns()), other % columns()];
  }
  const original = (side, row, column) => (side === 0 ? [row, column] : partner(1, row, column));

  const sides = SIDES.map((name, side) => createSide(name, {
    complain,
    onpixel: (row, column, value) => set({ image: copyWith(get("image"), original(side, row, column), value) }),
    onweight: (row, column, value) => set({ weight: copyWith(get("weight"),
      get("shuffle_weights") ? original(side, row, column) : [row, column], value) }),
    onchoose: (position) => set({ side, position }),
    onpoint: (row, column) => light(row === undefined ? [] : [[side, row, column], [1 - side, ...partner(side, row, column)]]),
  }));
  /** Marks pixels and the dense weights that they meet. */
  function light(places) {
    for (const lit of root.querySelectorAll(".lit")) lit.classList.remove("lit");
    for (const [side, row, column] of places)
      for (const { element } of [sides[side].image, sides[side].weight])
        element.querySelector(`[data-row="${row}"][data-column="${column}"]`)?.classList.add("lit");
  }
  const sums = sumPanel((term) => {
    light([]);
    const side = get("side");
    if (term && get("position") === -1) light([[side, term.row, term.column], [1 - side, ...partner(side, term.row, term.column)]]);
    else if (term) light([[side, term.row, term.column]]);
  });
  const title = h("p", { class: "sum-title" });
  const kernel = grid({ label: "Kernel", tone: "signed", onerror: complain,
    onedit: (i, j, value) => set({ kernel: copyWith(get("kernel"), [i, j], value) }) });
  const bias = grid({ label: "Bias", tone: "signed", onerror: complain, onedit: (_, __, value) => set({ bias: value }) });
  const alike = h("input", { type: "checkbox", change: () => set({ shuffle_weights: alike.checked }) });
  const verdict = h("p", { class: "verdict-line" });
  const ask = asking({ get, set, draw: () => draw(), onnext: () => {
    const last = views[0].map.flat().length - 1;
    const [side, position] = get("position") < last ? [get("side"), get("position") + 1] : [1 - get("side"), -1];
    set({ side, position });
  } });

  function look() {
    const [image, weight, order] = ["image", "weight", "order"].map(get);
    const weights = get("shuffle_weights") ? shuffled(weight, order) : weight;
    return [[image, weight], [shuffled(image, order), weights]].map(([plane, own]) => ({
      image: plane, weight: own, kernel: get("kernel"),
      dense: planeProducts(plane, own).reduce((total, term) => total + term.pixel * term.weight, 0),
      map: planeMap(plane, get("kernel"), get("bias")),
    }));
  }

  function draw() {
    views = look();
    kernelSize = [get("kernel").length, get("kernel")[0].length];
    const side = get("side"), position = get("position"), dense = position === -1;
    const width = views[0].map[0].length, row = Math.floor(position / width), column = position % width;
    ask.heed(JSON.stringify(DATA.map(get)));
    views.forEach((view, s) => sides[s].update(view, s === side ? position : null, (index) => ask.hidden(`${s},${index}`)));
    kernel.update(get("kernel"));
    bias.update([[get("bias")]]);
    alike.checked = get("shuffle_weights");

    const { image, weight } = views[side];
    const terms = dense ? planeProducts(image, weight) : planeProducts(image, get("kernel"), [row, column]);
    const added = dense ? 0 : get("bias"), isHidden = ask.hidden(`${side},${position}`);
    const total = sums.update(terms, added, isHidden);
    const where = `${dense ? "the dense neuron" : `row ${row}, column ${column} of the feature map`}, pixels ${SIDES[side]}`;
    title.textContent = dense
      ? `The dense neuron, pixels ${SIDES[side]}: ${terms.length} products`
      : `The convolution at row ${row}, column ${column}, pixels ${SIDES[side]}: ${kernelSize.join(" × ")} products and the bias`;
    ask.update(`${side},${position}`, { where, terms, bias: added, total });
    write();
    speak(`${where}: ${isHidden ? "hidden" : format(total)}`);
  }
  function write() {
    const [ordered, mixed] = views.map(({ map }) => map.flat());
    const differ = ordered.filter((value, k) => Math.abs(value - mixed[k]) > 1e-9).length;
    const same = Math.abs(views[0].dense - views[1].dense) < 1e-9;
    const hidden = ask.hidden("0,-1") || ask.hidden("1,-1");
    verdict.replaceChildren(
      hidden ? "" : h("span", {}, `Dense neuron: ${format(views[0].dense)} and ${format(views[1].dense)}, ${same ? "the same" : "not the same"}. `),
      get("predict") ? "" : h("span", {}, `Feature map: ${differ} of ${ordered.length} numbers differ.`));
  }

  const speak = speaker(live);
  const root = h("div", { class: "cnn-widget pixel-shuffle", role: "group", "aria-label": "Shuffled pixels" },
    h("div", { class: "sides" }, sides.map(({ element }) => element)), verdict,
    h("div", { class: "under" },
      h("div", { class: "part" }, h("span", { class: "plane-name" }, "kernel, the same for both"), kernel.element,
        h("div", { class: "bias" }, h("span", {}, "+ bias"), bias.element)),
      h("div", { class: "trace" }, title, sums.element)),
    ask.element, error,
    h("div", { class: "controls" },
      h("label", { class: "tick" }, alike, "Shuffle the dense weights alike"),
      h("button", { type: "button", click: () => set({ order: permutation(get("order").length) }) }, "Another permutation"),
      ask.tick, h("button", { type: "button", click: () => set({ ...initial, score: [0, 0] }) }, "Reset")), live);
  return mount(el, root, model, draw);
}

export default { render };
