// An activation's curve and slope with a point to drag, and what it makes of each number of a map.
import { announcer, copyWith, field, followPointer, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import {
  hardtanh, hardtanh_backward, identity, identity_backward, leaky_relu, leaky_relu_backward, relu, relu_backward, sigmoid,
  sigmoid_backward, tanh, tanh_backward,
} from "./shared/math/activations.js";
import { array } from "./shared/math/array.js";
import { prediction } from "./shared/view/predict.js";

const of = (compute, derivative) => ({
  value: (x, ...options) => compute(array(x), ...options).data[0],
  slope: (x, ...options) => derivative(array(1), array(x), ...options).data[0],
});
const plain = (compute, derivative) => {
  const { value, slope } = of(compute, derivative);
  return { value: (x) => value(x), slope: (x) => slope(x) };
};

/**
 * Name in cnnlib to: `title` in words, `value(x, leak)`, `slope(x, leak)`, `bounded` when the values
 * stay within -1 and 1, `jumps` where the slope jumps. `leak` is leaky ReLU's negative_slope.
 */
const ACTIVATIONS = {
  relu: { title: "ReLU", jumps: [0], ...plain(relu, relu_backward) },
  leaky_relu: { title: "leaky ReLU", jumps: [0], ...of(leaky_relu, leaky_relu_backward) },
  tanh: { title: "tanh", bounded: true, jumps: [], ...plain(tanh, tanh_backward) },
  hardtanh: { title: "hard tanh", bounded: true, jumps: [-1, 1], ...plain(hardtanh, hardtanh_backward) },
  sigmoid: { title: "sigmoid", bounded: true, jumps: [], ...plain(sigmoid, sigmoid_backward) },
  identity: { title: "identity", jumps: [], ...plain(identity, identity_backward) },
};
const DATA = ["x", "function", "negative_slope", "position", "point"];
const RANGES = [5, 10, 25, 100, 1000];
// The plot, in its own units: the curve above, the slope below.
const WIDTH = 360, HEIGHT = 322, LEFT = 34, RIGHT = 350;
const CURVE = { top: 24, bottom: 186 }, SLOPE = { top: 222, bottom: 296 };

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const rounded = (value) => Number(value.toFixed(6));
const large = (value) =>
  (value < 1e7 ? format(value) : value === Infinity ? "∞" : value.toExponential(1).replace("e+", "·10^"));

/** The arithmetic behind a value and its slope, written out: [value, slope]. */
function writtenOut(name, x, leak) {
  const { value, slope } = ACTIVATIONS[name];
  const [y, s] = [value, slope].map((of) => format(of(x, leak)));
  const exact = format(value(x, leak), 6), about = x === 0 ? "=" : "≈"; // a slope needs more digits than it shows
  const [given, size, sign] = [format(x), format(Math.abs(x)), x < 0 ? "−" : ""];
  const small = format(Math.exp(-2 * Math.abs(x)));
  const because = `${s}, because ${given} ${x > 0 ? "is positive" : "is not positive"}`;
  const lies = Math.abs(x) < 1 ? "lies" : "does not lie";
  return {
    relu: [`max(${given}, 0) = ${y}`, because],
    leaky_relu: [x > 0 ? `${given} is positive and stays ${y}` : `${given}·${format(leak)} = ${y}`, because],
    tanh: [`${sign}(1 − e^(−2·${size})) / (1 + e^(−2·${size})) `
      + `${about} ${sign}(1 − ${small}) / (1 + ${small}) ${about} ${y}`,
    `1 − ${x < 0 ? `(${exact})` : exact}² ${about} ${s}`],
    hardtanh: [`min(max(${given}, −1), 1) = ${y}`, `${s}, because ${given} ${lies} between −1 and 1`],
    sigmoid: [`1 / (1 + e^${x > 0 ? `(−${size})` : size}) ${about} 1 / (1 + ${large(Math.exp(-x))}) ${about} ${y}`,
      `${exact}·(1 − ${exact}) ${about} ${s}`],
    identity: [`${given} stays ${y}`, "1 everywhere"],
  }[name];
}

/** What the usual slips make of an activation. */
function explain(name, x, leak) {
  const { value, slope } = ACTIVATIONS[name];
  const clipped = Math.min(Math.max(x, 0), 1);
  const cases = {
    relu: [
      [x, "ReLU lets no negative number through: it becomes 0."],
      [-x, "ReLU does not turn the sign round: negative numbers become 0."],
    ],
    leaky_relu: [
      [0, "That is ReLU. The leaky one multiplies negative numbers, and does not erase them."],
      [leak, `A negative number is multiplied by ${format(leak)}, not replaced by it.`],
      [-x * leak, "A negative number stays negative."],
      [x, `A negative number is multiplied by ${format(leak)}.`],
    ],
    tanh: [
      [ACTIVATIONS.sigmoid.value(x), "That is the sigmoid. tanh goes from −1 to 1."],
      [-value(x), "The sign is turned round: tanh keeps the sign of its input."],
    ],
    hardtanh: [
      [clipped, "The lower limit is −1, not 0."],
      [x, "What does not lie between −1 and 1 is clipped."],
    ],
    sigmoid: [
      [Math.tanh(x), "That is tanh. The sigmoid goes from 0 to 1."],
      [1 - value(x), "That is the sigmoid of the number with the other sign."],
    ],
    identity: [[Math.max(x, 0), "That is ReLU. The identity changes nothing."]],
  }[name];
  return { slips: [...cases, [slope(x, leak), "That is the slope."]],
    otherwise: "Not that. Find the input on the plot's axis and go up or down to the curve." };
}

/** The curve and the slope above one input axis; the point is a slider. */
function createPlot({ onmove }) {
  const still = svg("g", { "aria-hidden": "true" });
  const guide = svg("line", { class: "guide", y1: CURVE.top, y2: SLOPE.bottom, "aria-hidden": "true" });
  const foot = svg("circle", { class: "handle", r: 5, "aria-hidden": "true" });
  const handle = svg("g", { role: "slider", tabindex: 0, "aria-label": "Input of the activation" },
    svg("circle", { class: "halo", r: 15 }), svg("circle", { class: "handle", r: 8 }));
  const element = svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, still, guide, foot, handle);
  let range = 5, input = 0;

  const across = (x) => LEFT + ((x + range) / (2 * range)) * (RIGHT - LEFT);
  const up = ({ top, bottom }, y, low, high) => bottom - ((y - low) / (high - low)) * (bottom - top);
  const move = (x) => onmove(rounded(Math.min(Math.max(x, -range), range)));

  function fromPointer(event) {
    const box = element.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const fine = range / 100;
    move(Math.round((((x - LEFT) / (RIGHT - LEFT)) * 2 - 1) * range / fine) * fine);
  }
  followPointer(element, () => handle.focus({ preventScroll: true }), fromPointer);
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    const to = step ? input + (step * range) / 50 : { Home: -range, End: range }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });

  const line = (points, name) =>
    svg("polyline", { class: name, points: points.map((at) => at.map((n) => n.toFixed(1)).join(",")).join(" ") });
  const label = (x, y, text, anchor, name = "") => {
    const node = svg("text", { x, y, "text-anchor": anchor, class: name });
    node.textContent = text;
    return node;
  };
  const frame = (box, low, high, ticks) => [
    svg("rect", { class: "axis", x: LEFT, y: box.top, width: RIGHT - LEFT, height: box.bottom - box.top }),
    svg("line", { class: "zero", x1: LEFT, x2: RIGHT, y1: up(box, 0, low, high), y2: up(box, 0, low, high) }),
    svg("line", { class: "axis", x1: across(0), x2: across(0), y1: box.top, y2: box.bottom }),
    ...ticks.map((y) => label(LEFT - 5, up(box, y, low, high) + 4, format(y), "end")),
  ];

  /** Points from one jump of the slope to the next, so that a jump is a gap and not a steep line. */
  function pieces(jumps, read) {
    const ends = [-range, ...jumps.filter((x) => Math.abs(x) < range), range];
    return ends.slice(1).map((end, k) => Array.from({ length: 101 }, (_, n) => {
      const x = ends[k] + ((end - ends[k]) * n) / 100;
      const inside = Math.min(Math.max(x, ends[k] + 1e-9), end - 1e-9);
      return [across(x), read(inside)];
    }));
  }

  return {
    element,
    update({ name, leak, x, inputs, widest, isHidden }) {
      [range, input] = [widest, x];
      const { title, value, slope, bounded, jumps } = ACTIVATIONS[name];
      const reach = bounded ? 1.25 : range;
      const curveAt = (at) => up(CURVE, value(at, leak), -reach, reach);
      const slopeAt = (at) => up(SLOPE, slope(at, leak), -0.15, 1.15);
      still.replaceChildren(
        ...frame(CURVE, -reach, reach, bounded ? [-1, 0, 1] : [-range, 0, range]),
        ...frame(SLOPE, -0.15, 1.15, [0, 1]),
        label(LEFT, CURVE.top - 8, title, "start", "name"),
        label(LEFT, SLOPE.top - 8, "its slope", "start", "name"),
        ...[-1, -0.5, 0, 0.5, 1].map((part) =>
          label(across(part * range), SLOPE.bottom + 16, format(part * range), "middle")),
        ...inputs.filter((at) => Math.abs(at) <= range).map((at) =>
          svg("line", { class: "rug", x1: across(at), x2: across(at), y1: CURVE.bottom, y2: CURVE.bottom - 8 })),
        ...pieces(jumps, curveAt).map((points) => line(points, "curve")),
        ...pieces(jumps, slopeAt).map((points) => line(points, "curve slope")),
        ...jumps.map((at) => svg("circle", { class: "jump", r: 4, cx: across(at), cy: slopeAt(at) })));
      const [y, s] = isHidden ? [CURVE.bottom, SLOPE.bottom] : [curveAt(x), slopeAt(x)];
      handle.setAttribute("transform", `translate(${across(x)} ${y})`);
      foot.setAttribute("transform", `translate(${across(x)} ${s})`);
      foot.style.visibility = isHidden ? "hidden" : "visible";
      guide.setAttribute("transform", `translate(${across(x)} 0)`);
      const said = isHidden ? "hidden" : `${format(value(x, leak))}, slope ${format(slope(x, leak))}`;
      const states = { min: -range, max: range, now: x, text: `input ${format(x)}: ${title} ${said}` };
      for (const [state, text] of Object.entries(states)) handle.setAttribute(`aria-value${state}`, text);
    },
  };
}

