// An activation's curve and slope with a point to drag, and what it makes of each number of a map.
import { button, copyWith, field, followPointer, format, h } from "./shared/view/dom.js";
import { choice } from "./shared/view/controls.js";
import { frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import {
  hardtanh, hardtanh_backward, identity, identity_backward, leaky_relu, leaky_relu_backward, relu, relu_backward, sigmoid,
  sigmoid_backward, tanh, tanh_backward,
} from "./shared/math/activations.js";
import { array } from "./shared/math/array.js";
import { predictFirst } from "./shared/view/predict.js";
import { svg } from "./shared/view/svg.js";

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
const RANGES = [5, 10, 25, 100, 1000];
// The plot, in its own units: the curve above, the slope below.
const WIDTH = 360, HEIGHT = 322, LEFT = 34, RIGHT = 350;
const CURVE = { top: 24, bottom: 186 }, SLOPE = { top: 222, bottom: 296 };

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

const across = (x, range) => LEFT + ((x + range) / (2 * range)) * (RIGHT - LEFT);
const up = ({ top, bottom }, y, low, high) => bottom - ((y - low) / (high - low)) * (bottom - top);
const label = (x, y, text, anchor, name = "") => svg("text", { x, y, "text-anchor": anchor, class: name }, text);
const line = (points, name) =>
  svg("polyline", { class: name, points: points.map((at) => at.map((n) => n.toFixed(1)).join(",")).join(" ") });
const box = (place, range, low, high, ticks) => [
  svg("rect", { class: "axis", x: LEFT, y: place.top, width: RIGHT - LEFT, height: place.bottom - place.top }),
  svg("line", { class: "zero", x1: LEFT, x2: RIGHT, y1: up(place, 0, low, high), y2: up(place, 0, low, high) }),
  svg("line", { class: "axis", x1: across(0, range), x2: across(0, range), y1: place.top, y2: place.bottom }),
  ...ticks.map((y) => label(LEFT - 5, up(place, y, low, high) + 4, format(y), "end")),
];

/** Points from one jump of the slope to the next, so that a jump is a gap and not a steep line. */
function pieces(jumps, range, read) {
  const ends = [-range, ...jumps.filter((x) => Math.abs(x) < range), range];
  return ends.slice(1).map((end, k) => Array.from({ length: 101 }, (_, n) => {
    const x = ends[k] + ((end - ends[k]) * n) / 100;
    return [across(x, range), read(Math.min(Math.max(x, ends[k] + 1e-9), end - 1e-9))];
  }));
}

/** Where the curve and the slope are drawn at an input: two functions. */
function heights({ name, leak, range }) {
  const { value, slope, bounded } = ACTIVATIONS[name], reach = bounded ? 1.25 : range;
  return [(at) => up(CURVE, value(at, leak), -reach, reach), (at) => up(SLOPE, slope(at, leak), -0.15, 1.15)];
}

/** All of the plot but its point. */
function background({ name, leak, range, map }) {
  const { title, bounded, jumps } = ACTIVATIONS[name], reach = bounded ? 1.25 : range;
  const [curveAt, slopeAt] = heights({ name, leak, range });
  return [
    ...box(CURVE, range, -reach, reach, bounded ? [-1, 0, 1] : [-range, 0, range]), ...box(SLOPE, range, -0.15, 1.15, [0, 1]),
    label(LEFT, CURVE.top - 8, title, "start", "name"), label(LEFT, SLOPE.top - 8, "its slope", "start", "name"),
    ...[-1, -0.5, 0, 0.5, 1].map((part) => label(across(part * range, range), SLOPE.bottom + 16, format(part * range), "middle")),
    ...map.flat().filter((at) => Math.abs(at) <= range).map((at) =>
      svg("line", { class: "rug", x1: across(at, range), x2: across(at, range), y1: CURVE.bottom, y2: CURVE.bottom - 8 })),
    ...pieces(jumps, range, curveAt).map((points) => line(points, "curve")),
    ...pieces(jumps, range, slopeAt).map((points) => line(points, "curve slope")),
    ...jumps.map((at) => svg("circle", { class: "jump", r: 4, cx: across(at, range), cy: slopeAt(at) })),
  ];
}

/** The curve and the slope above one input axis; the point is a slider. */
function createPlot(onmove) {
  const still = svg("g", { "aria-hidden": "true" });
  const guide = svg("line", { class: "guide", y1: CURVE.top, y2: SLOPE.bottom, "aria-hidden": "true" });
  const foot = svg("circle", { class: "handle", r: 5, "aria-hidden": "true" });
  const handle = svg("g", { role: "slider", tabindex: 0, "aria-label": "Input of the activation" },
    svg("circle", { class: "halo", r: 15 }), svg("circle", { class: "handle", r: 8 }));
  const element = svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, still, guide, foot, handle);
  let range = 5, input = 0;

  const move = (x) => onmove(rounded(Math.min(Math.max(x, -range), range)));
  function fromPointer(event) {
    const place = element.getBoundingClientRect(), x = ((event.clientX - place.left) / place.width) * WIDTH;
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

  return { element, update(now) {
    ({ range, x: input } = now);
    const { name, leak, x, isHidden } = now, { title, value, slope } = ACTIVATIONS[name], [curveAt, slopeAt] = heights(now);
    still.replaceChildren(...background(now));
    const [y, s] = isHidden ? [CURVE.bottom, SLOPE.bottom] : [curveAt(x), slopeAt(x)];
    handle.setAttribute("transform", `translate(${across(x, range)} ${y})`);
    foot.setAttribute("transform", `translate(${across(x, range)} ${s})`);
    foot.style.visibility = isHidden ? "hidden" : "visible";
    guide.setAttribute("transform", `translate(${across(x, range)} 0)`);
    const said = isHidden ? "hidden" : `${format(value(x, leak))}, slope ${format(slope(x, leak))}`;
    const states = { min: -range, max: range, now: x, text: `input ${format(x)}: ${title} ${said}` };
    for (const [state, text] of Object.entries(states)) handle.setAttribute(`aria-value${state}`, text);
  } };
}

/** The map before and after, and the slope at each of its numbers. */
function createMaps({ get, set, complain }) {
  const choose = (row, column) => set({ position: row * get("x")[0].length + column });
  const edit = (row, column, value) => set({ x: copyWith(get("x"), [row, column], value) });
  const labels = ["Input", "Output", "Slope"];
  const maps = labels.map((label) => grid({ label, tone: "signed", onselect: choose,
    ...(label === "Input" ? { onedit: edit, onerror: complain } : {}) }));
  const captions = labels.map((label) => h("div", { class: "caption" }, h("b", {}, label)));
  const element = h("div", { class: "maps" }, maps.map((map, k) => h("div", {}, captions[k], map)));
  return { element, update({ name, leak, map: x, columns, position, hidden }) {
    const { value, slope } = ACTIVATIONS[name];
    element.style.setProperty("--fit", columns > 5 ? columns : 2 * columns + 1); // small maps in pairs on a phone
    const frame = position === null ? null : oneCell(Math.floor(position / columns), position % columns);
    const read = [(at) => at, (at) => value(at, leak), (at) => slope(at, leak)];
    maps.forEach((map, k) => map.update(x.map((line) => line.map(read[k])), {
      frame, scale: k === 2 ? [1] : x.flat(),
      cell: (row, column) => {
        const index = row * columns + column;
        return { mark: index === position ? "current" : "", text: k && hidden(index) ? "?" : undefined };
      },
    }));
  } };
}

function createFunctions({ set }) {
  const buttons = Object.entries(ACTIVATIONS).map(([name, { title }]) => button(title, () => set({ function: name }), { "data-name": name }));
  return { element: h("div", { class: "functions", role: "group", "aria-label": "Activation" }, buttons),
    update: ({ name }) => buttons.forEach((one) => one.setAttribute("aria-pressed", one.dataset.name === name)) };
}

function createLeak({ set }) {
  const slider = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Negative slope",
    input: () => set({ negative_slope: Number(slider.value) }) });
  const shown = h("span", { class: "shown" }), element = field("Negative slope", slider, shown);
  element.classList.add("leak");
  return { element, update({ name, leak }) {
    element.hidden = name !== "leaky_relu";
    slider.value = leak;
    shown.textContent = format(leak);
  } };
}

