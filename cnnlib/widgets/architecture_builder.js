// Stack layers and watch shapes, parameters, multiply-adds and receptive fields follow.
import { axes, call, LAYERS, product, program, summarize, written } from "./shared/math/architecture.js";
import { presets } from "./shared/view/controls.js";
import { button, copyText, copyWith, field, h, select } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { sum } from "./shared/math/lists.js";
import { predictFirst } from "./shared/view/predict.js";

const LARGEST = 99999;
const COLUMNS = ["output", "parameters", "multiply-adds", "memory", "sees"];
const INPUT = ["channels", "rows", "columns"];

const HINTS = {
  output: "Rows plus padding, less the kernel's extent, over the stride, rounded down, plus 1.",
  parameters: "For each filter or output: a weight for each product of its sum, and one bias.",
};

const grouped = (number) => number.toLocaleString("en-US");
const kibibytes = (bytes) => `${grouped(Number((bytes / 1024).toFixed(2)))} KiB`;
const usual = (kind) =>
  Object.fromEntries(Object.entries(LAYERS[kind]).map(([name, { value }]) => [name, value]));
const slides = (layer) => "kernel_size" in layer;

/** A field for a whole number; `onset` gets it, `complain` a sentence when it is none. */
function numberField(label, least, onset, complain) {
  const read = () => {
    const value = input.value === "" ? NaN : Number(input.value);
    const right = Number.isInteger(value) && value >= least && value <= LARGEST;
    input.setAttribute("aria-invalid", !right);
    complain(right ? "" : `${label}: expected a whole number from ${least} to ${LARGEST}.`);
    if (right) onset(value);
  };
  const restore = () => {
    complain("");
    input.removeAttribute("aria-invalid");
    input.value = input.dataset.value;
  };
  const input = h("input", { type: "number", min: least, max: LARGEST, step: 1, inputmode: "numeric",
    input: read, blur: restore });
  const show = (value) => {
    input.dataset.value = value;
    if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
  };
  return { element: field(label, input), show };
}

/** How each number of a row comes about: [name, sum] pairs. */
function sums(row) {
  const { layer, input, output, weights, biases, before } = row;
  const list = [];
  if (slides(layer)) {
    const sides = axes(layer, input);
    const one = ({ size, before, after, dilation, kernel, stride, output }) =>
      `⌊(${size} + ${before} + ${after} − ${dilation}·(${kernel} − 1) − 1) / ${stride}⌋ + 1 = ${output}`;
    list.push(["rows", one(sides[0])]);
    if (input[1] !== input[2]) list.push(["columns", one(sides[1])]);
  }
  if (layer.kind === "Flatten") list.push(["outputs", `${input.join("·")} = ${grouped(output[0])}`]);
  const kernel = layer.kernel_size;
  const terms = layer.kind === "Conv2d" ? [input[0] / layer.groups, kernel, kernel] : [input[0]]; // of one sum
  const filters = layer.out_channels ?? layer.out_features;
  const parameters = `${grouped(weights)} + ${grouped(biases)} = ${grouped(weights + biases)}`;
  if (layer.kind === "BatchNorm2d") list.push(["parameters", parameters]);
  else if (weights) {
    list.push(["parameters", `${[filters, ...terms].join("·")} + ${filters} = ${parameters}`]);
    list.push(["multiply-adds", `${[...output, ...terms].join("·")} = ${grouped(row.multiplyAdds)}`]);
  }
  list.push(["memory", `${output.join("·")}·4 bytes = ${grouped(row.bytes)} bytes = ${kibibytes(row.bytes)}`]);
  if (slides(layer) && row.field) {
    const reach = (layer.dilation ?? 1) * (layer.kernel_size - 1);
    const { seen, step } = row.field;
    const rows = `${before.seen[0]} + ${reach}·${before.step[0]} = ${seen[0]} rows`;
    list.push(["sees", `${rows}; neighbors are ${step[0]} apart`]);
  }
  return list;
}

/** The usual wrong answers to a question about what comes out of a layer, each with what to say. */
function outputSlips({ layer, input, output }) {
  if (layer.kind === "Flatten") return [
    [input[0], "That is the number of channels. Every number of every map is kept."],
    [product(input.slice(1)), `That is one map. There are ${input[0]}.`],
  ];
  const [side] = axes(layer, input);
  const exact = (side.padded - side.extent) / side.stride + 1;
  const rounded = (size) => Math.floor((size - side.extent) / side.stride) + 1;
  return [
    [output[1] - 1, "One more: the window also stands at the very start."],
    [exact, "A part of a window is no window: round down."],
    [Math.ceil(exact), "Round down: a window that does not fit is skipped."],
    [rounded(side.size), `The padding, ${layer.padding} on each side, is missing.`],
    [rounded(side.size + side.before), "The padding stands on both sides."],
    [input[1], "That is what comes in."],
  ];
}

