// The loss of the worked network against one of its numbers: nudge it, and step downhill.
import { chart } from "./shared/view/chart.js";
import { choice } from "./shared/view/controls.js";
import { button, copyWith, field, followPointer, format, h, misread, parse, readings } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { networkGraph, networkTables, networkValues } from "./shared/view/network.js";
import { branches, networkSlopes } from "./shared/view/slopes.js";
import { svg } from "./shared/view/svg.js";

const ofRow = (row, column) => `row ${row}, column ${column}`;
const ofNeuron = (row) => `neuron ${row}`;
const ofClass = (row, all) => all[row].toLowerCase();
/** What can be chosen: an array's title, how much is shown around a number, and the name of one. */
const LAYERS = {
  image: { title: "Image", span: 10, one: (...at) => `pixel, ${ofRow(...at)}` },
  kernel: { title: "Kernel", span: 2, one: (...at) => `kernel, ${ofRow(...at)}` },
  bias: { title: "Its bias", span: 10, one: () => "kernel, bias" },
  weight_1: { title: "Dense 1", span: 2, one: (row, k) => `dense 1, ${ofNeuron(row)}, weight ${k}` },
  bias_1: { title: "Biases of dense 1", span: 10, one: (row) => `dense 1, ${ofNeuron(row)}, bias` },
  weight_2: { title: "Dense 2", span: 0.2, one: (i, k, all) =>
    `dense 2, ${ofClass(i, all)}, weight ${k}` },
  bias_2: { title: "Biases of dense 2", span: 5, one: (i, _, all) => `dense 2, ${ofClass(i, all)}, bias` },
};
const SPANS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const [WIDTH, HEIGHT, LEFT, SAMPLES] = [460, 320, 62, 160];
const LARGEST = 1e6; // what may be typed
const DIGITS = 6; // decimals of a place on the curve: what is written is what is meant

const splitName = (name) => {
  const [layer, row, column] = name.split(/[[,\]]/);
  return { layer, row: Number(row), column: Number(column) };
};
const tidy = (number, digits = DIGITS) => Number(number.toFixed(digits));
/** At most `digits` digits that count, in plain figures. */
const figures = (number, digits = 5) => format(Number(number.toPrecision(digits)), 12);

/** Round numbers from low to high, about `count` of them. */
function ticksBetween(low, high, count = 4) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The axis of the loss for what the curve reaches: from 0 unless that would flatten the curve. */
function lossAxis(losses) {
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const room = Math.max((most - least) * 0.1, 1e-6);
  const [low, high] = [least < 0.4 * most ? 0 : least - room, most + room];
  return { label: "", low, high, ticks: ticksBetween(low, high) };
}

/** The part of the line through (x, y) with a slope that lies inside the axes, as two points. */
function lineInside([x, y], slope, axes) {
  const ends = [axes.x.low, axes.x.high].map((end) => {
    const height = y + slope * (end - x);
    const limit = height > axes.y.high ? axes.y.high : height < axes.y.low ? axes.y.low : null;
    return limit === null ? [end, height] : [x + (limit - y) / slope, limit];
  });
  return ends[0][0] < ends[1][0] ? ends : [];
}

/** The loss along x as a chart, with its axes, the points of the curve, and how far a key moves. */
function curveOf(x, lossAt) {
  const points = Array.from({ length: SAMPLES + 1 }, (_, i) => x.low + ((x.high - x.low) * i) / SAMPLES)
    .map((place) => [place, lossAt(place)]);
  const axes = { x: { label: "w", ...x, ticks: ticksBetween(x.low, x.high) }, y: lossAxis(points.map(([, loss]) => loss)) };
  return { axes, points, step: (x.high - x.low) / 100, picture: chart({ ...axes, width: WIDTH, height: HEIGHT, left: LEFT }) };
}

