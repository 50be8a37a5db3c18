// A square that covers a part of an image, the probabilities that follow it, and maps of what matters.
import { announcer, field, format, h, redraw, select, setter } from "./shared/dom.js";
import { grid } from "./shared/grid.js";
import { logSoftmax, table } from "./shared/ops.js";
import { player, spacePlays } from "./shared/player.js";
import { covered, forwardValues, gradCam, logitSlopes } from "./shared/sequential.js";

const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
const short = (number) => format(number, 1).replace("0.", "."); // the maps' cells are small
const FILLS = [["0", "black, 0"], ["0.25", "dark gray, 0.25"], ["0.5", "gray, 0.5"], ["1", "white, 1"]];
const METHODS = [["occlusion", "occlusion"], ["saliency", "saliency"], ["grad_cam", "Grad-CAM"]];
const TITLES = {
  occlusion: (k) => `How far the probability of ${k} falls with the square here`,
  saliency: (k) => `How fast the score of ${k} rises with this pixel`,
  grad_cam: (k) => `Grad-CAM: where the last maps speak for ${k}`,
};

/** Tells which cell a mouse or a finger is on, from the press until it is lifted. */
function follow(element, onplace) {
  let pressed = false;
  const place = (event) => {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest(".number");
    if (cell && element.contains(cell)) onplace(Number(cell.dataset.row), Number(cell.dataset.column));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed = true;
    event.target.releasePointerCapture?.(event.pointerId); // a finger is captured by where it began
    place(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (!event.buttons) pressed = false; // lifted outside
    if (pressed) place(event);
  });
}

