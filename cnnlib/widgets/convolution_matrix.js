// A convolution as one matrix, and its way back as the transpose.
import { tick, trait } from "./shared/view/controls.js";
import { copyWith, factor, format, h } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { sum, table } from "./shared/math/lists.js";
import { player } from "./shared/view/player.js";

const LARGEST = 36; // pixels
const sizeOf = (plane) => [plane.length, plane[0].length];
const spot = ([row, column]) => `row ${row}, column ${column}`;
/** Row and column of a number that is counted row by row, and back. */
const placeOf = (index, [, columns]) => [Math.floor(index / columns), index % columns];
const indexOf = ([row, column], [, columns]) => row * columns + column;
const isInside = ([row, column], [rows, columns]) => row >= 0 && row < rows && column >= 0 && column < columns;

/** Where in the kernel the number stands that a pixel is multiplied by for an output, or null. */
function tie(output, pixel, { x, k, y }) {
  const [[i, j], [row, column]] = [placeOf(output, y), placeOf(pixel, x)], place = [row - i, column - j];
  return isInside(place, k) ? place : null;
}

/** Why these cannot be shown together, or "". */
function problem({ image, kernel, grad_output }) {
  if (image.flat().length > LARGEST) return `The image has ${image.flat().length} pixels; ${LARGEST} can be drawn.`;
  const [x, k, y] = [image, kernel, grad_output].map(sizeOf);
  return y.every((size, i) => size === x[i] - k[i] + 1) ? "" : "The gradient is not of the map’s size.";
}

/** All that is drawn; `at` is the chosen entry in the matrix as it stands there. */
function stateOf(get, pointed) {
  const [image, kernel, grad, transposed] = ["image", "kernel", "grad_output", "transposed"].map(get);
  const sizes = { x: sizeOf(image), k: sizeOf(kernel), y: sizeOf(grad) };
  const [pixels, outputs] = [image.flat(), grad.flat()];
  const chosen = pointed ?? { output: get("output"), pixel: get("pixel") };
  const [output, pixel] = [Math.min(chosen.output, outputs.length - 1), Math.min(chosen.pixel, pixels.length - 1)];
  const [vector, rows] = transposed ? [outputs, pixels.length] : [pixels, outputs.length];
  const ties = table(rows, vector.length, (r, c) => (transposed ? tie(c, r, sizes) : tie(r, c, sizes)));
  const matrix = ties.map((line) => line.map((place) => (place ? kernel[place[0]][place[1]] : 0)));
  const product = matrix.map((line) => sum(line.map((weight, c) => weight * vector[c])));
  const at = transposed ? [pixel, output] : [output, pixel], [row, column] = at;
  const terms = ties[row].flatMap((place, c) => (place ? [{ c, weight: matrix[row][c], value: vector[c] }] : []));
  const result = table(...(transposed ? sizes.x : sizes.y), (r, c) => product[indexOf([r, c], transposed ? sizes.x : sizes.y)]);
  return { image, kernel, grad, transposed, sizes, output, pixel, ties, matrix, at, terms, result, total: product[row], place: ties[row][column],
    pointed, position: row, count: rows, where: `row ${row}` };
}

/** What stands at the chosen entry, in words. */
function entryIn({ sizes, output, pixel, place, kernel, at, transposed }) {
  const [number, dot] = [placeOf(output, sizes.y), placeOf(pixel, sizes.x)].map(spot);
  const line = `${transposed ? "Transpose, row" : "Row"} ${at[0]}, column ${at[1]}: `;
  if (!place) return `${line}0. The window of the map's ${number} does not reach the pixel in ${dot}.`;
  const [a, b] = place, others = sizes.y[0] * sizes.y[1] - 1;
  return `${line}${format(kernel[a][b])}, from ${spot([a, b])} of the kernel. It links the pixel in ${dot} to the map's ${number}. `
    + `${others} other entries hold it, too.`;
}

