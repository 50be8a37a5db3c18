// How many windows fit into a row: every position drawn, with the formula in numbers.
import { tick, trait } from "./shared/view/controls.js";
import { button, format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { axis, skipped } from "./shared/math/shapes.js";
import { player } from "./shared/view/player.js";
import { predictFirst } from "./shared/view/predict.js";

const LONGEST = 64;
const SLIDERS = [
  ["size", "n", "cells", 1, 32],
  ["kernel_size", "k", "kernel", 1, 11],
  ["stride", "s", "stride", 1, 8],
  ["padding", "p", "padding", 0, 10],
  ["dilation", "d", "dilation", 1, 4],
];
const NAMES = [...SLIDERS.map(([name]) => name), "ceil_mode"];

const indices = (count) => Array.from({ length: count }, (_, i) => i);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** The windows of a row, and what is left of it. */
function layout({ size, kernel_size, stride, padding, dilation, ceil_mode }) {
  const row = axis(size, kernel_size, stride, padding, dilation, ceil_mode);
  const given = axis(size, kernel_size, stride, padding, dilation); // the padding without what ceil_mode adds
  const room = given.padded - row.extent;
  return {
    ...row,
    given,
    room, // how far the first window can be pushed
    rest: room % stride,
    left: row.padded - (row.output - 1) * stride - row.extent,
    next: row.output * stride, // where one window more would begin
    reads: (window) => indices(kernel_size).map((a) => window * stride + a * dilation),
  };
}

/** Why the numbers make no row of windows, or "". */
function fault(traits, row) {
  if (traits.padding === "same" && traits.stride > 1)
    return "Padding “same” keeps the size, so it needs stride 1.";
  if (row.output < 1)
    return `The kernel spans ${plural(row.extent, "cell")}${row.dilation > 1 ? ` with dilation ${row.dilation}` : ""},`
      + ` but the row has ${row.padded}${row.padded > row.size ? " with its padding" : ""}.`;
  if (row.padded > LONGEST) return `With its padding the row has ${row.padded} cells; ${LONGEST} can be drawn.`;
  return "";
}

/** The formula with the numbers in it, step by step. */
function formula(traits, row) {
  const [open, close, round] = traits.ceil_mode ? ["⌈", "⌉", Math.ceil] : ["⌊", "⌋", Math.floor];
  const { before, after } = row.given;
  const inside = `(${row.size} + ${before} + ${after} − ${row.dilation}·(${row.kernel} − 1) − 1) / ${row.stride}`;
  const quotient = row.room / row.stride;
  const rounded = round(quotient) + 0;
  const steps = [inside, `${format(row.room)} / ${row.stride}`].map((part) => `${open}${part}${close} + 1`);
  if (rounded !== quotient) steps.push(`${open}${format(quotient, 2)}${close} + 1`);
  steps.push(`${format(rounded)} + 1`);
  if (rounded + 1 !== row.output) steps.push(`${rounded + 1} − 1 that would begin in the padding after the row`);
  return { steps, result: String(row.output) };
}

/** What the usual slips make of the number of windows. */
function explain(traits, row) {
  const { size, stride, kernel_size: kernel } = traits;
  const { before, after } = row.given;
  const count = (padded, extent, step = stride) => Math.floor((padded - extent) / step) + 1;
  const padded = row.given.padded;
  const slips = [
    [row.output - 1, "One more: the window also stands at the very start, before the first step."],
    [count(size, row.extent), "The padding is missing: it makes the row longer."],
    [count(size + before, row.extent), `The padding stands on both sides: ${before} before and ${after} after.`],
    [count(padded, kernel), `The dilation spreads the kernel over ${plural(row.extent, "cell")}.`],
    [count(padded, row.extent, 1), "That is for stride 1. Here the window skips positions."],
    [row.room / stride + 1, "A part of a window is no window: round down."],
    [row.output + 1, traits.ceil_mode ? "One less." : "One less: the last of these would reach past the end."],
  ];
  return { slips, otherwise: "Not that. Push the window from the start in steps of the stride, and count where it stands." };
}

/** The row of cells, and under it one line for each window. */
function createPicture(onselect) {
  const cells = h("div", { class: "output-size-cells" });
  const frame = h("div", { class: "output-size-frame" });
  const lines = h("div", { class: "output-size-lines", click: (event) => {
    const line = event.target.closest("[data-window]");
    if (line) onselect(Number(line.dataset.window));
  } });
  const element = h("div", { class: "output-size-picture", "aria-hidden": "true" },
    h("div", { class: "output-size-top" }, cells, frame), lines);
  let drawn = "";

  const span = (node, start, length) => {
    node.style.setProperty("--start", start);
    node.style.setProperty("--length", length);
    return node;
  };
  function line(row, window, kind) {
    const marks = row.reads(window).map((cell) => span(h("i", {}), cell, 1));
    const reach = span(h("b", {}), window * row.stride, row.extent);
    return h("div", { class: `output-size-line ${kind}`, "data-window": kind ? null : window },
      h("span", {}, kind ? "✗" : String(window)), h("div", { class: "output-size-track" }, reach, marks));
  }
  function build(row, hidden) {
    const beyond = row.rest && row.next < row.padded ? row.next + row.extent : 0;
    element.style.setProperty("--count", Math.max(row.padded, hidden ? 0 : beyond));
    element.classList.toggle("long", row.padded > 18);
    element.classList.toggle("longest", row.padded > 30);
    const lost = hidden ? [] : skipped(row);
    cells.replaceChildren(...indices(row.padded).map((i) => {
      const inside = i >= row.before && i < row.before + row.size;
      return span(h("span", { class: `${inside ? "" : "padding"} ${lost.includes(i) ? "skipped" : ""}` },
        inside ? String(i - row.before) : "0"), i, 1);
    }));
    lines.replaceChildren(...(hidden ? [] : indices(row.output).map((window) => line(row, window, ""))),
      ...(beyond && !hidden ? [line(row, row.output, "outside")] : []));
  }
  return {
    element,
    update({ row, position: window, hidden }) {
      const key = JSON.stringify([row, hidden]);
      if (key !== drawn) build(row, hidden);
      drawn = key;
      const read = new Set(row.reads(window));
      [...cells.children].forEach((cell, i) => cell.classList.toggle("read", read.has(i)));
      for (const one of lines.children) one.classList.toggle("current", one.dataset.window === String(window));
      span(frame, window * row.stride, row.extent);
    },
  };
}

/** Sliders, the words for padding, ceil_mode, predict first, reset. */
function createControls(own, change, ask) {
  const sliders = SLIDERS.map(([name, letter, word, min, max]) => {
    const range = h("input", { type: "range", min, max, "aria-label": `${word} ${letter}`,
      input: () => change({ [name]: Number(range.value) }) });
    const value = h("b", {});
    return { element: h("label", { class: "output-size-slider" }, h("span", {}, `${word} `, h("i", {}, letter)), range, value),
      update({ traits, row: { given } }) {
        const padding = name === "padding", shown = padding ? given.before : traits[name];
        range.max = Math.max(max, shown);
        range.value = shown;
        value.textContent = padding && given.before !== given.after ? `${given.before} + ${given.after}` : String(shown);
        range.setAttribute("aria-valuetext", value.textContent);
      } };
  });
  const words = [["valid", () => 0], ["same", () => "same"], ["full", (row) => row.extent - 1]].map(([word, paddingOf]) => {
    let padding = 0;
    const element = button(word, () => change({ padding }));
    return { element, update({ row }) {
      padding = paddingOf(row);
      const { before, after } = axis(row.size, row.kernel, 1, padding, row.dilation);
      const fits = padding !== "same" || row.stride === 1;
      element.setAttribute("aria-pressed", fits && before === row.given.before && after === row.given.after);
    } };
  });
  const padding = { ...group({}, words), element: h("span", { class: "field", role: "group", "aria-label": "Padding" }, h("span", {}, "padding"), words) };
  return group({}, group({ class: "output-size-sliders" }, sliders),
    group({ class: "controls" }, padding, tick("ceil_mode (pooling only)", trait(own, "ceil_mode", change)), ask.tick, own.reset));
}

/** What the picture shows, in words. */
function facts(row) {
  const inside = skipped(row).map((i) => i - row.before).filter((i) => i >= 0 && i < row.size);
  const beyond = row.after - row.given.after;
  const left = `Left over after the last window: ${plural(row.left, "cell")}.`;
  const list = [row.left ? left : "Nothing is left over."];
  if (inside.length) list.push(`Never read: ${plural(inside.length, "cell")} (${inside.join(", ")}).`);
  if (beyond) list.push(`ceil_mode lets the last window reach ${plural(beyond, "cell")} past the end.`);
  else if (row.rest && row.next < row.padded)
    list.push(`One window more would reach ${plural(row.next + row.extent - row.padded, "cell")} past the end.`);
  return list.join(" ");
}

/** What a window reads, in words. */
function reading(row, window) {
  const read = row.reads(window).map((i) => i - row.before);
  const cells = read.filter((i) => i >= 0 && i < row.size);
  const zeros = read.length - cells.length;
  const named = `cell${cells.length > 1 ? "s" : ""} ${cells.join(", ")}`;
  const parts = [zeros && plural(zeros, "zero"), cells.length && named];
  return `Window ${window} reads ${parts.filter(Boolean).join(" and ")}.`;
}

/** Numbers for a new question. */
function newQuestion(ceil_mode) {
  const pick = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
  for (;;) {
    const traits = { size: pick(5, 16), kernel_size: pick(2, 5), stride: pick(1, 4), padding: pick(0, 2),
      dilation: pick(1, 4) < 4 ? 1 : 2, ceil_mode };
    if (layout(traits).output > 0) return traits;
  }
}

function build(own) {
  const { get, set, complain, draw } = own;
  const geometryNow = () => Object.fromEntries(NAMES.map((name) => [name, get(name)]));
  const position = () => Math.min(get("position"), layout(geometryNow()).output - 1);
  /** Sets what a reader changed, unless no window would fit any more. */
  function change(traits) {
    const all = { ...geometryNow(), ...traits }, row = layout(all), message = fault(all, row);
    if (!message) {
      bar.pause();
      set({ position: Math.min(position(), row.output - 1), ...traits });
    }
    complain(message);
    draw();
  }
  const picture = createPicture((window) => {
    bar.pause();
    set({ position: window });
  });
  const sentence = h("p", { class: "output-size-window" }), steps = h("p", { class: "output-size-formula" }), notes = h("p", { class: "note" });
  const words = { element: steps, update({ traits, row, where, hidden }) {
    sentence.textContent = where;
    const { steps: list, result } = formula(traits, row);
    steps.replaceChildren(...(hidden ? [list[0], " = ", h("strong", {}, "?")]
      : [...list.flatMap((step) => [h("span", {}, step), " = "]), h("strong", {}, result)]));
    notes.textContent = hidden ? "" : facts(row);
    bar.element.hidden = hidden;
  } };
  const bar = player(own, "Window");
  const ask = predictFirst(own, { start: () => ({ position: 0 }), next: () => change({ ...newQuestion(get("ceil_mode")), position: 0 }) });
  return {
    bar,
    state() {
      const traits = geometryNow(), row = layout(traits), hidden = ask.hidden("count"), window = hidden ? 0 : position();
      return { traits, row, hidden, position: window, count: row.output, where: reading(row, window),
        task: { key: "count", question: "How many windows fit?", total: row.output, explain: () => explain(traits, row) } };
    },
    parts: [createControls(own, change, ask), own.error, picture, words, notes, sentence, bar, ask],
    say: ({ hidden, row, where }) => (bar.saysWhere ? undefined : `${hidden ? "" : `${plural(row.output, "window")}. `}${where}`),
  };
}

export default frame({ mark: "output-size", label: "Output size", data: NAMES, kept: ["position"], problem: (traits) => fault(traits, layout(traits)), build });
