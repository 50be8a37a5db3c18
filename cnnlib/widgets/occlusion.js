// A square that covers a part of an image, the probabilities that follow it, and maps of what matters.
import { choice, trait } from "./shared/view/controls.js";
import { followPointer, format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { best, table } from "./shared/math/lists.js";
import { covered, forwardValues, gradCam, saliency } from "./shared/math/attribution.js";
import { softmax } from "./shared/math/loss.js";
import { unpackedNetwork } from "./shared/math/packed.js";
import { player } from "./shared/view/player.js";

/** For the maps' small cells: one decimal, two where one would say 0 or 1. */
function short(number) {
  const size = Math.abs(number), near = size < 0.095 || (size > 0.9 && size < 1);
  return format(number, near ? 2 : 1).replace("0.", ".");
}
const numbered = (texts) => texts.map((text, k) => [k, text]);
const SIZES = [1, 2, 3, 4, 5].map((side) => [side, `${side}×${side}`]);
const FILLS = [[0, "black, 0"], [0.25, "dark gray, 0.25"], [0.5, "gray, 0.5"], [1, "white, 1"]];
const METHODS = [["occlusion", "occlusion"], ["saliency", "saliency"], ["grad_cam", "Grad-CAM"]];
const TITLES = {
  occlusion: (k) => `How far the probability of ${k} falls with the square here`,
  saliency: (k) => `How fast the score of ${k} rises with this pixel`,
  grad_cam: (k) => `Grad-CAM: where the last maps speak for ${k}`,
};

/** Tells which cell a mouse or a finger is on, from the press until it is lifted. */
const follow = (element, onplace) => followPointer(element, () => {}, (event) => {
  const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest(".number");
  if (cell && element.contains(cell)) onplace(Number(cell.dataset.row), Number(cell.dataset.column));
}, false);

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
    element: h("div", { class: "pictures", role: "group", "aria-label": "Images" },
      buttons.map(({ element }) => element)),
    update({ answers, image: chosen }) {
      buttons.forEach(({ element, said }, i) => {
        const right = answers[i] === labels[i];
        said.textContent = `${right ? "✓" : "✗"} ${answers[i]}`;
        said.className = right ? "said-right" : "said-wrong";
        element.setAttribute("aria-pressed", i === chosen);
        element.setAttribute("aria-label", `Image ${i}, a ${labels[i]}, called ${answers[i]}`);
      });
    },
  };
}

/** A bar for each class: what the network says now, and a line where it stood without the square. */
function createBars(classes) {
  const rows = Array.from({ length: classes }, (_, k) => {
    const bar = h("span", { class: "bar" }), before = h("span", { class: "before" });
    const number = h("td", { class: "probability" });
    const element = h("tr", {},
      h("th", { scope: "row" }, String(k)), h("td", { class: "track" }, bar, before), number);
    return { bar, before, number, element };
  });
  return {
    element: h("table", { class: "bars" }, h("caption", {}, "Probabilities; the line: without the square"),
      h("tbody", {}, rows.map(({ element }) => element))),
    update({ whole, covered: now, target }) {
      rows.forEach(({ bar, before, number, element }, k) => {
        bar.style.width = `${100 * now[k]}%`;
        before.style.left = `${100 * whole[k]}%`;
        before.hidden = whole[k] < 0.005;
        number.textContent = now[k].toFixed(2);
        element.classList.toggle("target", k === target);
      });
    },
  };
}

/** A map stretched to rows x columns: each of its numbers stands on all the pixels that it is for. */
const stretched = (map, rows, columns) => table(rows, columns, (i, j) =>
  map[Math.floor((i * map.length) / rows)][Math.floor((j * map[0].length) / columns)]);

/** The network's answers and the maps; each is computed when it is first asked for, and kept. */
function createAnswers(get) {
  const kept = new Map();
  const once = (settings, make) => {
    const key = settings.join();
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  };
  const network = () => once(["network", get("network")], () => unpackedNetwork(get("networks")[get("network")].layers));
  const picture = () => get("images")[get("image")];
  const probabilities = (plane) => [...softmax(forwardValues(network(), plane).at(-1)).data];
  const now = (place) => probabilities(covered(picture(), place, get("size"), get("fill")));
  const whole = (image = get("image")) =>
    once([get("network"), image], () => probabilities(get("images")[image]));
  const target = () => get("target") ?? best(whole());
  const maps = {
    occlusion: (k, [rows, columns]) => table(rows, columns, (i, j) => whole()[k] - now([i, j])[k]),
    saliency: (k) => saliency(network(), picture(), k),
    grad_cam: (k, shape) => stretched(gradCam(network(), picture(), k), ...shape),
  };
  return {
    whole, target, now,
    map() {
      const method = get("method"), plane = picture();
      const settings = method === "occlusion" ? [get("size"), get("fill")] : [];
      return once([get("network"), get("image"), target(), method, ...settings],
        () => maps[method](target(), [plane.length, plane[0].length]));
    },
  };
}

