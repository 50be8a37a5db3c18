// Stack layers and watch shapes, parameters, multiply-adds and receptive fields follow.
import { axes, call, LAYERS, product, program, summarize, written } from "./shared/view/architecture.js";
import { announcer, copyWith, field, h, mount, select, setter } from "./shared/view/dom.js";
import { sum } from "./shared/math/lists.js";
import { prediction } from "./shared/view/predict.js";

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
    if (right) onset(value);
    else complain(`${label}: expected a whole number from ${least} to ${LARGEST}.`);
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
function createEditor({ change, complain, move, remove }) {
  let open = "", fields = [], index = 0, layers = [];
  const numbers = h("div", { class: "controls" });
  const up = h("button", { type: "button", click: () => move(index, -1) }, "↑ Up");
  const down = h("button", { type: "button", click: () => move(index, 1) }, "↓ Down");
  const away = h("button", { type: "button", click: () => remove(index) }, "Remove");
  const list = h("dl", {});
  const element = h("tr", { class: "builder-editor" }, h("td", { colspan: COLUMNS.length + 1 },
    numbers, h("div", { class: "controls" }, up, down, away), list));
  return {
    element,
    update(at, allLayers, row, hidden) {
      [index, layers] = [at, allLayers];
      const layer = layers[index], key = `${index} ${layer.kind}`;
      if (key !== open) {
        const write = (name) => (value) =>
          change({ layers: copyWith(layers, [index], { ...layers[index], [name]: value }) });
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
      const lines = hidden || !row.output ? [] : sums(row);
      list.replaceChildren(...lines.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
    },
  };
}

/** The table: a row for each layer, the open one with its editor below it. */
function createTable({ get, set, editor, move, remove }) {
  const lines = [];
  const body = h("tbody", { keydown });
  const first = h("tr", {}, h("th", { scope: "row" }, "input"), COLUMNS.map(() => h("td", {})));
  const last = h("tr", {}, h("th", { scope: "row" }, "total"), COLUMNS.map(() => h("td", {})));
  body.append(first);
  const narrow = h("p", { class: "builder-total" }); // the totals, where there is no room for their columns
  const table = h("table", { class: "builder-table" }, h("caption", { class: "visually-hidden" }, "Layers"),
    h("thead", {}, h("tr", {}, ["layer", ...COLUMNS].map((name) => h("th", { scope: "col" }, name)))),
    body, h("tfoot", {}, last));
  const element = h("div", {}, table, narrow);
  let active = 0;

  function makeLine() {
    const line = {};
    line.number = h("span", { class: "builder-number" });
    line.name = h("span", {});
    line.button = h("button", { type: "button", click: () => {
      const index = lines.indexOf(line);
      set({ selected: get("selected") === index ? -1 : index });
    } }, line.number, line.name);
    line.cells = COLUMNS.map((name) => h("td", { class: `builder-${name}` }));
    line.element = h("tr", {}, h("th", { scope: "row" }, line.button), line.cells);
    return line;
  }
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
    const moves = event.altKey && by;
    if (event.key !== "Delete" && (to === undefined || (event.altKey && !by))) return;
    event.preventDefault();
    if (event.key === "Delete") remove(index);
    else if (moves) move(index, by);
    else {
      focus(to);
      if (get("selected") >= 0) set({ selected: active });
    }
  }
  const counts = (row) => [grouped(row.parameters), grouped(row.multiplyAdds), kibibytes(row.bytes),
    row.field ? written(row.field.seen) : "–"];
  const fill = (cells, texts) => cells.forEach((cell, i) => (cell.textContent = texts[i] ?? ""));

  return {
    element,
    focus,
    update(rows, selected, shown) {
      while (lines.length > rows.length) lines.pop().element.remove();
      while (lines.length < rows.length) {
        lines.push(makeLine());
        body.append(lines.at(-1).element);
      }
      active = Math.min(selected >= 0 ? selected : active, rows.length - 1);
      fill([...first.children].slice(1), [written(get("input_shape"))]);
      lines.forEach(({ element: line, button, number, name, cells }, i) => {
        const row = rows[i], { output, rest } = shown(i);
        number.textContent = `${i}`;
        // What comes in is what the layer before gives, which may still be hidden.
        name.textContent = call(row.layer, i === 0 || shown(i - 1).output ? row.input : undefined);
        button.tabIndex = i === active ? 0 : -1;
        button.setAttribute("aria-expanded", i === selected);
        line.classList.toggle("open", i === selected);
        line.classList.toggle("wrong", Boolean(row.error));
        if (row.error) fill(cells, ["does not fit"]);
        else if (!row.output) fill(cells, ["–", "–", "–", "–", "–"]);
        else fill(cells, [output ? written(row.output) : "?", ...(rest ? counts(row) : ["?", "?", "?", "?"])]);
      });
      const line = lines[selected]?.element;
      if (!line) editor.element.remove();
      else if (line.nextSibling !== editor.element) line.after(editor.element); // moving it would end an edit
      const total = (name) => sum(rows.map((row) => row[name] ?? 0));
      const all = shown(rows.length - 1).rest;
      const fields = rows.map((row) => row.field).filter(Boolean);
      const field = fields.length ? written(fields.at(-1).seen) : "–";
      const totals = all
        ? [grouped(total("parameters")), grouped(total("multiplyAdds")), kibibytes(total("bytes")), field]
        : ["?", "?", "?", "?"];
      fill([...last.children].slice(1), ["", ...totals]);
      const [parameters, products, memory, seen] = totals;
      narrow.textContent =
        `In all: ${parameters} parameters, ${products} multiply-adds, ${memory}. A number sees ${seen}.`;
    },
  };
}

/** The network in PyTorch or in cnnlib, and a button that copies it. */
function codeBox(title, torch) {
  const text = h("code", {});
  const pre = h("pre", { tabindex: 0, "aria-label": title }, text);
  const said = h("span", { role: "status" });
  const copy = h("button", { type: "button", click: async () => {
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Selected: press Ctrl+C or ⌘C.";
    }
  } }, "Copy");
  const element = h("details", { class: "builder-code" }, h("summary", {}, title), pre,
    h("div", { class: "controls" }, copy, said));
  return { element, update(rows) {
    const fits = !rows.some((row) => !row.output);
    const code = fits ? program(rows, torch) : "The shapes do not fit yet.";
    if (text.textContent !== code) [text.textContent, said.textContent] = [code, ""];
    copy.disabled = !fits;
  } };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = { layers: get("layers"), input_shape: get("input_shape"), selected: get("selected"),
    predict: false, score: [0, 0] };
  let step = 0, answered = false, drawn = "", spoken = "";

  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function change(traits) {
    complain("");
    set(traits);
  }
  function move(index, by) {
    const to = index + by, layers = [...get("layers")];
    if (!layers[to]) return;
    [layers[index], layers[to]] = [layers[to], layers[index]];
    const open = get("selected") < 0 ? -1 : to;
    change({ layers, selected: open });
    draw();
    if (open < 0 || table.element.querySelector("[aria-expanded]:focus")) table.focus(to);
    live.textContent = `${layers[to].kind} is now layer ${to}. ${spoken}`;
  }
  function remove(index) {
    const layers = get("layers").filter((_, i) => i !== index);
    if (!layers.length) return complain("A network has at least one layer.");
    change({ layers, selected: get("selected") < 0 ? -1 : Math.min(index, layers.length - 1) });
    draw();
    table.focus(Math.min(index, layers.length - 1));
  }
  function add() {
    const layers = [...get("layers")], at = get("selected") < 0 ? layers.length : get("selected") + 1;
    layers.splice(at, 0, { kind: kind.value, ...usual(kind.value) });
    change({ layers, selected: at });
  }

  const error = h("p", { class: "error", role: "alert" });
  const misfit = h("p", { class: "error" });
  const live = announcer();
  const editor = createEditor({ change, complain, move, remove });
  const table = createTable({ get, set, editor, move, remove });
  const shape = INPUT.map((name, i) =>
    numberField(name, 1, (size) => change({ input_shape: copyWith(get("input_shape"), [i], size) }), complain));
  const kind = select(Object.keys(LAYERS).map((name) => [name, name]), () => {});
  kind.setAttribute("aria-label", "Layer to add");
  const presets = select([...Object.keys(get("presets")), "edited"].map((name) => [name, name]), (name) => {
    change({ ...get("presets")[name], selected: -1 });
  });
  presets.options[presets.options.length - 1].disabled = true; // a state, not a choice
  const predictFirst = h("input", { type: "checkbox", change: () => {
    drawn = "";
    change({ predict: predictFirst.checked, score: [0, 0] });
  } });
  const predict = prediction({
    onnext: () => {
      [step, answered] = [step + 1, false];
      draw();
    },
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!answered) set({ score: [good + (right ? 1 : 0), asked + 1] });
      answered = true;
      draw();
    },
  });
  const codes = [codeBox("PyTorch code", true), codeBox("cnnlib code", false)];

  /** Asks for the current number; gives what of a row may be shown: its output, and the rest. */
  function ask(rows) {
    const list = get("predict") ? tasks(rows) : [];
    step = Math.min(step, Math.max(list.length - 1, 0));
    const task = list[step], open = list[step + answered];
    predict.element.hidden = !task;
    const explain = () => ({ slips: task.slips, otherwise: `Not that. ${HINTS[task.about]}` });
    if (task) predict.update({ key: `${step} ${drawn}`, question: task.question, explain, total: task.total,
      score: get("score"), known: answered && Boolean(open) });
    return (i) => ({
      output: !open || i < open.index || (i === open.index && open.about === "parameters"),
      rest: !open || i < open.index,
    });
  }
  function speak(rows) {
    const wrong = rows.findIndex((row) => row.error);
    const sentence = wrong >= 0
      ? `Layer ${wrong}. ${rows[wrong].error}`
      : `${written(rows.at(-1).output)} come out, ${grouped(sum(rows.map((row) => row.parameters)))} parameters`;
    misfit.textContent = wrong >= 0 ? sentence : "";
    if (spoken && spoken !== sentence && !get("predict")) live.textContent = sentence;
    spoken = sentence;
  }
  function draw() {
    const [layers, input] = [get("layers"), get("input_shape")];
    const data = JSON.stringify([layers, input]);
    if (data !== drawn) [step, answered] = [0, false];
    drawn = data;
    const rows = summarize(layers, input);
    const selected = Math.min(get("selected"), rows.length - 1);
    const shown = ask(rows);
    if (selected >= 0) editor.update(selected, layers, rows[selected], !shown(selected).rest);
    table.update(rows, selected, shown);
    shape.forEach((one, i) => one.show(input[i]));
    presets.value = Object.keys(get("presets")).find((name) =>
      JSON.stringify([get("presets")[name].layers, get("presets")[name].input_shape]) === data) ?? "edited";
    predictFirst.checked = get("predict");
    codes.forEach((box) => box.update(rows));
    codes.forEach((box) => (box.element.hidden = !shown(rows.length - 1).rest));
    speak(rows);
  }

  const root = h("div", { class: "cnn-widget builder", role: "group", "aria-label": "Architecture builder" },
    h("div", { class: "controls" }, field("Network", presets),
      h("label", { class: "tick" }, predictFirst, "Predict first"),
      h("button", { type: "button", click: () => change(initial) }, "Reset")),
    h("div", { class: "controls builder-input", role: "group", "aria-label": "Input" },
      h("span", {}, "Input"), shape.map((one) => one.element)),
    table.element, misfit, error,
    h("div", { class: "controls" }, kind, h("button", { type: "button", click: add }, "Add layer"),
      h("span", { class: "note" }, "Keys: arrows, Enter opens a layer, Alt with arrows moves it, Delete removes it.")),
    predict.element, codes.map((box) => box.element), live);
  return mount(el, root, model, draw);
}

export default { render };
