// A confusion matrix: choosing a cell writes out its shares and shows the pictures behind it.
import { announcer, format, h, mount, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";

const SIZE = 28;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const count = (number) => number.toLocaleString("en-US");
const share = (part, whole) => (whole ? `${format((100 * part) / whole, 2)}%` : "none");

/** A picture of 28x28 bytes. */
function picture(text, label) {
  const canvas = h("canvas", { role: "img", "aria-label": label, width: SIZE, height: SIZE });
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const pixels = new ImageData(SIZE, SIZE);
  bytes.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);

  const numbers = grid({
    label: "Images of each class, by what they were called", tone: "signed", counted: false,
    onselect: (row, column) => set({ cell: [row, column] }),
  });
  const across = h("div", { class: "across", "aria-hidden": "true" });
  const down = h("div", { class: "down", "aria-hidden": "true" });
  const words = h("div", { class: "sum" });
  const pictures = h("ul", { class: "pictures" });
  const live = announcer();

  /** What the open cell says, in sentences. */
  function sentences(counts, classes, [row, column]) {
    const here = counts[row][column], images = sum(counts[row]), right = counts[row][row];
    const called = sum(counts.map((line) => line[column])), hits = counts[column][column];
    return [
      `${count(here)} of ${count(images)} images of ${classes[row]} were called ${classes[column]}.`,
      `Row ${classes[row]}: ${count(right)}/${count(images)} = ${share(right, images)} of its images are right.`,
      `Column ${classes[column]}: ${count(hits)}/${count(called)} = ${share(hits, called)} of what was called ${classes[column]} is right.`,
    ];
  }

  function show(classes, [row, column]) {
    const wanted = ([, label, said]) => label === row && (row === column || said === column);
    const items = get("mistakes").flatMap((mistake, i) => {
      if (!wanted(mistake)) return [];
      const [index, label, said] = mistake;
      const text = `a ${classes[label]} called ${classes[said]}`;
      return [h("li", {}, picture(get("pictures")[i], `Image ${index}, ${text}`), h("span", {}, `→ ${classes[said]}`))];
    });
    pictures.replaceChildren(...items);
    pictures.hidden = items.length === 0;
  }

  function draw() {
    const counts = get("counts"), classes = get("classes"), [row, column] = get("cell");
    const wrong = counts.map((line, i) => line.map((number, j) => (i === j ? 0 : number)));
    const heading = (i, chosen) => h("span", { class: i === chosen ? "chosen" : "" }, String(i));
    across.replaceChildren(...classes.map((_, i) => heading(i, column)));
    down.replaceChildren(...classes.map((_, i) => heading(i, row)));
    numbers.update(wrong, {
      frame: { row, column, rows: 1, columns: 1 },
      cell: (i, j) => ({
        text: String(counts[i][j]),
        mark: `${i === j ? "right" : counts[i][j] ? "" : "none"} ${i === row && j === column ? "current" : ""}`,
      }),
    });
    const told = sentences(counts, classes, [row, column]);
    words.replaceChildren(h("p", {}, h("strong", {}, told[0])), ...told.slice(1).map((text) => h("p", {}, text)));
    show(classes, [row, column]);
    speak(told[0]);
  }

  const speak = speaker(live);
  const root = h("div", { class: "cnn-widget confusion", role: "group", "aria-label": "Confusion matrix" },
    h("div", { class: "board", style: `--classes: ${get("classes").length}` }, h("p", { class: "note said" }, "called →"), across,
      h("p", { class: "note is" }, "is ↓"), down, numbers.element),
    h("div", { class: "about" }, words, pictures), live);
  const leave = mount(el, root, model, draw);
  numbers.activate(...get("cell"));
  return leave;
}

export default { render };