/** The matrix, which scrolls sideways where it is too wide, and the way to its transpose. */
function createMatrix(own, choose, point) {
  const pick = (act) => (row, column) => act(row === undefined ? null : [row, column]);
  const numbers = grid({ label: "Matrix", tone: "signed", counted: false, onselect: pick(choose), onhover: pick(point) });
  const title = h("b"), size = h("span", { class: "note" }), scroll = h("div", { class: "matrix-scroll" }, numbers);
  const turn = tick("Show the transpose", trait(own, "transposed"));
  const element = h("div", { class: "matrix" }, h("div", { class: "matrix-title" }, h("span", {}, title, " ", size), turn), scroll);
  return { element, update({ matrix, ties, at: [row, column], place, transposed, pointed }) {
    turn.update();
    title.textContent = transposed ? "Transpose" : "Matrix";
    size.textContent = `${matrix.length} × ${matrix[0].length}`;
    numbers.rename(title.textContent);
    const same = String(place);
    numbers.update(matrix, { frame: { row, column: 0, rows: 1, columns: matrix[0].length }, cell: (r, c) => {
      const tied = ties[r][c], isChosen = r === row && c === column;
      return { ...(tied ? {} : { text: "" }), mark: isChosen ? "current" : tied && String(tied) === same ? "read" : "" };
    } });
    if (pointed) return; // what is under the pointer stays there
    const [cell, all] = [numbers.cell(row, column), scroll].map((one) => one.getBoundingClientRect());
    const by = Math.max(0, cell.right + 4 - all.right) - Math.max(0, all.left + 4 - cell.left);
    scroll.scrollLeft += (by * scroll.offsetWidth) / (all.width || 1); // it may be drawn larger
  } };
}

/** What goes in, the kernel, and what comes out. */
function createGrids({ get, set, complain }, { toOutput, toPixel, toPlace }) {
  const edit = (name) => (row, column, value) => set({ [name]: copyWith(get(name), [row, column], value) });
  const make = (label, tone, onselect, onedit) => {
    const numbers = grid({ label, tone, onselect: (row, column) => onselect([row, column]), onedit, onerror: complain });
    return { numbers, plane: h("div", { class: "plane" }, h("span", { class: "plane-name" }, label), numbers) };
  };
  const image = make("Image", "gray", toPixel, edit("image")), grad = make("Gradient G", "signed", toOutput, edit("grad_output"));
  const kernel = make("Kernel", "signed", toPlace, edit("kernel"));
  const map = make("Map", "signed", toOutput), dx = make("Gradient dX", "signed", toPixel);
  const forward = [image, map], backward = [grad, dx];
  const element = h("div", { class: "matrix-planes" }, [image, grad, kernel, map, dx].map(({ plane }) => plane));
  return { element, update({ sizes, output, pixel, place, transposed, result, terms, ...now }) {
    const [number, dot] = [placeOf(output, sizes.y), placeOf(pixel, sizes.x)], key = String;
    const lit = (chosen) => (row, column) => ({ mark: key([row, column]) === key(chosen) ? "lit" : "" });
    for (const { plane } of forward) plane.hidden = transposed;
    for (const { plane } of backward) plane.hidden = !transposed;
    element.style.setProperty("--fit", sizes.x[1] + sizes.k[1] + sizes.y[1]);
    kernel.numbers.update(now.kernel, { cell: lit(place) });
    if (transposed) {
      const met = new Set(terms.map(({ c }) => key(placeOf(c, sizes.y))));
      grad.numbers.update(now.grad, { cell: (row, column) => {
        const own = key([row, column]);
        return { mark: own === key(number) ? "lit" : met.has(own) ? "read" : "" };
      } });
      dx.numbers.update(result, { frame: oneCell(...dot) });
    } else {
      image.numbers.update(now.image, { frame: { row: number[0], column: number[1], rows: sizes.k[0], columns: sizes.k[1] }, cell: lit(dot) });
      map.numbers.update(result, { frame: oneCell(...number) });
    }
  } };
}

