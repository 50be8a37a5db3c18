// What the widgets of pooling share in the page: refusals, the look of a window, notes, and controls.
import { choice, same, sizes, tick, trait, upTo } from "./controls.js";
import { h } from "./dom.js";
import { countedCells, kindAt, poolGeometry } from "../math/cells.js";
import { pair, skipped } from "../math/shapes.js";

/** The traits that say how a map is pooled. */
export const POOLING = ["mode", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad"];
export const poolingOf = (get) => Object.fromEntries(POOLING.map((name) => [name, get(name)]));

/** The traits for another mode: an average has no dilation. */
export const inMode = (mode) => (mode === "max" ? { mode } : { mode, dilation: 1 });

/** Why torch would refuse this, or "". */
export function poolingProblem(image, options) {
  const shape = poolGeometry(image, options);
  if (options.mode === "average" && pair(options.dilation).some((step) => step > 1)) return "An average has no dilation.";
  for (const [i, [name, side]] of Object.entries(shape).entries()) {
    const padding = pair(options.padding)[i], half = Math.floor(side.kernel / 2);
    if (padding > half)
      return `Padding ${padding} is more than half of a window of ${side.kernel}: at most ${half} is allowed.`;
    if (side.output < 1)
      return `The window spans ${side.extent} ${name}, but the map has ${side.size + 2 * padding}`
        + `${padding ? " with its padding" : ""}.`;
  }
  return "";
}

const countOf = (cells, ...kinds) => cells.filter(({ kind }) => kinds.includes(kind)).length;

/** What a mean may wrongly be divided by, and what to say then. */
export const MISCOUNTS = [
  [(cells) => countOf(cells, "pixel"), "The padding's zeros count too: count_include_pad is on."],
  [(cells) => countOf(cells, "pixel", "padding"), "The padding's zeros do not count: divide by the pixels alone."],
  [(cells) => (countOf(cells, "pixel", "padding") < cells.length ? cells.length : NaN), "What lies past the end never counts: divide by fewer."],
];

/** The rings of a map's grid, and the frame around the window at (i, j). */
export const ringsOf = ({ rows, columns }) =>
  ({ top: rows.before, bottom: rows.after, left: columns.before, right: columns.after });
export const frameOf = ({ rows, columns }, i, j) => ({ row: i * rows.stride - rows.before,
  column: j * columns.stride - columns.before, rows: rows.extent, columns: columns.extent });

/** How the cells of a window are marked when dilation leaves gaps between them, and those around the map. */
export function markOf(shape, cells, row, column) {
  const dilated = shape.rows.dilation * shape.columns.dilation > 1;
  const read = dilated && cells.some((cell) => cell.row === row && cell.column === column);
  const kind = kindAt(shape, row, column);
  return `${kind === "pixel" ? "" : kind} ${read ? "read" : ""}`;
}

/** A cell of the map, as grid() takes it: what padding stands for, who won, and what no window reads. */
export function mapCell(shape, cells, winner, { mode, count_include_pad: zeros }, row, column) {
  const { rows, columns } = shape;
  const mark = markOf(shape, cells, row, column), kind = kindAt(shape, row, column);
  if (kind !== "pixel") return { mark, text: kind === "beyond" ? "" : mode === "max" ? "−∞" : zeros ? "0" : "" };
  const unread = skipped(rows).includes(row + rows.before) || skipped(columns).includes(column + columns.before);
  const won = winner?.row === row && winner.column === column;
  return { mark: `${mark} ${unread ? "skipped" : ""} ${won ? "winner" : ""}`, note: won ? "★" : "" };
}

/** What must be said about ties, padding and cells past the end; the winner of a maximum, if it may be told. */
export function windowNotes(cells, options, winner) {
  const [beyond, padding] = [countOf(cells, "beyond"), countOf(cells, "padding")];
  const equals = countedCells(cells, options).filter(({ value }) => value === winner?.value).length;
  return [
    equals > 1 && `${equals} are equally large; the first of them, row by row, is marked, as in torch.`,
    beyond && `${beyond} of ${cells.length} cells lie past the end and do not count.`,
    padding && options.mode === "average" && !options.count_include_pad
      && `${padding} ${padding === 1 ? "cell of padding does" : "cells of padding do"} not count.`,
  ].filter(Boolean);
}
export const noteBelow = (text) => h("div", { class: "note" }, text);

/** One side's size with its numbers; ceil_mode rounds up, unless the last window would begin past the end. */
function sized(name, side, ceil) {
  const up = Math.ceil((side.size + 2 * side.before - side.extent) / side.stride) + 1;
  const [open, close] = ceil ? ["⌈", "⌉"] : ["⌊", "⌋"];
  const room = `(${side.size} + 2·${side.before} − ${side.dilation}·(${side.kernel} − 1) − 1) / ${side.stride}`;
  const dropped = ceil && up > side.output ? `${up}, less one that would begin past the end = ` : "";
  return h("span", {}, `${name}: ${open}${room}${close} + 1 = ${dropped}${side.output}`);
}

/**
 * Controls of a pooling: `window` and `stride`, then what is changed less often, `options` and `size`,
 * and the `formula` of the output's size. change(traits) sets what a reader chose, resize(rows, columns)
 * the map; it has at most `largest` of each.
 */
export function poolingControls(own, { change, resize, largest }) {
  const { get } = own, whole = "whole map";
  const size = () => [get("image").length, get("image")[0].length];
  const kernel = choice("Window", [...upTo(5), [whole, whole]], {
    read: () => (same(get("kernel_size"), size()) ? whole : get("kernel_size")),
    write: (value) => change(value === whole ? { kernel_size: size(), padding: 0, dilation: 1 } : { kernel_size: value }),
  });
  const [stride, padding, dilation] = [["Stride", upTo(4)], ["Padding", upTo(2, 0)], ["Dilation", upTo(3)]].map(
    ([label, options]) => choice(label, options, trait(own, label.toLowerCase(), change)));
  const [ceil, zeros] = ["ceil_mode", "count_include_pad"].map((name) => tick(name, trait(own, name, change)));
  const hides = (part, mode) => ({ ...part, update() {
    part.update();
    part.element.hidden = get("mode") === mode;
  } });
  const formula = h("p", { class: "formula" });
  return {
    window: kernel, stride, options: [padding, hides(dilation, "average"), ceil, hides(zeros, "max")],
    size: sizes("Map", largest, { read: size, write: (sides) => resize(...sides) }),
    formula: { element: formula, update: ({ shape }) => formula.replaceChildren(
      ...Object.entries(shape).map(([name, side]) => sized(name, side, get("ceil_mode")))) },
  };
}