/** The curve with its secant and tangent, and the point on it, which is a slider. */
function createPlot(onmove) {
  const handle = svg("g", { role: "slider", tabindex: 0 },
    svg("circle", { class: "nudge-halo", r: 20 }), svg("circle", { class: "nudge-point", r: 9 }));
  const marks = svg("g", { "aria-hidden": "true" });
  const over = svg("svg", { class: "nudge-over", role: "none", viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, marks, handle);
  const element = h("div", { class: "nudge-plot" }, over);
  let curve = null, drawn = "", at = 0;

  const move = (value) => onmove(tidy(Math.min(Math.max(value, curve.axes.x.low), curve.axes.x.high)));
  function fromPointer(event) {
    const box = over.getBoundingClientRect(), { axes: { x: { low, high } }, step, picture } = curve;
    const [left, right] = [low, high].map(picture.across);
    const part = (((event.clientX - box.left) / box.width) * WIDTH - left) / (right - left);
    move(Math.round((low + part * 100 * step) / step) * step);
  }
  followPointer(over, () => handle.focus({ preventScroll: true }), fromPointer);
  handle.addEventListener("keydown", (event) => {
    const { low, high } = curve.axes.x;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const to = steps[event.key] ? at + steps[event.key] * curve.step : { Home: low, End: high }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });

  return {
    element,
    update({ key, x, lossAt, name, value, nudge, secant, slope, steps }) {
      at = value;
      if (key !== drawn) {
        curve?.picture.element.remove();
        curve = curveOf(x, lossAt);
        element.prepend(curve.picture.element);
      }
      drawn = key;
      const { axes, points, picture } = curve, point = (place) => [place, lossAt(place)];
      const here = point(value), nudged = [value - nudge, value + nudge].map(point);
      picture.update({
        label: `Loss against w (${name}), from ${format(x.low)} to ${format(x.high)}`,
        series: [
          { points, mark: "nudge-curve" },
          { points: lineInside(nudged[0], secant, axes), mark: "nudge-secant" },
          { points: lineInside(here, slope, axes), mark: "nudge-tangent" },
        ],
      });
      const inside = ([place, loss]) => place >= x.low && place <= x.high && loss <= axes.y.high;
      const dots = (mark, r, places) => places.filter(inside).map(([place, loss]) =>
        svg("circle", { class: mark, r, cx: picture.across(place), cy: picture.up(loss) }));
      marks.replaceChildren(...dots("nudge-step", 5, steps.map(point)), ...dots("nudge-end", 6, nudged));
      handle.setAttribute("transform", `translate(${picture.across(value)} ${picture.up(here[1])})`);
      const states = { label: `w, ${name}`, valuemin: tidy(x.low), valuemax: tidy(x.high), valuenow: value,
        valuetext: `${format(value)}: loss ${format(here[1])}, slope ${figures(slope)}` };
      for (const [state, text] of Object.entries(states)) handle.setAttribute(`aria-${state}`, text);
    },
  };
}

/** Every number of the network that can be chosen, as grids. */
function createChooser(tables, choose) {
  const grids = new Map(Object.keys(LAYERS).map((layer) => [layer, grid({
    label: LAYERS[layer].title, tone: layer === "image" ? "gray" : "signed",
    onselect: (row, column) => choose(`${layer}[${row},${column}]`),
  })]));
  const plane = (layer) => [h("span", { class: "plane-name" }, LAYERS[layer].title), grids.get(layer)];
  const columns = [["image"], ["kernel", "bias"], ["weight_1"], ["bias_1"], ["weight_2"], ["bias_2"]];
  let last = null; // the others look as they did
  return {
    element: h("div", { class: "nudge-chooser" }, h("p", { class: "note" }, "Click a number to make it w."),
      columns.map((layers) => h("div", {}, layers.flatMap(plane)))),
    update({ place: { layer: chosen, row, column }, value }) {
      for (const [layer, one] of grids) {
        if (last && layer !== last && layer !== chosen) continue;
        const isIt = (i, j) => layer === chosen && i === row && j === column;
        one.update(layer === chosen ? copyWith(tables[layer], [row, column], value) : tables[layer], {
          frame: layer === chosen ? oneCell(row, column) : null,
          cell: (i, j) => ({ mark: isIt(i, j) ? "current" : "" }),
        });
      }
      last = chosen;
    },
  };
}

/** A number to type, a trait; what is none, or is refused, is answered in words. */
function numberField(label, name, { get, complain }, { accept, wanted, onvalue, ...attributes }) {
  const input = h("input", { type: "text", autocomplete: "off", ...attributes, change: () => {
    const value = parse(input.value), right = !Number.isNaN(value) && accept(value);
    input.setAttribute("aria-invalid", !right);
    complain(right ? "" : readings(input.value).length > 1 ? misread(input.value) : `${label} is “${input.value}”. Type ${wanted}.`);
    if (right) onvalue(value);
  } });
  return { element: field(label, input), update() {
    const value = get(name);
    if (document.activeElement === input && parse(input.value) === value) return;
    input.value = format(value, 12);
    input.setAttribute("aria-invalid", false);
  } };
}

/** The two slopes and the step, written out with their numbers: `slopes` draws all three. */
function createSums() {
  const [slopes, step] = [0, 1].map(() => h("div", { class: "sum" })), past = h("p", { class: "nudge-past" });
  const dash = (mark) => h("span", { class: `nudge-key ${mark}`, "aria-hidden": "true" });
  const together = (...words) => h("span", { class: "terms" }, words);
  const result = (number) => together("= ", h("strong", {}, number));
  const note = (when, words) => (when ? [h("p", { class: "note" }, words)] : []);
  const inBrackets = (number) => (number < 0 ? `(${figures(number)})` : figures(number));
  function update({ value, nudge, lr, secant, slope, next, lossAt, steps, kink }) {
    // As many decimals as it takes to see the difference.
    const digits = Math.min(15, 5 + Math.max(0, Math.ceil(-Math.log10(nudge))));
    const nudged = [value + nudge, value - nudge];
    const [up, down] = nudged.map((at) => format(lossAt(at), digits));
    const [above, below] = nudged.map((at) => `L(${format(at, 12)})`);
    slopes.replaceChildren(
      h("p", {}, dash("nudge-end"), "nudged: (L(w + h) − L(w − h)) / 2h"),
      h("p", {}, `= (${above} − ${below}) / (2·${format(nudge, 12)})`),
      h("p", {}, `= (${up} − ${down}) / ${format(2 * nudge, 12)} `, result(figures(secant))),
      h("p", {}, dash(""), "exact, by the chain rule: ", h("strong", {}, figures(slope))),
      ...note(kink, "Between the nudged points the curve has a kink: a ReLU or a maximum switches there."),
      ...note(slope === 0, "The curve is flat here: small changes of this number leave the loss alone."));
    step.replaceChildren(
      h("p", {}, "step: w − learning rate × slope"),
      h("p", {}, `= ${format(value, DIGITS)} − ${format(lr, 12)}·${inBrackets(slope)} `,
        result(format(next, DIGITS)), " ", together(`(loss ${format(lossAt(next))})`)));
    const places = [...steps, value], count = steps.length;
    const line = (k) => {
      const loss = format(lossAt(places[k]));
      return together(`${k ? `step ${k}` : "start"}: w ${format(places[k])}, loss ${loss}`);
    };
    const last = [count - 2, count - 1, count].filter((k) => k > 0);
    past.replaceChildren(...(count ? [line(0), ...(count > 3 ? ["…"] : []), ...last.map(line)] : []));
  }
  return { slopes: { element: slopes, update }, step, past };
}

/** The part of the curve that is seen: as chosen, or as wide as it takes to see the point and its steps. */
function createWindow({ get, draw }, worked) {
  let view = null;
  return {
    forget: (anew) => anew && (view = null),
    zoom(by) {
      const span = by < 0 ? SPANS.findLast((one) => one < view.span) : SPANS.find((one) => one > view.span);
      if (span) view = { name: view.name, span, center: by < 0 ? get("value") : view.center };
      draw();
    },
    /** Its ends. */
    ends() {
      const name = get("selected"), place = splitName(name);
      const usual = { name, center: worked(place), span: LAYERS[place.layer].span };
      const reach = ({ center }) => Math.max(...[get("value"), ...get("steps")].map((value) => Math.abs(value - center)));
      if (view?.name !== name || (view.grown && reach(usual) <= usual.span)) view = usual;
      const far = reach(view);
      if (far > view.span) view = { ...view, span: SPANS.find((span) => span >= far) ?? 2 * far, grown: true };
      return { low: view.center - view.span, high: view.center + view.span };
    },
  };
}

/** All that is drawn, from the traits: the loss for any value of the chosen number, both slopes, and the next step. */
function stateOf(get, graph, tables, nameOf) {
  const [selected, target, value, nudge, lr, steps] = ["selected", "target", "value", "h", "lr", "steps"].map(get);
  const place = splitName(selected), { layer, row, column } = place;
  const numbersAt = (at) => networkValues(graph, { ...tables, [layer]: copyWith(tables[layer], [row, column], at) });
  const lossAt = (at) => numbersAt(at).get("loss[0,0]"), ends = [value - nudge, value + nudge];
  const slope = networkSlopes(graph, numbersAt(value), selected).get("loss[0,0]");
  const [low, high] = ends.map((at) => branches(graph, numbersAt(at)));
  return { selected, target, value, nudge, lr, steps, place, name: nameOf(place), lossAt, slope, kink: low !== high,
    secant: (lossAt(ends[1]) - lossAt(ends[0])) / (2 * nudge), next: tidy(value - lr * slope) };
}

/** Which number of the network is w, and what it is trained for. */
function createChoices({ get, set }, tables, choose, nameOf) {
  const options = (layer) => tables[layer].flatMap((line, row) => line.map((_, column) =>
    h("option", { value: `${layer}[${row},${column}]` }, nameOf({ layer, row, column }))));
  const list = h("select", { change: () => choose(list.value) },
    Object.keys(LAYERS).map((layer) => h("optgroup", { label: LAYERS[layer].title }, options(layer))));
  return group({ class: "controls nudge-top" }, { element: field("w is", list), update: ({ selected }) => (list.value = selected) },
    choice("Target", get("classes").map((name, k) => [k, name]), { read: () => get("target"), write: (target) => set({ target, steps: [] }) }));
}

/** What may be typed: any number for w, one above 0 for the nudge and the learning rate. */
function createFields(own) {
  const { set } = own;
  const any = { accept: (value) => Math.abs(value) <= LARGEST, wanted: "a number up to 1,000,000, such as 0.5" };
  const positive = { inputmode: "decimal", accept: (value) => value > 0, wanted: "a number above 0, such as 0.01" };
  return {
    value: numberField("w", "value", own, { ...any, class: "nudge-value", onvalue: (value) => set({ value: tidy(value), steps: [] }) }),
    nudge: numberField("Nudge h", "h", own, { ...positive, onvalue: (value) => set({ h: value }) }),
    lr: numberField("Learning rate", "lr", own, { ...positive, onvalue: (value) => set({ lr: value }) }),
  };
}

function build(own) {
  const { get, set } = own;
  const tables = () => networkTables({ ...get("given"), target: get("target") });
  const graph = networkGraph(tables()), nameOf = ({ layer, row, column }) => LAYERS[layer].one(row, column, get("classes"));
  const worked = ({ layer, row, column }) => tables()[layer][row][column];
  const numbers = () => stateOf(get, graph, tables(), nameOf);
  const choose = (name) => set({ selected: name, value: worked(splitName(name)), steps: [] });
  const view = createWindow(own, worked), sums = createSums(), fields = createFields(own);
  const plot = createPlot((value) => set({ value, steps: [] })); // what is moved by hand starts a new walk
  const titled = (words, title, click) => button(words, click, { title, "aria-label": title });
  const loss = h("span", { class: "nudge-loss" });
  const heading = { element: loss, update: ({ lossAt, value }) =>
    loss.replaceChildren("loss ", h("b", {}, format(lossAt(value))), ` at w = ${format(value, DIGITS)}`) };
  const step = button("Step", () => {
    const { value, next, steps } = numbers();
    set({ value: next, steps: [...steps, value] });
  });
  return {
    forget: view.forget,
    state() {
      const now = numbers(), x = view.ends();
      return { ...now, x, key: JSON.stringify([now.selected, now.target, x]) };
    },
    parts: [createChoices(own, tables(), choose, nameOf), group({ class: "nudge-columns" },
      group({ class: "nudge-main" },
        group({ class: "nudge-head" }, heading, h("span", { class: "nudge-zoom" },
          titled("−", "Show more of the curve", () => view.zoom(1)), titled("+", "Zoom in at the point", () => view.zoom(-1)))),
        plot, group({ class: "controls" }, fields.value, fields.nudge), sums.slopes, group({ class: "controls" }, fields.lr, step, own.reset),
        own.error, sums.step, sums.past),
      createChooser(tables(), choose))],
    // The point on the curve is a slider and speaks for itself.
    say: ({ steps, name, value, lossAt }) => (plot.element.contains(document.activeElement) ? undefined
      : `${steps.length ? `Step ${steps.length}` : name}: w is ${format(value)}, loss ${format(lossAt(value))}`),
  };
}

export default frame({ mark: "nudge", label: "Nudge", kept: ["selected", "value", "h", "lr", "target", "steps"],
  problem({ given, target, selected }) {
    const { layer, row, column } = splitName(selected);
    return Object.hasOwn(LAYERS, layer) && networkTables({ ...given, target })[layer][row]?.[column] !== undefined ? "" : "The network has no such number.";
  }, build });
