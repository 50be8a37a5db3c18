// The layers of a trained network to look into: what each is called, and the sum behind any of its numbers.
import { format, h, roving } from "./dom.js";
import { grid } from "./grid.js";
import { largeMap, largestOf } from "./maps.js";
import { partsOf } from "../math/inference.js";
import { table } from "../math/lists.js";
import { meets } from "../math/shapes.js";
import { softmax } from "../math/loss.js";

export const short = (number) => format(number, 3);
const shortFactor = (number) => (number < 0 ? `(${short(number)})` : short(number));
const line = (...nodes) => h("p", {}, ...nodes);
const small = (text) => h("span", { class: "plane-name" }, text);

/** What a layer is called. */
export function layerTitle({ kind, axes }) {
  const sides = axes ? [axes.rows.kernel, axes.columns.kernel] : [];
  return `${kind}${sides.length ? ` ${sides.join("×")}` : ""}`;
}
export const shapeText = ([maps, ...sides]) =>
  (sides.length ? `${maps} maps of ${sides.join("×")}` : `${maps} numbers`);

/** Where a layer stands, "3.body.0", as Python says it: [3].body[0]. */
const placeOf = (name) => name.split(".").map((part) => (/\d/.test(part) ? `[${part}]` : `.${part}`)).join("");

/**
 * The layers of an inference that compute something: its steps with their `index` among them all, their `place` in
 * the network and the `title` with it, the title of the Residual that they are `inside`, `source`, the shape of what
 * they read before it was flattened, and whether they are the `last`.
 */
export function computingSteps({ steps }) {
  let flattened = null;
  return steps.flatMap((step, index) => {
    if (step.kind === "Flatten" && step.input.length > 1) flattened = step.input;
    if (!step.computes) return [];
    const source = step.input.length === 1 && flattened ? flattened : step.input;
    flattened = null;
    const name = step.name ?? String(index), [outer, ...inner] = name.split("."), place = placeOf(name);
    return [{ ...step, index, place, title: `network${place}`, inside: inner.length ? `network[${outer}]` : "", source,
      last: step.values === steps.at(-1).values }];
  });
}

/** What a number reads of the maps that come in, as a frame; it may begin in the padding. */
function windowOf({ kind, axes, source: [, rows = 1, columns = 1] }, row, column) {
  if (axes)
    return { row: meets(axes.rows, row, 0), column: meets(axes.columns, column, 0),
      rows: axes.rows.kernel, columns: axes.columns.kernel };
  const whole = ["Linear", "GlobalAvgPool2d"].includes(kind);
  return whole ? { row: 0, column: 0, rows, columns } : { row, column, rows: 1, columns: 1 };
}

/** A window and the kernel it meets. */
function createGrids() {
  const planes = ["Window", "Kernel"].map((label) => grid({ label, tone: "signed" }));
  const names = ["window", "kernel"];
  const [left, right] = planes.map((plane, i) => h("div", {}, small(names[i]), plane.element));
  const element = h("div", { class: "trace-grids" }, left, h("span", { class: "times" }, "×"), right);
  return { element, update(terms) {
    const [high, wide] = [terms.at(-1).a + 1, terms.at(-1).b + 1];
    ["pixel", "weight"].forEach((name, i) =>
      planes[i].update(table(high, wide, (a, b) => terms[a * wide + b][name])));
  } };
}

