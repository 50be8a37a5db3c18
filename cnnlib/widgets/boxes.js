// Boxes on a grid of cells: two of them counted cell by cell, and suppression of all of them in steps.
import { intersection, overlap, suppression } from "./shared/math/boxes.js";
import { table } from "./shared/math/lists.js";
import { copyWith, format, h } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { player } from "./shared/view/player.js";

const KEYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const LETTERS = "ABCDEF";
const SIDE = 14; // cells of a side, at most
const NAMES = ["x1", "y1", "x2", "y2"];
const inside = ([x1, y1, x2, y2], row, column) => x1 <= column && column < x2 && y1 <= row && row < y2;
const within = (value, low, high) => Math.min(Math.max(value, low), high);
const names = (indices) => indices.map((i) => LETTERS[i]).join(", ") || "none";

/** A box moved by whole cells, as far as the grid reaches; or, with its lower right corner held, made larger. */
function moved([x1, y1, x2, y2], [across, down], sized, [rows, columns]) {
  if (sized) return [x1, y1, within(x2 + across, x1 + 1, columns), within(y2 + down, y1 + 1, rows)];
  const [right, below] = [within(across, -x1, columns - x2), within(down, -y1, rows - y2)];
  return [x1 + right, y1 + below, x2 + right, y2 + below];
}

/** The cells of two boxes that are compared, those of both counted first. */
function createCells() {
  const element = h("div", { class: "cells", "aria-hidden": "true" });
  let shown = "";
  return { element, update({ shape: [rows, columns], pair, boxes }) {
    if (shown !== `${rows},${columns}`) element.replaceChildren(...Array.from({ length: rows * columns }, () => h("span")));
    shown = `${rows},${columns}`;
    const sides = table(rows, columns, (i, j) => pair.map((n) => inside(boxes[n], i, j))).flat();
    const both = sides.filter(([a, b]) => a && b).length, counts = [0, both];
    sides.forEach(([a, b], at) => {
      const cell = element.children[at], kind = a && b ? "both" : a ? "first" : b ? "second" : "";
      cell.className = kind;
      cell.textContent = kind && pair.length > 1 ? (counts[a && b ? 0 : 1] += 1) : "";
    });
  } };
}

/** A box that a pointer or the arrow keys move; its corner makes it larger. */
function createBox(own, index) {
  const { get, set, pause } = own;
  const corner = h("span", { class: "corner" }), letter = h("span", { class: "letter" }, LETTERS[index]);
  const element = h("button", { type: "button", class: "box" }, letter, corner);
  let from = null;
  const write = (box) => JSON.stringify(box) !== JSON.stringify(get("boxes")[index]) && set({ boxes: copyWith(get("boxes"), [index], box) });
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, y: event.clientY, box: get("boxes")[index], sized: event.target === corner };
    element.setPointerCapture(event.pointerId);
    pause();
  });
  element.addEventListener("pointermove", (event) => {
    if (!event.buttons) from = null;
    if (!from) return;
    const pitch = element.parentElement.getBoundingClientRect().width / get("shape")[1];
    write(moved(from.box, [event.clientX - from.x, event.clientY - from.y].map((far) => Math.round(far / pitch)), from.sized, get("shape")));
  });
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => (from = null));
  element.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pause();
    write(moved(get("boxes")[index], KEYS[event.key], event.shiftKey, get("shape")));
  });
  return { element, update({ boxes, shape: [rows, columns], pair, step, scores }) {
    const [x1, y1, x2, y2] = boxes[index], score = scores.length ? `, score ${format(scores[index])}` : "";
    Object.assign(element.style, { left: `${(100 * x1) / columns}%`, top: `${(100 * y1) / rows}%`,
      width: `${(100 * (x2 - x1)) / columns}%`, height: `${(100 * (y2 - y1)) / rows}%`,
      zIndex: rows * columns - (x2 - x1) * (y2 - y1) }); // one inside another can be reached
    const [fate, said] = step?.gone.includes(index) ? ["gone", ", dropped"] : step?.kept.includes(index) ? ["kept", ", kept"] : ["", ""];
    element.className = `box ${["first", "second"][pair.indexOf(index)] ?? ""} ${fate}`;
    element.setAttribute("aria-label", `Box ${LETTERS[index]}: x ${x1} to ${x2}, y ${y1} to ${y2}${score}${said}. Arrows move it, with Shift they move its corner.`);
  } };
}

