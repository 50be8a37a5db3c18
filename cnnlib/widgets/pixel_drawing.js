// Draw on a small image, and watch its array and its shape.
import { choice, trait } from "./shared/view/controls.js";
import { button, copyWith, followPointer, format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { table } from "./shared/math/lists.js";

const AXES = [["2", "(H, W)"], ["3", "(C, H, W)"], ["4", "(N, C, H, W)"]];
const INKS = [[9, "9, white"], [6, "6, light gray"], [3, "3, dark gray"], [0, "0, black"]];

/** Tells which cell a stroke is on: a press, then every cell that the pointer crosses until it is lifted. */
function strokes(element, onstroke) {
  let last = null;
  followPointer(element, () => (last = null), (event) => {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest(".number");
    if (!cell || cell === last || !element.contains(cell)) return;
    last = cell;
    onstroke(Number(cell.dataset.row), Number(cell.dataset.column));
  }, false);
}

/** The grid that is drawn on: dot(row, column, value) draws, point(row, column) looks there. */
function createDrawing(dot, point) {
  const drawing = grid({ label: "Drawing", tone: "gray", onselect: point }), { element } = drawing;
  element.querySelector("[role=grid]").removeAttribute("aria-readonly"); // drawn on, not typed into
  strokes(element, (row, column) => dot(row, column));
  element.addEventListener("keydown", (event) => {
    const cell = event.target.closest(".number");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey || !/^[\d ]$|^Enter$/.test(event.key)) return;
    event.preventDefault();
    dot(Number(cell.dataset.row), Number(cell.dataset.column), /\d/.test(event.key) ? Number(event.key) : undefined);
  });
  return { element, update: ({ image, row, column }) => drawing.update(image, {
    range: [0, 9], frame: oneCell(row, column), cell: (i, j) => ({ mark: i === row && j === column ? "current" : "" }) }) };
}

/** The array as Python prints it. */
function written(image, added) {
  const indent = " ".repeat(added + 1), widest = Math.max(...image.flat().map((value) => format(value).length));
  const lines = image.map((line) => `[${line.map((value) => format(value).padStart(widest)).join(" ")}]`);
  return `${"[".repeat(added + 1)}${lines.join(`\n${indent}`)}${"]".repeat(added + 1)}`;
}

/** The image as an array: its shape, where the chosen pixel stands in it, and all its numbers. */
function createArray({ set, draw, announce }) {
  const shapes = AXES.map(([axes, name]) => button(name, () => {
    set({ axes: Number(axes) });
    draw();
    announce(shape.querySelector("code").textContent);
  }, { "data-axes": axes }));
  const shape = h("p", { class: "shape" }), text = h("pre", { tabindex: 0, "aria-label": "The array" });
  const element = h("div", { class: "array" }, h("span", { class: "shapes", role: "group", "aria-label": "Axes" }, shapes), shape, text);
  return { element, update({ image, axes, row, column, value }) {
    for (const one of shapes) one.setAttribute("aria-pressed", Number(one.dataset.axes) === axes);
    const added = axes - 2, sizes = [...Array(added).fill(1), image.length, image[0].length];
    const names = ["image", "channel", "row", "column"].slice(4 - axes), index = [...Array(added).fill(0), row, column];
    shape.replaceChildren(h("code", {}, `x.shape == (${sizes.join(", ")})`), h("br"),
      h("strong", {}, h("code", {}, `x[${index.join(", ")}] == ${value}`)), " ",
      h("span", { class: "note" }, names.map((name, i) => `${name} ${index[i]}`).join(", ")));
    text.textContent = written(image, added);
  } };
}

function build(own) {
  const { get, set, draw } = own;
  let place = [0, 0];
  const point = (...to) => {
    place = to;
    draw();
  };
  const drawing = createDrawing((row, column, value = get("ink")) => {
    set({ image: copyWith(get("image"), [row, column], value) });
    point(row, column);
  }, point);
  function clear() {
    set({ image: table(get("image").length, get("image")[0].length, () => 0) });
    draw();
    own.announce("All numbers are 0.");
  }
  return {
    state() {
      const image = get("image"), [row, column] = image[place[0]]?.[place[1]] === undefined ? [0, 0] : place;
      return { image, axes: get("axes"), row, column, value: format(image[row][column]) };
    },
    parts: [group({ class: "stage" }, drawing, createArray(own)),
      group({ class: "controls" }, choice("Draw with", INKS, trait(own, "ink")),
        button("Clear", clear), own.reset,
        h("span", { class: "note" }, "Keys: arrows move, Space draws, 0 to 9 write a number."))],
    say: ({ row, column, value }) => `row ${row}, column ${column}: ${value}`,
  };
}

export default frame({ mark: "pixel-drawing", label: "Drawing and its array", kept: ["image", "axes", "ink"], build });