/** A sum of products: what each channel adds, as buttons, and the products of one of them. */
function createSum() {
  const chips = h("div", { class: "chips", role: "group", "aria-label": "What each channel adds" });
  const stop = roving(chips, () => chips.children), grids = createGrids();
  const written = h("div", { class: "sum" });
  const element = h("div", { class: "trace-sum" }, chips, grids.element, written);

  const product = ({ pixel, weight }, i) => h("span", { class: pixel && weight ? "term" : "term zero" },
    `${i ? "+ " : ""}${(i ? shortFactor : short)(pixel)}·${shortFactor(weight)}`);
  const chip = (part, chosen, what, onlisten) => h("button", { type: "button", "data-channel": part.channel,
    "aria-pressed": String(part === chosen), "aria-label": `${what} ${part.channel}: ${short(part.total)}`, click: () => {
      onlisten(part.channel);
      chips.querySelector(`[data-channel="${part.channel}"]`)?.focus();
    } }, h("span", { class: "note" }, part.channel), ` ${short(part.total)}`);

  function total(parts, single, bias) {
    const sum = parts.reduce((all, part) => all + part.total, 0);
    const zeros = parts.filter((part) => !part.total).length;
    const name = parts.length === 1 ? "all products"
      : single ? `all ${parts.length} products, ${zeros} of them 0` : `all ${parts.length} channels`;
    const subtotal = bias === undefined ? "= "
      : `= ${short(sum)}; with the bias ${short(sum)} + ${shortFactor(bias)} = `;
    return line(small(name), ` ${subtotal}`, h("strong", {}, short(sum + (bias ?? 0))));
  }
  return {
    element,
    /** `nodes` in place of a sum of products. */
    plain(nodes) {
      chips.hidden = grids.element.hidden = true;
      written.replaceChildren(...nodes);
    },
    /** The parts of a sum; `heard` is the channel to be written out. */
    products(parts, heard, bias, onlisten, more) {
      const single = parts[0].terms.length === 1, alone = parts.length === 1; // one product; one channel
      chips.hidden = alone;
      grids.element.hidden = single;
      if (!single) grids.update(heard.terms);
      const shown = parts.filter((part) => !single || part.total || part === heard);
      const what = single ? "input" : "channel";
      chips.replaceChildren(...shown.map((part) => chip(part, heard, what, onlisten)));
      const chosen = chips.querySelector("[aria-pressed=true]");
      stop(chosen);
      chips.scrollTop = chosen.offsetTop - chips.offsetTop - chips.clientHeight / 2;
      const name = alone ? [] : [small(`${what} ${heard.channel}`), " "];
      const terms = heard.terms.flatMap((one, i) => [product(one, i), " "]);
      const products = line(...name, ...terms, `= ${short(heard.total)}`);
      written.replaceChildren(products, total(parts, single, bias), ...more);
    },
  };
}

/** How the layers without products come to a number. */
function otherSum(step, { map, row, column }, value) {
  const { kind, layer, before, input: [, rows = 1, columns = 1] } = step;
  const at = (i, j) => before[(map * rows + i) * columns + j];
  const result = h("strong", {}, short(value));
  if (kind === "BatchNorm2d") {
    const [mean, variance, weight, bias] = ["running_mean", "running_var", "weight", "bias"].map((name) => layer[name].data[map]);
    const deviation = Math.sqrt(variance + layer.eps);
    return [line(small("minus the mean, over the deviation, times γ, plus β")),
      line(`(${short(at(row, column))} − ${shortFactor(mean)}) / ${short(deviation)}`
        + ` · ${shortFactor(weight)} + ${shortFactor(bias)} = `, result)];
  }
  if (kind === "ReLU") return [line(`max(${short(at(row, column))}, 0) = `, result)];
  if (kind === "Tanh") return [line(`tanh(${short(at(row, column))}) = `, result)];
  if (kind === "Residual") {
    const [around, what] = step.around ? [step.around[(map * rows + row) * columns + column], "what goes around them"] : [at(row, column), "what came in"];
    return [line(small(`what its layers give, plus ${what}`)), line(`${short(value - around)} + ${shortFactor(around)} = `, result)];
  }
  if (kind === "GlobalAvgPool2d")
    return [line(`${short(value * rows * columns)} / ${rows * columns} = `, result)];
  const { row: top, column: left, rows: high, columns: wide } = windowOf(step, row, column);
  const cells = table(high, wide, (i, j) => [top + i, left + j]).flat();
  const inside = cells.filter(([i, j]) => i >= 0 && j >= 0 && i < rows && j < columns);
  if (kind === "AvgPool2d") return [line(`(${inside.map(([i, j]) => shortFactor(at(i, j))).join(" + ")}) / ${high * wide} = `, result)];
  return [line(`max(${inside.map(([i, j]) => short(at(i, j))).join(", ")}) = `, result)];
}