/** The grid of cells with the boxes over it. */
function createBoard(own) {
  const cells = createCells(), boxes = own.get("boxes").map((_, index) => createBox(own, index));
  const element = h("div", { class: "board" }, cells, boxes);
  return { element, update(now) {
    const [rows, columns] = now.shape;
    element.style.setProperty("--rows", rows);
    element.style.setProperty("--columns", columns);
    cells.update(now);
    boxes.forEach((box) => box.update(now));
  } };
}

/** Why a number cannot stand in the table; nothing when it can. */
function problemOf(box, column, value, [rows, columns]) {
  if (column === 4) return value >= 0 && value <= 1 ? "" : `A score is ${format(value)}; it is a number from 0 to 1.`;
  const [x1, y1, x2, y2] = copyWith(box, [column], value), ordered = x1 >= 0 && y1 >= 0 && x1 < x2 && y1 < y2;
  return Number.isInteger(value) && ordered && x2 <= columns && y2 <= rows ? ""
    : `${NAMES[column]} is ${format(value)}; edges are whole numbers, x1 < x2 up to ${columns} and y1 < y2 up to ${rows}.`;
}

/** Why these cannot be shown together, or "". */
function problem({ boxes, scores, iou_threshold, shape }) {
  const isSide = (side) => side >= 2 && side <= SIDE, count = scores.length ? [2, LETTERS.length] : [2, 2];
  if (!shape.every(isSide)) return `The grid has ${shape.join(" and ")} rows and columns; 2 to ${SIDE} can be drawn.`;
  if (boxes.length < count[0] || boxes.length > count[1] || boxes[0].length !== 4) return `${count[0] === count[1] ? 2 : `2 to ${count[1]}`} boxes of four numbers can be drawn.`;
  if (scores.length && scores.length !== boxes.length) return "There is not one score for each box.";
  const rows = boxes.map((box, i) => [...box, scores[i] ?? 0]);
  const faults = rows.flatMap((row) => row.map((value, column) => problemOf(row, column, value, shape))).filter(Boolean);
  return faults[0] ?? (iou_threshold >= 0 && iou_threshold <= 1 ? "" : `The threshold is ${format(iou_threshold)}; it is a number from 0 to 1.`);
}

/** The corners of all boxes and their scores, to be typed. */
function createTable({ get, set, announce, complain }) {
  function edit(row, column, value) {
    const problem = problemOf(get("boxes")[row], column, value, get("shape"));
    complain(problem);
    if (!problem) set(column === 4 ? { scores: copyWith(get("scores"), [row], value) } : { boxes: copyWith(get("boxes"), [row, column], value) });
  }
  // What is no box is still said when the cell is left, which takes back what cannot be read.
  const choose = (row, column) => announce(`Box ${LETTERS[row]}, ${heads[column]}: ${format(column === 4 ? get("scores")[row] : get("boxes")[row][column])}`);
  const numbers = grid({ label: "Boxes", tone: "signed", counted: false, onedit: edit, onselect: choose, onerror: (sentence) => sentence && complain(sentence) });
  const heads = get("scores").length ? [...NAMES, "score"] : NAMES;
  const element = h("div", { class: "corners", style: `--count: ${heads.length}` }, h("div", { class: "heads", "aria-hidden": "true" }, heads.map((name) => h("span", {}, name))),
    h("div", { class: "letters", "aria-hidden": "true" }, get("boxes").map((_, i) => h("span", {}, LETTERS[i]))), numbers);
  return { element, update: ({ boxes, scores, step }) => numbers.update(boxes.map((box, i) => [...box, ...scores.slice(i, i + 1)]),
    { scale: [[Infinity]], cell: (row, column) => ({ mark: step?.gone.includes(row) ? "later" : "", ...(column === 4 ? { text: format(scores[row], 2) } : {}) }) }) };
}

