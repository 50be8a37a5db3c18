// Move an image: the feature map moves along, a dense neuron's number jumps.
import { asking } from "./shared/view/asking.js";
import { announcer, copyWith, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { sum, table } from "./shared/math/lists.js";
import { planeMap, planeProducts, shifted } from "./shared/math/planes.js";
import { IMAGES, KERNELS } from "./shared/view/presets.js";
import { sumPanel } from "./shared/view/sum.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const DATA = ["image", "kernel", "weight", "bias", "padding", "shift"];

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
    if (!event.buttons) from = null;
    if (!from) return;
    const pitch = element.querySelector(".number").getBoundingClientRect().height;
    const steps = [event.clientY, event.clientX].map((now, i) => Math.round((now - from[i]) / pitch));
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

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries([...DATA, "position"].map((name) => [name, get(name)]));
  let width = 1, start = [0, 0];

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const complain = (message) => {
    if (error.textContent !== message) error.textContent = message;
  };
  function moveTo(...to) {
    const size = [get("image").length, get("image")[0].length];
    set({ shift: to.map((step, i) => Math.min(Math.max(step, 1 - size[i]), size[i] - 1)) });
  }
  const move = (down, right) => moveTo(get("shift")[0] + down, get("shift")[1] + right);

  function edit(row, column, value) {
    const [down, right] = get("shift");
    if (get("image")[row - down]?.[column - right] === undefined)
      complain("This 0 came in when the image moved. It is no pixel of the image.");
    else set({ image: copyWith(get("image"), [row - down, column - right], value) });
  }
  const image = grid({ label: "Image", tone: "gray", onerror: complain, onedit: edit });
  dragged(image.element, () => {
    start = get("shift");
  }, (down, right) => moveTo(start[0] + down, start[1] + right));
  const kernel = grid({ label: "Kernel", tone: "signed", onerror: complain,
    onedit: (i, j, value) => set({ kernel: copyWith(get("kernel"), [i, j], value) }) });
  const bias = grid({ label: "Bias", tone: "signed", onerror: complain, onedit: (_, __, value) => set({ bias: value }) });
  const map = grid({ label: "Feature map", tone: "signed", onselect: (i, j) => set({ position: i * width + j }) });
  const weight = grid({ label: "Dense weights", tone: "signed", onerror: complain,
    onedit: (i, j, value) => set({ weight: copyWith(get("weight"), [i, j], value) }) });
  const neuron = grid({ label: "Dense neuron", tone: "signed", onselect: () => set({ position: -1 }) });
  const before = h("span", { class: "note" });
  const verdict = h("p", { class: "verdict-line" });
  const title = h("p", { class: "sum-title" });
  const sums = sumPanel((term) => {
    for (const lit of root.querySelectorAll(".lit")) lit.classList.remove("lit");
    const at = (one, row, column) => one.element.querySelector(`[data-row="${row}"][data-column="${column}"]`)?.classList.add("lit");
    if (!term) return;
    at(image, term.row, term.column);
    at(get("position") === -1 ? weight : kernel, term.a, term.b);
  });
  const ask = asking({ get, set, draw: () => draw(), onnext: () => set({ position: get("position") + 1 < count() ? get("position") + 1 : -1 }) });

  const controls = createChoices({ get, set, initial });
  const convolve = (plane) => planeMap(plane, get("kernel"), get("bias"), { padding: get("padding") });
  const count = () => convolve(get("image")).flat().length;

  function draw() {
    ask.heed(JSON.stringify(DATA.map(get)));
    const plane = shifted(get("image"), ...get("shift")), output = convolve(plane);
    width = output[0].length;
    const position = Math.min(get("position"), output.flat().length - 1), dense = position === -1;
    const row = Math.floor(position / width), column = position % width;
    const border = { top: get("padding"), bottom: get("padding"), left: get("padding"), right: get("padding") };
    image.update(plane, { border, scale: get("image"), frame: dense ? null
      : { row: row - get("padding"), column: column - get("padding"), rows: get("kernel").length, columns: get("kernel")[0].length } });
    kernel.update(get("kernel"));
    bias.update([[get("bias")]]);
    drawMap(output, position, row, column);
    weight.update(get("weight"));
    const own = sum(planeProducts(plane, get("weight")).map((term) => term.pixel * term.weight));
    const first = sum(planeProducts(get("image"), get("weight")).map((term) => term.pixel * term.weight));
    neuron.update([[own]], { frame: dense ? { row: 0, column: 0, rows: 1, columns: 1 } : null,
      cell: () => ({ mark: dense ? "current" : "", ...(ask.hidden("-1") ? { text: "?" } : {}) }) });
    before.textContent = ` ${format(first)} before the move`;
    controls.update();

    const terms = dense ? planeProducts(plane, get("weight")) : planeProducts(plane, get("kernel"), [row, column], { padding: get("padding") });
    const added = dense ? 0 : get("bias"), hidden = ask.hidden(String(position));
    const total = sums.update(terms, added, hidden);
    const where = dense ? "the dense neuron" : `row ${row}, column ${column} of the feature map`;
    title.textContent = dense ? `The dense neuron: ${terms.length} products` : `The map at row ${row}, column ${column}`;
    ask.update(String(position), { where, terms, bias: added, total });
    const shown = (number, isHidden) => (isHidden ? "hidden" : format(number));
    speak(`${verdict.textContent} ${where} is ${shown(total, hidden)}. Dense neuron: ${shown(own, ask.hidden("-1"))}.`);
  }

  /** The map, with a note where it is not the old map moved along. */
  function drawMap(output, position, row, column) {
    const [down, right] = get("shift"), old = convolve(get("image"));
    const awaited = (i, j) => old[i - down]?.[j - right];
    const differs = (i, j) => awaited(i, j) !== undefined && Math.abs(awaited(i, j) - output[i][j]) > 1e-9;
    map.update(output, {
      frame: position >= 0 ? { row, column, rows: 1, columns: 1 } : null,
      cell: (i, j) => {
        const hidden = ask.hidden(String(i * width + j));
        const mark = `${i === row && j === column && position >= 0 ? "current" : ""} ${!hidden && differs(i, j) ? "differs" : ""}`;
        return hidden ? { text: "?", mark } : { mark, note: differs(i, j) ? `≠${format(awaited(i, j), 2)}` : "" };
      },
    });
    const places = table(output.length, width, (i, j) => [i, j]).flat();
    const known = places.filter(([i, j]) => awaited(i, j) !== undefined);
    const wrong = known.filter(([i, j]) => differs(i, j)).length;
    const moves = [[down, "down", "up"], [right, "to the right", "to the left"]].filter(([n]) => n)
      .map(([n, on, back]) => `${Math.abs(n)} ${n > 0 ? on : back}`).join(" and ");
    verdict.textContent = !moves ? "Not moved yet."
      : `Moved ${moves}. ${known.length} numbers of the old map are still in view; `
        + (get("predict") ? "predict where they are." : wrong === 0 ? "all of them moved along, unchanged." : `${known.length - wrong} moved along, ${wrong} changed at the border.`);
  }
  const speak = speaker(live);

  const part = (name, ...children) => h("div", { class: "part" }, h("span", { class: "plane-name" }, name), children);
  const root = h("div", { class: "cnn-widget shift-explorer", role: "group", "aria-label": "Shift explorer" },
    h("div", { class: "stage" },
      part("image: drag it", image.element),
      part("kernel", kernel.element, h("div", { class: "bias" }, h("span", {}, "+ bias"), bias.element), createPad(move, () => set({ shift: [0, 0] }))),
      part("feature map", map.element)),
    verdict,
    h("div", { class: "stage" }, part("dense weights", weight.element),
      h("div", { class: "trace" }, h("div", { class: "dense" }, h("span", {}, "Dense neuron"), neuron.element, before), title, sums.element)),
    ask.element, error, h("div", { class: "controls" }, controls.elements, ask.tick,
      h("button", { type: "button", click: () => set({ ...initial, score: [0, 0] }) }, "Reset")), live);
  return mount(el, root, model, draw);
}

/** Presets of the image and of the kernel, and the padding. */
function createChoices({ get, set, initial }) {
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  function presets(name, makers) {
    const size = () => [get(name).length, get(name)[0].length];
    const fitting = [...makers.keys()].filter((key) => makers.get(key)(...size()));
    const control = select(["as given", ...fitting, "edited"].map((key) => [key, key]), (key) =>
      set({ [name]: key === "as given" ? initial[name] : makers.get(key)(...size()) }));
    control.options[control.options.length - 1].disabled = true; // a state, not a choice
    return { control, update() {
      control.value = same(get(name), initial[name]) ? "as given"
        : fitting.find((key) => same(get(name), makers.get(key)(...size()))) ?? "edited";
    } };
  }
  const image = presets("image", IMAGES), kernel = presets("kernel", KERNELS);
  const padding = select([[0, "0"], [1, "1"], [2, "2"]], (value) => set({ padding: Number(value), position: 0 }));
  return {
    elements: [field("Image", image.control), field("Kernel", kernel.control), field("Padding", padding)],
    update() {
      image.update();
      kernel.update();
      padding.value = get("padding");
    },
  };
}

export default { render };