/** The images to choose from, each with what the network calls it. */
function createPictures(images, labels, choose) {
  const buttons = images.map((image, i) => {
    const canvas = h("canvas", { width: image[0].length, height: image.length, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    image.forEach((line, row) => line.forEach((pixel, column) => {
      context.fillStyle = `rgb(${Array(3).fill(Math.round(255 * pixel)).join(" ")})`;
      context.fillRect(column, row, 1, 1);
    }));
    const said = h("span");
    return { said, element: h("button", { type: "button", click: () => choose(i) }, canvas, said) };
  });
  return {
    element: h("div", { class: "pictures", role: "group", "aria-label": "Images" }, buttons.map(({ element }) => element)),
    update(answers, chosen) {
      buttons.forEach(({ element, said }, i) => {
        const right = answers[i] === labels[i];
        said.textContent = `${right ? "✓" : "✗"} ${answers[i]}`;
        said.className = right ? "said-right" : "said-wrong";
        element.setAttribute("aria-pressed", i === chosen);
        element.setAttribute("aria-label", `Image ${i + 1}, a ${labels[i]}, called ${answers[i]}`);
      });
    },
  };
}

/** A bar for each class: what the network says now, and a line where it stood without the square. */
function createBars(classes) {
  const rows = Array.from({ length: classes }, (_, k) => {
    const [bar, before, number] = [h("span", { class: "bar" }), h("span", { class: "before" }), h("td", { class: "probability" })];
    const element = h("tr", {}, h("th", { scope: "row" }, String(k)), h("td", { class: "track" }, bar, before), number);
    return { bar, before, number, element };
  });
  return {
    element: h("table", { class: "bars" }, h("caption", {}, "Probabilities; the line is without the square"),
      h("tbody", {}, rows.map(({ element }) => element))),
    update(whole, now, target) {
      rows.forEach(({ bar, before, number, element }, k) => {
        bar.style.width = `${100 * now[k]}%`;
        before.style.left = `${100 * whole[k]}%`;
        number.textContent = now[k].toFixed(2);
        element.classList.toggle("target", k === target);
      });
    },
  };
}

/** The network's answers and the maps; a map is computed when it is first asked for. */
function createAnswers(get) {
  const kept = new Map();
  const once = (key, make) => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  };
  const layers = () => get("networks")[get("network")].layers;
  const picture = () => get("images")[get("image")];
  const probabilities = (plane) => logSoftmax(forwardValues(layers(), [plane]).at(-1)).map(Math.exp);
  const whole = (image = get("image")) => once(`${get("network")},${image}`, () => probabilities(get("images")[image]));
  const target = () => get("target") ?? best(whole());
  const maps = {
    occlusion: (k) => {
      const plane = picture();
      const drop = (place) => whole()[k] - probabilities(covered(plane, place, get("size"), get("fill")))[k];
      return table(plane.length, plane[0].length, (i, j) => drop([i, j]));
    },
    saliency: (k) => logitSlopes(layers(), forwardValues(layers(), [picture()]), k)[0][0],
    grad_cam(k) {
      const plane = picture(), map = gradCam(layers(), forwardValues(layers(), [plane]), k);
      const at = (index, size, count) => Math.min(Math.floor((index * count) / size), count - 1); // each number on the pixels it stands for
      return table(plane.length, plane[0].length, (i, j) => map[at(i, plane.length, map.length)][at(j, plane[0].length, map[0].length)]);
    },
  };
  return {
    whole, target,
    now: (place) => probabilities(covered(picture(), place, get("size"), get("fill"))),
    map() {
      const method = get("method"), settings = method === "occlusion" ? `,${get("size")},${get("fill")}` : "";
      return once(`${get("network")},${get("image")},${target()},${method}${settings}`, () => maps[method](target()));
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const images = get("images"), columns = images[0][0].length, count = images[0].flat().length;
  const initial = Object.fromEntries(["network", "image", "size", "fill", "position", "method", "target"].map((name) => [name, get(name)]));
  const classes = get("networks")[0].layers.at(-1).bias.length;
  const answers = createAnswers(get);
  let spoken = "";

  const goTo = (row, column) => {
    bar.pause();
    set({ position: row * columns + column });
  };
  const picture = grid({ label: "Image with the square", tone: "gray", onselect: goTo });
  const map = grid({ label: "Map", tone: "signed", onselect: goTo });
  follow(picture.element, goTo);
  const pictures = createPictures(images, get("labels"), (image) => set({ image }));
  const bars = createBars(classes);
  const title = h("p", { class: "plane-name" }), words = h("p", { class: "words" });
  const live = announcer();
  const bar = player({ label: "Square", onmove: (position) => set({ position }) });

  const names = (list) => list.map((text, k) => [k, text]);
  const network = select(names(get("networks").map(({ name }) => name)), (value) => set({ network: Number(value) }));
  const size = select([1, 2, 3, 4, 5].map((side) => [side, `${side}×${side}`]), (value) => set({ size: Number(value) }));
  const fill = select(FILLS, (value) => set({ fill: Number(value) }));
  const method = select(METHODS, (value) => set({ method: value }));
  const target = select([["", "its answer"], ...names(Array.from({ length: classes }, (_, k) => String(k)))],
    (value) => set({ target: value === "" ? null : Number(value) }));

  function writeControls() {
    const value = get("fill");
    if (![...fill.options].some((option) => Number(option.value) === value)) fill.append(h("option", { value }, format(value)));
    fill.value = [...fill.options].find((option) => Number(option.value) === value).value;
    for (const [control, name] of [[network, "network"], [size, "size"], [method, "method"]]) control.value = get(name);
    target.value = get("target") ?? "";
  }
  function draw() {
    const position = Math.min(get("position"), count - 1), row = Math.floor(position / columns), column = position % columns;
    const [whole, now, k] = [answers.whole(), answers.now([row, column]), answers.target()];
    const plane = images[get("image")], side = get("size"), before = (side - 1) >> 1;
    const [top, left] = [Math.max(row - before, 0), Math.max(column - before, 0)];
    const frame = { row: top, column: left, rows: Math.min(row - before + side, plane.length) - top, columns: Math.min(column - before + side, columns) - left };
    const write = (numbers) => (i, j) => ({ text: short(numbers[i][j]), mark: i === row && j === column ? "current" : "" });
    const hidden = covered(plane, [row, column], side, get("fill"));
    picture.update(hidden, { frame, cell: write(hidden), scale: [[0, 1]] });
    const values = answers.map();
    map.update(values, { frame: { row, column, rows: 1, columns: 1 }, cell: write(values),
      scale: get("method") === "occlusion" ? [[1]] : values });
    for (const one of [picture, map]) if (!one.element.contains(document.activeElement)) one.activate(row, column);
    title.textContent = TITLES[get("method")](k);
    map.rename(title.textContent);
    pictures.update(images.map((_, i) => best(answers.whole(i))), get("image"));
    bars.update(whole, now, k);
    writeControls();

    const percent = (p) => p.toFixed(2), where = `row ${row + 1}, column ${column + 1}`;
    const drop = Number(percent(whole[k])) - Number(percent(now[k]));
    const moved = drop < 0 ? `up from ${percent(whole[k])}` : drop > 0 ? `down from ${percent(whole[k])}` : "as without the square";
    words.replaceChildren("Around ", where, " covered, the network says ", h("b", {}, String(best(now))),
      `. For ${k}: ${percent(now[k])}, ${moved}.`);
    bar.update(position, count, where);
    const sentence = `${get("networks")[get("network")].name}. ${words.textContent}`;
    if (!bar.playing && spoken && spoken !== sentence) live.textContent = sentence;
    spoken = sentence;
  }

  const many = get("networks").length > 1;
  const root = h("div", { class: "cnn-widget occlusion", role: "group", "aria-label": "Occlusion" },
    pictures.element,
    h("div", { class: "stage" },
      h("div", {}, h("p", { class: "plane-name" }, "Drag the square, or move it with the arrow keys"), picture.element),
      bars.element,
      h("div", {}, title, map.element)),
    words, bar.element,
    h("div", { class: "controls" }, many ? field("Network", network) : null, field("Square", size), field("filled with", fill),
      field("Map", method), field("for class", target),
      h("button", { type: "button", click: () => set(initial) }, "Reset")), live);
  spacePlays(root, bar);
  el.append(root);
  draw();
  const stop = redraw(model, draw);
  return () => {
    stop();
    bar.pause();
    root.remove();
  };
}

export default { render };
