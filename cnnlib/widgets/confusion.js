// A confusion matrix: choosing a cell writes out its shares and shows the pictures behind it.
import { fromBase64 } from "./shared/math/array.js";
import { format, h } from "./shared/view/dom.js";
import { frame } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";

const SIZE = 28;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const count = (number) => number.toLocaleString("en-US");
const share = (part, whole) => (whole ? `${format((100 * part) / whole, 2)}%` : "none");

/** A picture of 28x28 bytes. */
function picture(text, label) {
  const canvas = h("canvas", { role: "img", "aria-label": label, width: SIZE, height: SIZE });
  const pixels = new ImageData(SIZE, SIZE);
  fromBase64(text).forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The square with this number out of a picture of several. */
function square({ pixels, side, columns }, number, label) {
  const at = [number % columns, Math.floor(number / columns)].map((place) => `${-2 * side * place}px`);
  const style = `width: ${2 * side}px; height: ${2 * side}px; background: url(data:image/jpeg;base64,${pixels}) ${at.join(" ")} / ${2 * side * columns}px`;
  return h("span", { class: "square", role: "img", "aria-label": label, style });
}

/** What the open cell says, in sentences. */
function sentencesOf(counts, classes, [row, column]) {
  const here = counts[row][column], images = sum(counts[row]), right = counts[row][row];
  const called = sum(counts.map((line) => line[column])), hits = counts[column][column];
  return [
    `${count(here)} of ${count(images)} images of ${classes[row]} were called ${classes[column]}.`,
    `Row ${classes[row]}: ${count(right)}/${count(images)} = ${share(right, images)} of its images are right.`,
    `Column ${classes[column]}: ${count(hits)}/${count(called)} = ${share(hits, called)} of what was called ${classes[column]} is right.`,
  ];
}

/** The matrix, where what is right has no color, with the classes' numbers at its edges. */
function createBoard({ get, set }) {
  const numbers = grid({
    label: "Images of each class, by what they were called", tone: "signed", counted: false,
    onselect: (row, column) => set({ cell: [row, column] }),
  });
  const [across, down] = ["across", "down"].map((mark) => h("div", { class: mark, "aria-hidden": "true" }));
  const element = h("div", { class: "board", style: `--classes: ${get("classes").length}` }, h("p", { class: "note said" }, "called →"), across,
    h("p", { class: "note is" }, "is ↓"), down, numbers);
  return { element, update({ counts, classes, cell: [row, column] }) {
    const headings = (chosen) => classes.map((_, i) => h("span", { class: i === chosen ? "chosen" : "" }, String(i)));
    across.replaceChildren(...headings(column));
    down.replaceChildren(...headings(row));
    numbers.update(counts.map((line, i) => line.map((number, j) => (i === j ? 0 : number))), {
      frame: oneCell(row, column),
      cell: (i, j) => ({
        text: String(counts[i][j]),
        mark: `${i === j ? "right" : counts[i][j] ? "" : "none"} ${i === row && j === column ? "current" : ""}`,
      }),
    });
  } };
}

/** The shares of the open cell in words, and the pictures of a row's mistakes, or of one cell's. */
function createAbout({ get }) {
  const words = h("div", { class: "sum" }), pictures = h("ul", { class: "pictures" });
  const sheet = get("sheet"), show = (i, label) => (sheet?.pixels ? square(sheet, get("first") + i, label) : picture(get("pictures")[i], label));
  return { element: h("div", { class: "about" }, words, pictures), update({ classes, cell: [row, column], sentences: [first, ...more] }) {
    words.replaceChildren(h("p", {}, h("strong", {}, first)), ...more.map((text) => h("p", {}, text)));
    const items = get("mistakes").flatMap(([index, label, said], i) => {
      if (label !== row || (row !== column && said !== column)) return [];
      const text = `${/^[aeiou]/i.test(classes[label]) ? "an" : "a"} ${classes[label]} called ${classes[said]}`;
      return [h("li", {}, show(i, `Image ${index}, ${text}`), h("span", {}, `→ ${classes[said]}`))];
    });
    pictures.replaceChildren(...items);
    pictures.hidden = items.length === 0;
  } };
}

export default frame({ mark: "confusion", label: "Confusion matrix",
  problem: ({ counts, cell }) => (cell.every((place) => place < counts.length) ? "" : "There is no such class."), build: (own) => ({
  state() {
    const [counts, classes, cell] = ["counts", "classes", "cell"].map(own.get);
    return { counts, classes, cell, sentences: sentencesOf(counts, classes, cell) };
  },
  parts: [createBoard(own), createAbout(own)],
  say: ({ sentences }) => sentences[0],
}) });