/** What the softmax makes of a logit. */
function softmaxLine(logits, k) {
  const p = softmax({ shape: [logits.length], data: logits }).data[k];
  return line("softmax: e", h("sup", {}, short(logits[k])), ` / sum of all ${logits.length} `,
    p < 0.00005 ? "< 0.0001" : `= ${format(p, 4)}`);
}

/**
 * layerTrace({classes, onchoose}) shows one number of one layer: its map, what comes in, the sum behind it.
 * onchoose({row, column}) when another number of the map is chosen. update({step, map, row, column}) draws
 * and returns the number in words. Of a color image that is scaled before the network gets it, `image` has the
 * `pixels` as they were, from 0 to 1, and the `names` of the channels.
 */
export function layerTrace({ classes, onchoose, image = null }) {
  const heading = h("p", { class: "part-title" });
  const output = largeMap({ onchoose: (row, column) => onchoose({ row, column }) }), input = largeMap({});
  const [inName, outName] = [small(""), small("")];
  const inBox = h("div", {}, inName, input.element), outBox = h("div", {}, outName, output.element);
  const maps = h("div", { class: "trace-maps" }, inBox, outBox);
  const sum = createSum();
  const element = h("div", { class: "trace" }, heading, maps, sum.element);
  let heard = null, last = null; // the channel that the reader chose to hear, in the state drawn last

  /** Writes the sum; returns the channel whose map is shown as what comes in. */
  function write(state, value) {
    const { step, map, row, column } = state;
    const more = step.last ? [softmaxLine(step.values, map)] : [];
    if (!["Conv2d", "Linear"].includes(step.kind)) {
      sum.plain([...otherSum(step, state, value), ...more]);
      return map;
    }
    const parts = partsOf(step, step.source, map, row, column);
    const larger = (one, other) => (Math.abs(other.total) > Math.abs(one.total) ? other : one);
    const loudest = parts.reduce(larger);
    const part = parts[heard] ?? loudest;
    sum.products(parts, part, step.layer.bias?.data[map], (channel) => {
      heard = channel;
      update(last);
    }, more);
    return part.channel;
  }
  function showMaps({ step, map, row, column }, channel) {
    const [, rows = 1, columns = 1] = step.output, [, high = 1, wide = 1] = step.source;
    inBox.hidden = high * wide === 1;
    outBox.hidden = rows * columns === 1;
    maps.hidden = inBox.hidden && outBox.hidden;
    outName.textContent = `out: map ${map}`;
    output.update({ label: `What comes out, map ${map}, row ${row}, column ${column}`, values: step.values,
      from: map * rows * columns, sides: [rows, columns], top: largestOf(step.values),
      frame: { row, column, rows: 1, columns: 1 } });
    const isImage = step.index === 0;
    const color = isImage && image ? `, ${image.names[channel]}` : "", of = step.around ? " of its layers" : "";
    const what = isImage ? `the image${color}` : `map ${channel}${of}`;
    inName.textContent = `in: ${what}`;
    input.update({ label: `What comes in, ${what}`, values: isImage && image ? image.pixels : step.before, from: channel * high * wide,
      sides: [high, wide], top: isImage ? 1 : largestOf(step.before), gray: isImage,
      frame: windowOf(step, row, column) });
  }
  function update(state) {
    const { step, map, row, column } = state, [, rows = 1, columns = 1] = step.output;
    if (last?.step !== step || last.map !== map) heard = null;
    last = state;
    const value = step.values[(map * rows + row) * columns + column];
    const name = step.last ? `class ${classes[map]}`
      : rows * columns > 1 ? `map ${map}, row ${row}, column ${column}` : `number ${map}`;
    heading.replaceChildren(h("code", {}, step.title), ` ${layerTitle(step)}, ${name}`);
    showMaps(state, write(state, value));
    return `${layerTitle(step)}, ${name}: ${short(value)}`;
  }
  return { element, update };
}