/** All that is drawn, from the traits; `position` is null where a place on the axis is chosen, and no number of the map. */
function stateOf(get, ask, least) {
  const map = get("x"), name = get("function"), leak = get("negative_slope"), columns = map[0].length, count = map.flat().length;
  const position = get("position") === null ? null : Math.min(get("position"), count - 1);
  const x = position === null ? get("point") : map.flat()[position], isHidden = position !== null && ask.hidden(position);
  const where = `row ${Math.floor(position / columns)}, column ${position % columns}`;
  return {
    map, name, leak, columns, count, position, x, hidden: ask.hidden, isHidden, where,
    of: `${ACTIVATIONS[name].title} of ${format(x)}`, written: writtenOut(name, x, leak),
    range: RANGES.find((end) => end >= least && end >= Math.abs(x)) ?? Math.ceil(Math.abs(x)),
    task: position === null ? null : { key: position, total: ACTIVATIONS[name].value(x, leak), explain: () => explain(name, x, leak),
      question: `${where[0].toUpperCase()}${where.slice(1)}: what becomes of ${format(x)}?` },
  };
}

function build(own) {
  const { get, set, draw } = own;
  let least = RANGES[0]; // how far the axis goes at least
  const state = () => stateOf(get, ask, least);
  const ask = predictFirst(own, { start: () => ({ position: 0 }), next() {
    const { position, count } = state();
    set({ position: (position + 1) % count });
  } });
  const plot = createPlot((x) => set({ point: x, position: null }));
  const sum = h("div", { class: "sum" });
  const sums = { element: sum, update: ({ of, written: [sentence, rise], isHidden }) =>
    sum.replaceChildren(...(isHidden ? [h("p", {}, `${of} = `, h("strong", {}, "?"))]
      : [h("p", {}, `${of}: `, h("b", {}, sentence)), h("p", {}, `slope there: ${rise}`)])) };
  const spanOf = (end) => `−${end} to ${end}`;
  const ranges = choice("Inputs", RANGES.slice(0, 3).map((end) => [end, spanOf(end)]), { text: spanOf, read: () => state().range, write(end) {
    least = end;
    const { x } = state();
    if (Math.abs(x) > end) set({ point: Math.sign(x) * end, position: null });
    draw();
  } });
  return {
    state,
    parts: [createFunctions(own), group({ class: "stage" }, group({ class: "followed" }, plot, sums, ask), createMaps(own)), own.error,
      group({ class: "controls" }, createLeak(own), ranges, ask.tick, own.reset)],
    say: ({ position, where, of, isHidden, name, leak, x, written: [, rise] }) => (position === null ? undefined // the slider speaks for itself
      : `${where}: ${of} is ${isHidden ? "hidden" : `${format(ACTIVATIONS[name].value(x, leak))}, slope ${rise}`}`),
  };
}

export default frame({ mark: "activation-explorer", label: "Activation explorer", data: ["x", "function", "negative_slope"],
  kept: ["position", "point"], build });