/** The map before and after, and the slope at each of its numbers. */
function createMaps({ get, change, complain, choose }) {
  const onedit = (row, column, value) => change({ x: copyWith(get("x"), [row, column], value) });
  const labels = ["Input", "Output", "Slope"];
  const maps = labels.map((label) => grid({ label, tone: "signed", onselect: choose,
    ...(label === "Input" ? { onedit, onerror: complain } : {}) }));
  const captions = labels.map((label) => h("div", { class: "caption" }, h("b", {}, label)));
  const element = h("div", { class: "maps" }, maps.map((map, k) => h("div", {}, captions[k], map.element)));
  return {
    element,
    update({ name, leak, position, hidden }) {
      const { value, slope } = ACTIVATIONS[name];
      const x = get("x"), columns = x[0].length;
      element.style.setProperty("--fit", columns > 5 ? columns : 2 * columns + 1); // small maps in pairs on a phone
      const frame = position === null ? null
        : { row: Math.floor(position / columns), column: position % columns, rows: 1, columns: 1 };
      const read = [(at) => at, (at) => value(at, leak), (at) => slope(at, leak)];
      maps.forEach((map, k) => {
        map.update(x.map((line) => line.map(read[k])), {
          frame,
          scale: k === 2 ? [1] : x.flat(),
          cell: (row, column) => {
            const index = row * columns + column;
            return { mark: index === position ? "current" : "", text: k && hidden(index) ? "?" : undefined };
          },
        });
        if (frame && !map.element.contains(document.activeElement)) map.activate(frame.row, frame.column);
      });
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(DATA.map((name) => [name, get(name)]));
  const known = new Set(); // the numbers that were predicted or shown
  let drawn = "", range = RANGES[0];

  const complain = (message) => (error.textContent = message);
  const position = () => (get("position") === null ? null : Math.min(get("position"), get("x").flat().length - 1));
  const choose = (row, column) => set({ position: row * get("x")[0].length + column });
  function restart(traits) {
    known.clear();
    set({ score: [0, 0], ...traits });
  }

  const functions = Object.entries(ACTIVATIONS).map(([name, { title }]) =>
    h("button", { type: "button", "data-name": name, click: () => set({ function: name }) }, title));
  const leak = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Negative slope",
    input: () => set({ negative_slope: Number(leak.value) }) });
  const leakShown = h("span", { class: "shown" });
  const leakField = field("Negative slope", leak, leakShown);
  leakField.classList.add("leak");
  const plot = createPlot({ onmove: (x) => set({ point: x, position: null }) });
  const maps = createMaps({ get, change: set, complain, choose });
  const sum = h("div", { class: "sum" });
  const predict = prediction({
    onnext: () => set({ position: (position() + 1) % get("x").flat().length }),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(position())) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(position());
      draw();
    },
  });
  const predictBox = h("input", { type: "checkbox",
    change: () => restart({ predict: predictBox.checked, position: 0 }) });
  const ranges = select(RANGES.slice(0, 3).map((end) => [end, `−${end} to ${end}`]), (value) => {
    range = Number(value);
    if (Math.abs(input()) > range) set({ point: Math.sign(input()) * range, position: null });
    draw();
  });
  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const input = () => (position() === null ? get("point") : get("x").flat()[position()]);

  function drawControls(name, widest) {
    for (const button of functions) button.setAttribute("aria-pressed", button.dataset.name === name);
    leakField.hidden = name !== "leaky_relu";
    leak.value = get("negative_slope");
    leakShown.textContent = format(get("negative_slope"));
    if (![...ranges.options].some((option) => option.value === String(widest)))
      ranges.append(h("option", { value: widest, disabled: true }, `−${widest} to ${widest}`));
    ranges.value = widest;
    predictBox.checked = get("predict");
  }
  function draw() {
    const name = get("function"), slope = get("negative_slope"), x = input(), at = position();
    const data = JSON.stringify([get("x"), name, slope]);
    if (data !== drawn) known.clear();
    drawn = data;
    const hidden = (index) => get("predict") && !known.has(index);
    const isHidden = at !== null && hidden(at);
    const widest = RANGES.find((end) => end >= range && end >= Math.abs(x)) ?? Math.ceil(Math.abs(x));
    plot.update({ name, leak: slope, x, inputs: get("x").flat(), widest, isHidden });
    maps.update({ name, leak: slope, position: at, hidden });
    drawControls(name, widest);

    const { title, value } = ACTIVATIONS[name];
    const [sentence, rise] = writtenOut(name, x, slope);
    const of = `${title} of ${format(x)}`;
    sum.replaceChildren(...(isHidden ? [h("p", {}, `${of} = `, h("strong", {}, "?"))]
      : [h("p", {}, `${of}: `, h("b", {}, sentence)), h("p", {}, `slope there: ${rise}`)]));
    predict.element.hidden = !get("predict") || at === null;
    if (at === null) return; // the slider speaks for itself
    const columns = get("x")[0].length;
    const where = `row ${Math.floor(at / columns)}, column ${at % columns}`;
    predict.update({ key: at + data, total: value(x, slope), score: get("score"), known: !isHidden,
      question: `${where[0].toUpperCase()}${where.slice(1)}: what becomes of ${format(x)}?`,
      explain: () => explain(name, x, slope) });
    speak(`${where}: ${of} is ${isHidden ? "hidden" : `${format(value(x, slope))}, slope ${rise}`}`);
  }
  const speak = speaker(live);

  const root = h("div", { class: "cnn-widget activation-explorer", role: "group", "aria-label": "Activation explorer" },
    h("div", { class: "functions", role: "group", "aria-label": "Activation" }, functions),
    h("div", { class: "stage" }, h("div", { class: "followed" }, plot.element, sum, predict.element), maps.element),
    error,
    h("div", { class: "controls" }, leakField, field("Inputs", ranges),
      h("label", { class: "tick" }, predictBox, "Predict first"),
      h("button", { type: "button", click: () => restart(initial) }, "Reset")), live);
  return mount(el, root, model, draw);
}

export default { render };