function parameterSlips({ input, output, weights, biases }) {
  return [
    [weights, "Those are the weights. The biases are missing."],
    [weights + 1, "Each filter or output has a bias of its own, not one for all."],
    [weights / input[0] + biases, `There is a weight for each of the ${input[0]} channels or numbers coming in.`],
    [weights + product(output), "One bias for each filter, not for each place."],
    [weights + input[0], "One bias for each output, not for each input."],
    [0, "It has weights that are trained."],
  ];
}

/** What is asked in *predict first*: {index, about, question, total, slips}. */
function tasks(rows) {
  return rows.flatMap((row, index) => {
    if (!row.output) return [];
    const { layer, input, output, parameters } = row;
    const task = (about, question, total, slips) =>
      ({ index, about, total, slips, question: `Layer ${index}, ${call(layer, input)}: ${question}` });
    const list = [];
    if (slides(layer))
      list.push(task("output", "how many rows has a map that comes out?", output[1], outputSlips(row)));
    if (layer.kind === "Flatten")
      list.push(task("output", "how many numbers come out?", output[0], outputSlips(row)));
    if (parameters)
      list.push(task("parameters", "how many parameters has it?", parameters, parameterSlips(row)));
    return list;
  });
}

/** The fields, the buttons and the sums of the layer that is open: a row of its own in the table. */
function createEditor({ set, complain }, { move, remove }) {
  let open = "", fields = [], index = 0, layers = [];
  const numbers = h("div", { class: "controls" });
  const up = button("↑ Up", () => move(index, -1)), down = button("↓ Down", () => move(index, 1));
  const away = button("Remove", () => remove(index));
  const list = h("dl", {});
  const element = h("tr", { class: "builder-editor" }, h("td", { colspan: COLUMNS.length + 1 },
    numbers, h("div", { class: "controls" }, up, down, away), list));
  return {
    element,
    update(now) {
      ({ selected: index, layers } = now);
      const row = now.rows[index], layer = layers[index], key = `${index} ${layer.kind}`;
      if (key !== open) {
        const write = (name) => (value) =>
          set({ layers: copyWith(layers, [index], { ...layers[index], [name]: value }) });
        fields = Object.entries(LAYERS[layer.kind]).map(([name, { label, least }]) =>
          [name, numberField(label, least, write(name), complain)]);
        numbers.replaceChildren(...fields.map(([, one]) => one.element));
        numbers.hidden = !fields.length;
      }
      open = key;
      for (const [name, one] of fields) one.show(layer[name]);
      up.disabled = index === 0;
      down.disabled = index === layers.length - 1;
      away.disabled = layers.length === 1;
      const lines = now.shown(index).rest && row.output ? sums(row) : [];
      list.replaceChildren(...lines.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
    },
  };
}

/** A row of the table; onopen(line) when its button is pressed. */
function createLine(onopen) {
  const number = h("span", { class: "builder-number" }), name = h("span", {});
  const opener = button([number, name], () => onopen(line));
  const cells = COLUMNS.map((column) => h("td", { class: `builder-${column}` }));
  const line = { button: opener, element: h("tr", {}, h("th", { scope: "row" }, opener), cells), update(i, { rows, selected, shown }, active) {
    const row = rows[i], { output, rest } = shown(i);
    number.textContent = `${i}`;
    // What comes in is what the layer before gives, which may still be hidden.
    name.textContent = call(row.layer, i === 0 || shown(i - 1).output ? row.input : undefined);
    opener.tabIndex = i === active ? 0 : -1;
    opener.setAttribute("aria-expanded", i === selected);
    line.element.classList.toggle("open", i === selected);
    line.element.classList.toggle("wrong", Boolean(row.error));
    if (row.error) fill(cells, ["does not fit"]);
    else if (!row.output) fill(cells, ["–", "–", "–", "–", "–"]);
    else fill(cells, [output ? written(row.output) : "?", ...(rest ? counts(row) : ["?", "?", "?", "?"])]);
  } };
  return line;
}
const counts = (row) => [grouped(row.parameters), grouped(row.multiplyAdds), kibibytes(row.bytes),
  row.field ? written(row.field.seen) : "–"];
const fill = (cells, texts) => cells.forEach((cell, i) => (cell.textContent = texts[i] ?? ""));

/** The totals of all layers: in the table's last row, and where there is no room for its columns in a sentence. */
function createTotals() {
  const cells = COLUMNS.map(() => h("td", {})), row = h("tr", {}, h("th", { scope: "row" }, "total"), cells);
  const narrow = h("p", { class: "builder-total" });
  return { row, narrow, update({ rows, shown }) {
    const total = (name) => sum(rows.map((one) => one[name] ?? 0));
    const fields = rows.map((one) => one.field).filter(Boolean);
    const totals = shown(rows.length - 1).rest ? [grouped(total("parameters")), grouped(total("multiplyAdds")), kibibytes(total("bytes")),
      fields.length ? written(fields.at(-1).seen) : "–"] : ["?", "?", "?", "?"];
    fill(cells, ["", ...totals]);
    const [parameters, products, memory, seen] = totals;
    narrow.textContent = `In all: ${parameters} parameters, ${products} multiply-adds, ${memory}. A number sees ${seen}.`;
  } };
}

/** The table: a row for each layer, the open one with its editor below it. */
function createTable(own, { move, remove }) {
  const { get, set } = own, lines = [], editor = createEditor(own, { move, remove }), totals = createTotals();
  const input = COLUMNS.map(() => h("td", {}));
  const body = h("tbody", { keydown }, h("tr", {}, h("th", { scope: "row" }, "input"), input));
  const table = h("table", { class: "builder-table" }, h("caption", { class: "visually-hidden" }, "Layers"),
    h("thead", {}, h("tr", {}, ["layer", ...COLUMNS].map((name) => h("th", { scope: "col" }, name)))),
    body, h("tfoot", {}, totals.row));
  let active = 0;

  const open = (line) => set({ selected: get("selected") === lines.indexOf(line) ? -1 : lines.indexOf(line) });
  function focus(index) {
    active = Math.min(Math.max(index, 0), lines.length - 1);
    lines.forEach((line, i) => (line.button.tabIndex = i === active ? 0 : -1));
    lines[active].button.focus();
  }
  function keydown(event) {
    const index = lines.findIndex((line) => line.button === event.target);
    if (index < 0 || event.ctrlKey || event.metaKey) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const to = by ? index + by : { Home: 0, End: lines.length - 1 }[event.key];
    if (event.key !== "Delete" && (to === undefined || (event.altKey && !by))) return;
    event.preventDefault();
    if (event.key === "Delete") remove(index);
    else if (event.altKey) move(index, by);
    else {
      focus(to);
      if (get("selected") >= 0) set({ selected: active });
    }
  }
  return { element: h("div", { class: "main" }, table, totals.narrow), focus, update(now) {
    const { rows, selected } = now;
    while (lines.length > rows.length) lines.pop().element.remove();
    while (lines.length < rows.length) {
      lines.push(createLine(open));
      body.append(lines.at(-1).element);
    }
    if (selected >= 0) editor.update(now);
    active = Math.min(selected >= 0 ? selected : active, rows.length - 1);
    fill(input, [written(now.input)]);
    lines.forEach((line, i) => line.update(i, now, active));
    const line = lines[selected]?.element;
    if (!line) editor.element.remove();
    else if (line.nextSibling !== editor.element) line.after(editor.element); // moving it would end an edit
    totals.update(now);
  } };
}

/** The network in PyTorch or in cnnlib, and a button that copies it. */
function codeBox(title, torch) {
  const text = h("code", {});
  const pre = h("pre", { tabindex: 0, "aria-label": title }, text);
  const said = h("span", { role: "status" });
  const copy = button("Copy", () => copyText(text, said));
  const element = h("details", { class: "builder-code" }, h("summary", {}, title), pre,
    h("div", { class: "controls" }, copy, said));
  return { element, update({ rows, shown }) {
    element.hidden = !shown(rows.length - 1).rest;
    const fits = !rows.some((row) => !row.output);
    const code = fits ? program(rows, torch) : "The shapes do not fit yet.";
    if (text.textContent !== code) [text.textContent, said.textContent] = [code, ""];
    copy.disabled = !fits;
  } };
}

/** The network's sizes in words, or what is wrong with it. */
function sentenceOf({ rows }) {
  const wrong = rows.findIndex((row) => row.error);
  return wrong >= 0 ? `Layer ${wrong}. ${rows[wrong].error}`
    : `${written(rows.at(-1).output)} come out, ${grouped(sum(rows.map((row) => row.parameters)))} parameters`;
}

/** What a reader does with whole layers: `add`, `move` and `remove` them. */
function layerMoves({ get, set, draw, announce, complain }, table, state) {
  return {
    move(index, by) {
      const to = index + by, layers = [...get("layers")];
      if (!layers[to]) return;
      [layers[index], layers[to]] = [layers[to], layers[index]];
      const open = get("selected") < 0 ? -1 : to;
      set({ layers, selected: open });
      draw();
      if (open < 0 || table().element.querySelector("[aria-expanded]:focus")) table().focus(to);
      announce(`${layers[to].kind} is now layer ${to}. ${sentenceOf(state())}`);
    },
    remove(index) {
      const layers = get("layers").filter((_, i) => i !== index);
      if (!layers.length) return complain("A network has at least one layer.");
      set({ layers, selected: get("selected") < 0 ? -1 : Math.min(index, layers.length - 1) });
      draw();
      table().focus(Math.min(index, layers.length - 1));
    },
    add(kind) {
      const layers = [...get("layers")], at = get("selected") < 0 ? layers.length : get("selected") + 1;
      layers.splice(at, 0, { kind, ...usual(kind) });
      set({ layers, selected: at });
    },
  };
}

/** The shape of what comes in. */
function createInput({ get, set, complain }) {
  const fields = INPUT.map((name, i) =>
    numberField(name, 1, (size) => set({ input_shape: copyWith(get("input_shape"), [i], size) }), complain));
  return { element: h("div", { class: "controls builder-input", role: "group", "aria-label": "Input" }, h("span", {}, "Input"), fields),
    update: ({ input }) => fields.forEach((one, i) => one.show(input[i])) };
}

/** All that is drawn. The tasks are asked in order, `step` is the current one; shown(i) says what of a row may be seen. */
function stateOf(get, step, ask) {
  const [layers, input] = [get("layers"), get("input_shape")], rows = summarize(layers, input);
  const list = get("predict") ? tasks(rows) : [];
  const at = Math.min(step, Math.max(list.length - 1, 0)), answered = !ask.hidden(at), task = list[at], open = list[answered ? at + 1 : at];
  return {
    layers, input, rows, selected: Math.min(get("selected"), rows.length - 1),
    task: task ? { ...task, key: at, last: !open, explain: () => ({ slips: task.slips, otherwise: `Not that. ${HINTS[task.about]}` }) } : null,
    shown: (i) => ({
      output: !open || i < open.index || (i === open.index && open.about === "parameters"),
      rest: !open || i < open.index,
    }),
  };
}

function build(own) {
  const { get, set, draw } = own;
  let step = 0;
  const ask = predictFirst(own, { next() {
    step += 1;
    draw();
  } });
  const state = () => stateOf(get, step, ask);
  const { move, remove, add } = layerMoves(own, () => table, state);
  const table = createTable(own, { move, remove }), misfit = h("p", { class: "error" });
  const kind = select(Object.keys(LAYERS).map((name) => [name, name]), () => {});
  kind.setAttribute("aria-label", "Layer to add");
  const network = presets("Network", new Map(Object.entries(get("presets")).map(([name, made]) => [name, () => [made.layers, made.input_shape]])), {
    read: () => [get("layers"), get("input_shape")],
    write: ([layers, input_shape]) => set({ layers, input_shape, selected: -1 }),
  });
  return {
    state, forget: () => (step = 0),
    parts: [group({ class: "controls" }, network, ask.tick, own.reset), createInput(own), table,
      { element: misfit, update: (now) => (misfit.textContent = now.rows.some((row) => row.error) ? sentenceOf(now) : "") }, own.error,
      h("div", { class: "controls" }, kind, button("Add layer", () => add(kind.value)),
        h("span", { class: "note" }, "Keys: arrows, Enter opens a layer, Alt with arrows moves it, Delete removes it.")),
      ask, codeBox("PyTorch code", true), codeBox("cnnlib code", false)],
    say: (now) => (get("predict") ? undefined : sentenceOf(now)),
  };
}

export default frame({ mark: "builder", label: "Architecture builder", data: ["layers", "input_shape"], kept: ["selected"], build });
