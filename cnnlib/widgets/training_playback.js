// A recorded training, played back: curves, filters and predictions move together.
import { chart } from "./shared/view/chart.js";
import { choice } from "./shared/view/controls.js";
import { format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { player } from "./shared/view/player.js";

const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
const short = (weight) => format(weight, 1).replace("0.", "."); // a filter's cells are small
const percent = (part) => `${format(100 * part, 1)}%`;

/** The 3x3 filters, each number written on its color. */
function createFilters() {
  const element = h("div", { class: "playback-filters" });
  return {
    element,
    update({ filters }) {
      const strongest = Math.max(...filters.flat(2).map(Math.abs));
      const tile = (filter, f) => {
        const numbers = filter.map((line) => line.map((weight) => format(weight, 1)).join(", ")).join("; ");
        const weights = filter.flat().map((weight) => h("span", { style:
          `background: color-mix(in srgb, var(--${weight < 0 ? "negative" : "positive"}) ${Math.round((55 * Math.abs(weight)) / strongest)}%, var(--paper))` }, short(weight)));
        return h("div", { class: "playback-filter", role: "img", "aria-label": `Filter ${f}: ${numbers}` }, weights);
      };
      element.replaceChildren(...filters.map(tile));
    },
  };
}

/** The images that are classified; each is a button that chooses it. */
function createImages({ images, labels }, choose) {
  const buttons = images.map((image, i) => {
    const canvas = h("canvas", { width: 8, height: 8, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    image.forEach((line, row) => line.forEach((pixel, column) => {
      context.fillStyle = `rgb(${[16, 16, 16].map(() => Math.round((255 * pixel) / 16)).join(" ")})`;
      context.fillRect(column, row, 1, 1);
    }));
    const said = h("span");
    return { said, element: h("button", { type: "button", click: () => choose(i) }, canvas, said) };
  });
  return {
    element: h("div", { class: "playback-images" }, buttons.map(({ element }) => element)),
    update({ probabilities, image: chosen }) {
      buttons.forEach(({ element, said }, i) => {
        const answer = best(probabilities[i]), right = answer === labels[i];
        said.textContent = `${right ? "✓" : "✗"} ${answer}`;
        said.className = right ? "playback-right" : "playback-wrong";
        element.setAttribute("aria-pressed", i === chosen);
        element.setAttribute("aria-label", `Image ${i}, a ${labels[i]}, called ${answer}`);
      });
    },
  };
}

/** Ten bars: what the network thinks of the chosen image. */
function createBars() {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const [bar, number] = [h("span", { class: "playback-bar" }), h("td")];
    return { bar, number, element: h("tr", {}, h("th", { scope: "row" }, String(digit)), h("td", {}, bar), number) };
  });
  const caption = h("caption");
  return {
    element: h("table", { class: "playback-bars" }, caption, h("tbody", {}, rows.map(({ element }) => element))),
    update({ probabilities: all, label, image }) {
      const probabilities = all[image];
      caption.textContent = `Image ${image}, a ${label}: loss −log ${format(probabilities[label], 3)}`
        + (probabilities[label] > 0 ? ` = ${format(-Math.log(probabilities[label]), 2)}` : "");
      rows.forEach(({ bar, number, element }, digit) => {
        bar.style.width = `${100 * probabilities[digit]}%`;
        number.textContent = probabilities[digit].toFixed(3);
        element.classList.toggle("playback-target", digit === label);
      });
    },
  };
}

const MARKS = ["playback-train", "playback-validation"];

/** Both losses of a run as curves, drawn as far as it has come. */
function createCurves(runs) {
  const last = Math.max(...runs.map((run) => run.frames.at(-1).step));
  const curves = chart({
    x: { label: "steps", low: 0, high: last, ticks: [0, 1, 10, 100, 1000].filter((tick) => tick <= last), map: (step) => Math.log(1 + step) },
    y: { label: "loss", low: 0, high: 2.5, ticks: [0, 0.5, 1, 1.5, 2, 2.5] },
  });
  return { element: curves.element, update({ frames, position, step, loss }) {
    const series = (look, part) => MARKS.map((mark, k) => ({ mark: `${mark} ${look}`, points: part.map((frame) => [frame.step, frame.loss[k]]) }));
    curves.update({ label: `Loss after ${step} steps: training ${format(loss[0], 3)}, validation ${format(loss[1], 3)}.`,
      series: [...series("faint", frames), ...series("playback", frames.slice(0, position + 1))], cursor: step });
  } };
}

function createWords() {
  const element = h("p", { class: "playback-words" });
  return { element, update: ({ loss, accuracy }) => element.replaceChildren(...["training", "validation"].map((name, k) => h("span", {},
    h("span", { class: `playback-key ${MARKS[k]}`, "aria-hidden": "true" }),
    `${name}: loss ${format(loss[k], 3)}, ${percent(accuracy[k])} right`))) };
}

function build(own) {
  const { get, set } = own, runs = get("runs"), shown = get("shown");
  const bar = player(own, "Frame"), stepNote = h("b");
  const run = choice("Trained on", runs.map(({ name }, i) => [i, name]), { read: () => get("run"), write(value) {
    bar.pause();
    set({ run: value, position: 0 });
  } });
  const part = (title, one) => group({ class: "playback-part" }, h("p", { class: "note" }, title), one);
  return {
    bar,
    state() {
      const { frames } = runs[get("run")], position = Math.min(get("position"), frames.length - 1), image = get("image");
      const now = frames[position];
      return { ...now, frames, position, image, label: shown.labels[image], count: frames.length, where: `step ${now.step}` };
    },
    parts: [
      group({ class: "controls" }, run, { element: stepNote, update: ({ step }) => (stepNote.textContent = `after ${step} steps`) }),
      createCurves(runs), createWords(), bar,
      group({ class: "playback-parts" },
        part("The eight filters of the first layer", createFilters()),
        part("What the network calls twelve images it is not trained on; choose one", createImages(shown, (image) => set({ image }))),
        part("Probabilities", createBars())),
    ],
    say: ({ where, loss, image, probabilities }) =>
      `${where}: training loss ${format(loss[0], 2)}, validation loss ${format(loss[1], 2)}, image ${image} called ${best(probabilities[image])}`,
  };
}

export default frame({ mark: "training-playback", label: "Playback of a training", build });