/** The chosen entry in words, and the row times the vector, written out. */
function createSum() {
  const words = h("p"), products = h("p", { class: "sum" });
  return { element: h("div", {}, words, products), update(now) {
    const { terms, at, total, transposed } = now;
    words.textContent = entryIn(now);
    const spans = terms.map(({ c, weight, value }, n) => h("span", { class: c === at[1] ? "matrix-term lit" : "matrix-term" },
      `${n ? `+ ${factor(weight)}` : format(weight)}·${factor(value)}`));
    products.replaceChildren(`Row ${at[0]} times ${transposed ? "G" : "the image"}: `, ...spans.flatMap((span) => [span, " "]), "= ",
      h("strong", {}, format(total)));
  } };
}

/** How many numbers there are, and how many of them are free. */
function counted({ ties, sizes: { k } }) {
  const all = ties.flat(), tied = all.filter(Boolean).length;
  return `${ties.length} × ${ties[0].length} = ${all.length} numbers. ${tied} of them are one of the kernel's ${k[0] * k[1]}; the others are always 0.`;
}

function build(own) {
  const { get, set, draw } = own;
  let pointed = null; // the entry under a mouse
  const state = () => stateOf(get, pointed);
  const entryAt = ([row, column]) => (get("transposed") ? { output: column, pixel: row } : { output: row, pixel: column });
  function choose(entry) {
    bar.pause();
    pointed = null;
    set(entry);
    draw();
  }
  function point(at) {
    if (bar.playing) return;
    pointed = at && entryAt(at);
    draw();
  }
  /** Along the entries in which the same number of the kernel stands. */
  function outputWith(number) {
    const { sizes, pixel, place } = state();
    const met = place && number.map((value, side) => value + place[side]);
    return { output: indexOf(number, sizes.y), pixel: met ? indexOf(met, sizes.x) : pixel };
  }
  function pixelWith(dot) {
    const { sizes, place } = state(), pixel = indexOf(dot, sizes.x);
    const number = place && dot.map((value, side) => value - place[side]);
    if (number && isInside(number, sizes.y)) return { output: indexOf(number, sizes.y), pixel };
    return { pixel, output: indexOf(dot.map((value, side) => Math.max(0, value - sizes.k[side] + 1)), sizes.y) };
  }
  const step = (row) => {
    const { sizes, transposed } = state();
    pointed = null;
    set(transposed ? pixelWith(placeOf(row, sizes.x)) : outputWith(placeOf(row, sizes.y)));
  };
  const bar = player(own, "Row", step);
  const grids = createGrids(own, {
    toOutput: (number) => choose(get("transposed") ? { output: indexOf(number, state().sizes.y) } : outputWith(number)),
    toPixel: (dot) => choose(get("transposed") ? pixelWith(dot) : { pixel: indexOf(dot, state().sizes.x) }),
    toPlace: (place) => choose({ pixel: indexOf(placeOf(state().output, state().sizes.y).map((value, side) => value + place[side]), state().sizes.x) }),
  });
  const stage = group({ class: "matrix-stage" }, grids, createMatrix(own, (at) => choose(entryAt(at)), point));
  const counts = h("p", { class: "note" });
  return {
    bar, state, forget: () => (pointed = null),
    parts: [{ ...stage, update(now) {
      stage.element.classList.toggle("transposed", now.transposed);
      stage.update(now);
    } }, dock(createSum(), bar), own.error,
      { element: counts, update: (now) => (counts.textContent = counted(now)) },
      group({ class: "controls" }, own.reset)],
    say: (now) => (now.pointed ? undefined : `${entryIn(now)} The row's sum is ${format(now.total)}.`),
  };
}

export default frame({ mark: "convolution-matrix", label: "Convolution as a matrix", data: ["image", "kernel", "grad_output"],
  kept: ["transposed", "output", "pixel"], problem, build });