/** What of the square lies inside the image, as a grid's frame. */
function frameOf(plane, row, column, size) {
  const before = (size - 1) >> 1;
  const span = (center, count) => {
    const first = Math.max(center - before, 0);
    return [first, Math.min(center - before + size, count) - first];
  };
  const [[top, rows], [left, columns]] = [span(row, plane.length), span(column, plane[0].length)];
  return { row: top, column: left, rows, columns };
}

/** The choices under the picture. */
function createControls(own, classes) {
  const networks = own.get("networks"), select = (label, name, options) => choice(label, options, trait(own, name));
  return group({ class: "controls" },
    networks.length > 1 ? select("Network", "network", numbered(networks.map(({ name }) => name))) : null,
    select("Square", "size", SIZES), select("filled with", "fill", FILLS), select("Map", "method", METHODS),
    select("for class", "target", [[null, "its answer"], ...numbered(Array.from({ length: classes }, (_, k) => String(k)))]), own.reset);
}

/** The picture with its square, the probabilities in bars and in words, and the map. */
function createStage(own, classes, goTo) {
  const picture = grid({ label: "Image with the square", tone: "gray", onselect: goTo });
  const map = grid({ label: "Map", tone: "signed", onselect: goTo });
  follow(picture.element, goTo);
  const bars = createBars(classes), title = h("p", { class: "plane-name" }), words = h("p", { class: "words" });
  const hint = h("p", { class: "plane-name" }, "Drag the square, or move it with the arrow keys");
  return { element: h("div", { class: "stage" }, h("div", {}, hint, picture), bars, words, h("div", {}, title, map)), update(now) {
    const { plane, square, values, row, column, size, method, target } = now;
    const look = (numbers) => (i, j) => ({ text: short(numbers[i][j]), mark: i === row && j === column ? "current" : "" });
    picture.update(square, { frame: frameOf(plane, row, column, size), cell: look(square), range: [0, 1] });
    map.update(values, { frame: oneCell(row, column), cell: look(values), scale: method === "occlusion" ? [[1]] : values });
    title.textContent = TITLES[method](target);
    map.rename(title.textContent);
    bars.update(now);
    words.replaceChildren(...saidOf(now).map((text, i) => (i === 1 ? h("b", {}, text) : text)));
  } };
}

/** What the network says, in words, the answer in the middle; a drop that two decimals do not show is none. */
function saidOf({ whole, covered: now, target: k, where }) {
  const [first, then] = [whole[k].toFixed(2), now[k].toFixed(2)];
  const change = first === then ? "as without it" : `${now[k] < whole[k] ? "down" : "up"} from ${first}`;
  return [`With the square around ${where} the network says `, String(best(now)), `. For ${k}: ${then}, ${change}.`];
}

/** Why these cannot be shown together, or "". */
function problem({ networks, network, images, image, target }) {
  if (network >= networks.length || image >= images.length) return "There is no such network or image.";
  return target === null || target < networks[0].layers.at(-1).bias.length ? "" : "There is no such class.";
}

function build(own) {
  const { get, set } = own;
  const images = get("images"), columns = images[0][0].length, count = images[0].flat().length;
  const classes = get("networks")[0].layers.at(-1).bias.length, answers = createAnswers(get);
  const goTo = (row, column) => {
    bar.pause();
    set({ position: row * columns + column });
  };
  const bar = player(own, "Square");
  return {
    bar,
    state() {
      const [size, fill, method, image] = ["size", "fill", "method", "image"].map(get), plane = images[image];
      const position = Math.min(get("position"), count - 1), row = Math.floor(position / columns), column = position % columns;
      return {
        size, method, image, plane, position, row, column, count, where: `row ${row}, column ${column}`, square: covered(plane, [row, column], size, fill),
        values: answers.map(), target: answers.target(), whole: answers.whole(), covered: answers.now([row, column]),
        answers: images.map((_, i) => best(answers.whole(i))),
      };
    },
    parts: [createPictures(images, get("labels"), (image) => set({ image })), createStage(own, classes, goTo), bar, createControls(own, classes)],
    say: (now) => `${get("networks")[get("network")].name}. ${saidOf(now).join("")}`,
  };
}

export default frame({ mark: "occlusion", label: "Occlusion", kept: ["network", "image", "size", "fill", "position", "method", "target"], problem, build });
