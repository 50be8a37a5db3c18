// Move an image: the feature map moves along, a dense neuron's number jumps.
import { choice, presets } from "./shared/view/controls.js";
import { copyWith, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { sameShape } from "./shared/math/array.js";
import { table } from "./shared/math/lists.js";
import { planeMap, planeProducts, shifted } from "./shared/math/planes.js";
import { predictFirst } from "./shared/view/predict.js";
import { IMAGES, KERNELS } from "./shared/view/presets.js";
import { sumOf, sumPanel } from "./shared/view/sum.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const DATA = ["image", "kernel", "weight", "bias", "padding", "shift"];

/** Why these cannot be shown together, or "". */
function problem({ image, kernel, weight, padding, shift }) {
  const size = [image.length, image[0].length];
  if (!sameShape(weight, image)) return "The image and the dense weights are not of the same size.";
  if ([kernel.length, kernel[0].length].some((length, i) => length > size[i] + 2 * padding)) return "The kernel is larger than the padded image.";
  return shift.every((step, i) => Math.abs(step) < size[i]) ? "" : "The image has left its place.";
}

/** Calls onmove(down, right) with the pixels that a pointer has dragged the grid since it was pressed. */
function dragged(element, onstart, onmove) {
  let from = null, moved = false;
  element.addEventListener("pointerdown", (event) => {
    moved = false;
    if (event.button !== 0 || event.target.closest("input, .stepper")) return;
    from = [event.clientY, event.clientX];
    onstart();
  });
  element.addEventListener("pointermove", (event) => {
    if (!event.buttons) from = null; // lifted outside, or the page is scrolled instead
    if (!from) return;
    const pitch = element.querySelector(".number").getBoundingClientRect().height;
    const far = [event.clientY, event.clientX].map((now, i) => now - from[i]);
    const steps = far.map((along) => Math.round(along / pitch));
    if (!moved && event.pointerType === "touch" && Math.abs(far[0]) > Math.abs(far[1])) return; // the page is scrolled
    if (!moved && steps.every((step) => step === 0)) return;
    moved = true;
    element.setPointerCapture(event.pointerId);
    onmove(...steps);
  });
  // A drag is no click: it must not open a pixel for typing.
  element.addEventListener("click", (event) => moved && event.stopPropagation(), { capture: true });
}

/** Four buttons and one to go back; the arrow keys work on each of them. */
function createPad(onmove, onback) {
  const button = (name, sign, area, click) => h("button", { type: "button", "aria-label": name, title: name, style: `grid-area: ${area}`, click }, sign);
  return h("div", { class: "pad", role: "group", "aria-label": "Move the image", keydown: (event) => {
    if (!STEPS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onmove(...STEPS[event.key]);
  } },
  button("Up", "↑", "up", () => onmove(-1, 0)), button("Left", "←", "left", () => onmove(0, -1)),
  button("Back to the start", "⟲", "back", onback), button("Right", "→", "right", () => onmove(0, 1)),
  button("Down", "↓", "down", () => onmove(1, 0)));
}

/** All that is drawn; awaited(i, j) is what would stand there if the map had only moved along. */
function stateOf(get, hidden) {
  const traits = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const { image, kernel, weight, padding, shift: [down, right] } = traits;
  const plane = shifted(image, down, right), [output, old] = [plane, image].map((one) => planeMap(one, kernel, traits.bias, { padding }));
  const width = output[0].length, count = output.flat().length, position = Math.min(get("position"), count - 1);
  const dense = position === -1, row = Math.floor(position / width), column = position % width;
  const terms = dense ? planeProducts(plane, weight) : planeProducts(plane, kernel, [row, column], { padding });
  const bias = dense ? 0 : traits.bias, where = dense ? "the dense neuron" : `row ${row}, column ${column} of the feature map`;
  const awaited = (i, j) => old[i - down]?.[j - right];
  const differs = (i, j) => awaited(i, j) !== undefined && Math.abs(awaited(i, j) - output[i][j]) > 1e-9;
  const [own, before] = [plane, image].map((one) => sumOf(planeProducts(one, weight), 0));
  return {
    ...traits, plane, output, width, count, position, dense, row, column, terms, bias, ownBias: traits.bias, where, awaited, differs,
    own, before, hidden, isHidden: hidden(String(position)), predicting: get("predict"),
    task: { key: String(position), where, terms, bias, total: sumOf(terms, bias) },
  };
}

/** How the map has moved, and what has not moved along. */
function verdictOf({ shift: [down, right], output, width, awaited, differs, predicting }) {
  const known = table(output.length, width, (i, j) => [i, j]).flat().filter(([i, j]) => awaited(i, j) !== undefined);
  const wrong = known.filter(([i, j]) => differs(i, j)).length;
  const moves = [[down, "down", "up"], [right, "to the right", "to the left"]].filter(([n]) => n)
    .map(([n, on, back]) => `${Math.abs(n)} ${n > 0 ? on : back}`).join(" and ");
  return !moves ? "Not moved yet."
    : `Moved ${moves}. ${known.length} numbers of the old map are still in view; `
      + (predicting ? "predict where they are." : wrong === 0 ? "all of them moved along, unchanged." : `${known.length - wrong} moved along, ${wrong} changed at the border.`);
}

/** The grids: image, kernel and bias, the map, the dense weights and their neuron. */
function createGrids({ get, set, complain }, choose) {
  function edit(row, column, value) {
    const [down, right] = get("shift");
    if (get("image")[row - down]?.[column - right] === undefined)
      complain("This 0 came in when the image moved. It is no pixel of the image.");
    else set({ image: copyWith(get("image"), [row - down, column - right], value) });
  }
  const editable = (label, onedit, options) => grid({ label, tone: "signed", onerror: complain, onedit, ...options });
  const ofTrait = (name) => (i, j, value) => set({ [name]: copyWith(get(name), [i, j], value) });
  const image = editable("Image", edit, { tone: "gray" }), kernel = editable("Kernel", ofTrait("kernel"));
  const bias = editable("Bias", (_, __, value) => set({ bias: value }), { counted: false });
  const weight = editable("Dense weights", ofTrait("weight"));
  const map = grid({ label: "Feature map", tone: "signed", onselect: choose });
  const neuron = grid({ label: "Dense neuron", tone: "signed", counted: false, onselect: () => set({ position: -1 }) });
  return { image, kernel, bias, weight, map, neuron, update(now) {
    const { padding, dense, row, column, width, awaited, differs, hidden } = now;
    image.update(now.plane, { border: { top: padding, bottom: padding, left: padding, right: padding }, scale: now.image, frame: dense ? null
      : { row: row - padding, column: column - padding, rows: now.kernel.length, columns: now.kernel[0].length } });
    kernel.update(now.kernel);
    bias.update([[now.ownBias]]);
    weight.update(now.weight);
    map.update(now.output, { frame: dense ? null : oneCell(row, column), cell(i, j) {
      const isHidden = hidden(String(i * width + j));
      const mark = `${i === row && j === column && !dense ? "current" : ""} ${!isHidden && differs(i, j) ? "differs" : ""}`;
      return isHidden ? { text: "?", mark } : { mark, note: differs(i, j) ? `≠${format(awaited(i, j), 2)}` : "" };
    } });
    neuron.update([[now.own]], { frame: dense ? oneCell(0, 0) : null,
      cell: () => ({ mark: dense ? "current" : "", ...(hidden("-1") ? { text: "?" } : {}) }) });
  } };
}

/** The grids in their places, with the words about them and the sum of the chosen number. */
function createStage(own, state, ask) {
  const { get, set } = own;
  let start = [0, 0];
  function moveTo(...to) {
    const size = [get("image").length, get("image")[0].length];
    set({ shift: to.map((step, i) => Math.min(Math.max(step, 1 - size[i]), size[i] - 1)) });
  }
  const move = (down, right) => moveTo(get("shift")[0] + down, get("shift")[1] + right);
  const grids = createGrids(own, (i, j) => set({ position: i * state().width + j }));
  dragged(grids.image.element, () => (start = get("shift")), (down, right) => moveTo(start[0] + down, start[1] + right));
  const before = h("span", { class: "note" }), verdict = h("p", { class: "verdict-line" }), title = h("p", { class: "sum-title" });
  const sums = sumPanel((term) => light(top.parentElement, term
    ? [grids.image.cell(term.row, term.column), grids[get("position") === -1 ? "weight" : "kernel"].cell(term.a, term.b)] : []));
  const panel = dock(title, sums, ask);
  const part = (name, ...children) => h("div", { class: "part" }, h("span", { class: "plane-name" }, name), children);
  const biasRow = h("div", { class: "bias" }, h("span", {}, "+ bias"), grids.bias);
  const top = h("div", { class: "stage" }, part("image: drag it", grids.image),
    part("kernel", grids.kernel, biasRow, createPad(move, () => set({ shift: [0, 0] }))), part("feature map", grids.map));
  const bottom = h("div", { class: "stage" }, part("dense weights", grids.weight),
    h("div", { class: "trace" }, h("div", { class: "dense" }, h("span", {}, "Dense neuron"), grids.neuron, before), panel));
  function update(now) {
    grids.update(now);
    before.textContent = ` ${format(now.before)} before the move`;
    verdict.textContent = verdictOf(now);
    title.textContent = now.dense ? `The dense neuron: ${now.terms.length} products` : `The map at row ${now.row}, column ${now.column}`;
    panel.update(now);
  }
  return [{ element: top, update, forget: panel.forget }, verdict, bottom];
}

/** Presets of the image and of the kernel, and the padding. */
function createChoices({ get, set, initial }) {
  function planePresets(label, name, makers) {
    const size = () => [get(name).length, get(name)[0].length];
    return presets(label, new Map([...makers].map(([key, make]) => [key, () => make(...size())])),
      { read: () => get(name), write: (plane) => set({ [name]: plane }), given: () => initial[name] });
  }
  return [planePresets("Image", "image", IMAGES), planePresets("Kernel", "kernel", KERNELS),
    choice("Padding", [[0, "0"], [1, "1"], [2, "2"]], { read: () => get("padding"), write: (padding) => set({ padding, position: 0 }) })];
}

function build(own) {
  const { get, set } = own;
  const state = () => stateOf(get, ask.hidden);
  const ask = predictFirst(own, { next() {
    const { position, count } = state();
    set({ position: position + 1 < count ? position + 1 : -1 });
  } });
  const shown = (number, isHidden) => (isHidden ? "hidden" : format(number));
  return {
    state,
    parts: [...createStage(own, state, ask), own.error, group({ class: "controls" }, createChoices(own), ask.tick, own.reset)],
    say: (now) => `${verdictOf(now)} ${now.where} is ${shown(now.task.total, now.isHidden)}. Dense neuron: ${shown(now.own, now.hidden("-1"))}.`,
  };
}

export default frame({ mark: "shift-explorer", label: "Shift explorer", data: DATA, kept: ["position"], problem, build });