/** Two boxes counted: their areas, what both have, what either has. */
function countOf([a, b], boxes) {
  const { first, second, both, either, iou } = overlap(boxes[a], boxes[b]);
  const product = (box) => `${box[2] - box[0]}·${box[3] - box[1]}`, common = intersection(boxes[a], boxes[b]);
  return {
    words: `${LETTERS[a]}: ${product(boxes[a])} = ${first} cells. ${LETTERS[b]}: ${product(boxes[b])} = ${second}. Both: ${both ? `${product(common)} = ${both}` : 0}. `
      + `Either: ${first} + ${second} − ${both} = ${either}.`,
    result: `IoU = ${both}/${either} = ${format(iou)}.`,
  };
}

/** What a step of suppression does. */
function verdictOf({ best, other, dropped, kept, gone }, scores, threshold) {
  if (best === undefined) return `Nothing is left. Kept: ${names(kept)}. Dropped: ${names(gone)}.`;
  if (other === undefined) return `${LETTERS[best]} has the highest score of those left, ${format(scores[best])}: it is kept.`;
  return `${dropped ? "Above" : "Not above"} ${format(threshold)}: ${LETTERS[other]} ${dropped ? "is dropped" : "stays for now"}.`;
}

/** All that is drawn: two boxes compared, or a step of suppression. */
function stateOf(get) {
  const [boxes, scores, threshold, shape] = ["boxes", "scores", "iou_threshold", "shape"].map(get), all = { boxes, scores, threshold, shape };
  if (!scores.length) return { ...all, pair: [0, 1], counted: countOf([0, 1], boxes), verdict: "" };
  const steps = suppression(boxes, scores, threshold), position = Math.min(get("position"), steps.length - 1), step = steps[position];
  const pair = [step.best, step.other].filter((one) => one !== undefined), verdict = verdictOf(step, scores, threshold);
  return { ...all, step, pair, counted: pair.length > 1 ? countOf(pair, boxes) : null, verdict, position, count: steps.length, where: verdict };
}

function createWords() {
  const element = h("div", { class: "sum" });
  return { element, update({ counted, verdict }) {
    const lines = counted ? [[counted.words], [h("strong", {}, counted.result), ` ${verdict}`]] : [[verdict]];
    element.replaceChildren(...lines.map((line) => h("p", {}, line)));
  } };
}

/** The threshold: a slider and what it is. */
function createSlider({ set }) {
  const slider = h("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "IoU threshold", input: () => set({ iou_threshold: Number(slider.value) }) });
  const shown = h("span", { class: "threshold" });
  return { element: h("span", { class: "field slide" }, h("span", {}, "IoU threshold"), slider, shown), update({ threshold }) {
    slider.value = threshold;
    shown.textContent = format(threshold);
  } };
}

function build(own) {
  const suppresses = own.get("scores").length > 0, bar = suppresses ? player(own, "Step of suppression") : null;
  const note = "Drag a box, or its lower right corner. Cells of both boxes are counted first, then those of one alone.";
  return {
    bar, state: () => stateOf(own.get),
    parts: [group({ class: "stage" }, createBoard(own), createTable(own)), h("p", { class: "note" }, note), dock(createWords(), bar), own.error,
      group({ class: "controls" }, suppresses ? createSlider(own) : null, own.reset)],
    say: ({ counted, verdict }) => [counted?.words, counted?.result, verdict].filter(Boolean).join(" "),
  };
}

export default frame({ mark: "boxes", label: "Boxes", data: ["boxes", "scores", "shape"], kept: ["iou_threshold", "position"], problem, build });
