// Draw on a small image, and watch its array and its shape.
import { announcer, copyWith, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { table } from "./shared/math/lists.js";

const AXES = [["2", "(H, W)"], ["3", "(C, H, W)"], ["4", "(N, C, H, W)"]];
const INKS = [[9, "9, white"], [6, "6, light gray"], [3, "3, dark gray"], [0, "0, black"]];

/** Tells which cell a stroke is on: a press, then every cell that the pointer crosses until it is lifted. */
function strokes(element, onstroke) {
  let drawing = false, last = null;
  const stroke = (event) => {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest(".number");
    if (!cell || cell === last || !element.contains(cell)) return;
    last = cell;
    onstroke(Number(cell.dataset.row), Number(cell.dataset.column));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drawing = true;
    last = null;
    event.target.releasePointerCapture?.(event.pointerId); // a finger is captured by where it began
    stroke(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (!event.buttons) drawing = false; // lifted outside
    if (drawing) stroke(event);
  });
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = { image: get("image"), axes: get("axes"), ink: get("ink") };
  let place = [0, 0];

  const live = announcer();
  const drawing = grid({ label: "Drawing", tone: "gray", onselect: (row, column) => {
    place = [row, column];
    draw();
  } });
  drawing.element.querySelector("[role=grid]").removeAttribute("aria-readonly"); // drawn on, not typed into

  function dot(row, column, value = get("ink")) {
    place = [row, column];
    set({ image: copyWith(get("image"), place, value) });
    draw();
  }
  strokes(drawing.element, (row, column) => dot(row, column));
  drawing.element.addEventListener("keydown", (event) => {
    const cell = event.target.closest(".number");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey || !/^[\d ]$|^Enter$/.test(event.key)) return;
    event.preventDefault();
    dot(Number(cell.dataset.row), Number(cell.dataset.column), /\d/.test(event.key) ? Number(event.key) : get("ink"));
  });

  const ink = select(INKS, (value) => set({ ink: Number(value) }));
  const shapes = h("span", { class: "shapes", role: "group", "aria-label": "Axes" },
    AXES.map(([axes, name]) => h("button", { type: "button", "data-axes": axes, click: () => set({ axes: Number(axes) }) }, name)));
  const shape = h("p", { class: "shape" });
  const text = h("pre", { tabindex: 0, "aria-label": "The array" });
  const empty = () => set({ image: table(get("image").length, get("image")[0].length, () => 0) });

  function draw() {
    const image = get("image");
    if (image[place[0]]?.[place[1]] === undefined) place = [0, 0];
    const [row, column] = place, axes = get("axes"), added = axes - 2;
    const value = format(image[row][column]);
    drawing.update(image, {
      range: [0, 9],
      frame: { row, column, rows: 1, columns: 1 },
      cell: (i, j) => ({ mark: i === row && j === column ? "current" : "" }),
    });
    if (!drawing.element.contains(document.activeElement)) drawing.activate(row, column);
    for (const button of shapes.children) button.setAttribute("aria-pressed", Number(button.dataset.axes) === axes);
    if (![...ink.options].some((option) => Number(option.value) === get("ink")))
      ink.append(h("option", { value: get("ink") }, String(get("ink"))));
    ink.value = get("ink");

    const sizes = [...Array(added).fill(1), image.length, image[0].length];
    const names = ["image", "channel", "row", "column"].slice(4 - axes);
    const index = [...Array(added).fill(0), row, column];
    shape.replaceChildren(h("code", {}, `x.shape == (${sizes.join(", ")})`), h("br"),
      h("strong", {}, h("code", {}, `x[${index.join(", ")}] == ${value}`)), " ",
      h("span", { class: "note" }, names.map((name, i) => `${name} ${index[i]}`).join(", ")));
    text.textContent = written(image, added);
    speak(`row ${row}, column ${column}: ${value}`);
  }

  /** The array as Python prints it. */
  function written(image, added) {
    const indent = " ".repeat(added + 1);
    const lines = image.map((line) => `[${line.map((value) => format(value).padStart(widest(image))).join(" ")}]`);
    return `${"[".repeat(added + 1)}${lines.join(`\n${indent}`)}${"]".repeat(added + 1)}`;
  }
  const widest = (image) => Math.max(...image.flat().map((value) => format(value).length));

  const speak = speaker(live);
  const root = h("div", { class: "cnn-widget pixel-drawing", role: "group", "aria-label": "Drawing and its array" },
    h("div", { class: "stage" }, drawing.element, h("div", { class: "array" }, shapes, shape, text)),
    h("div", { class: "controls" }, field("Draw with", ink), h("button", { type: "button", click: empty }, "Clear"),
      h("button", { type: "button", click: () => set(initial) }, "Reset"),
      h("span", { class: "note" }, "Keys: arrows move, Space draws, 0 to 9 write a number.")), live);
  return mount(el, root, model, draw);
}

export default { render };
