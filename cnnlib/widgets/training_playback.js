// A recorded training, played back: curves, filters and predictions move together.
import { chart } from "./shared/view/chart.js";
import { choice, tick, trait } from "./shared/view/controls.js";
import { format, h } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { best } from "./shared/math/lists.js";
import { player } from "./shared/view/player.js";

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

const TICKS = [0, 1, 10, 30, 100, 200, 400, 600, 1000, 1500];
/** Round numbers from `low` to `high`, six at most. */
function ticksOf([low, high]) {
  const step = [0.02, 0.05, 0.1, 0.2, 0.5].find((one) => (high - low) / one < 5.5);
  return Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => Number((low + i * step).toFixed(6)));
}

/** Which part of the charts is shown: all, or from a third of the way to the lowest validation loss on, where it turns. */
function windowOf(frames, zoom) {
  const last = frames.at(-1).step;
  if (!zoom) return { low: 0, high: last, loss: [0, 2.5], accuracy: [0, 1] };
  const lowest = frames.reduce((one, other) => (other.loss[1] < one.loss[1] ? other : one));
  const shown = frames.filter(({ step }) => step >= lowest.step / 3);
  const least = Math.min(...shown.flatMap(({ accuracy }) => accuracy));
  return { low: shown[0].step, high: last, loss: [0, Math.ceil(10 * Math.max(...shown.flatMap(({ loss }) => loss))) / 10],
    accuracy: [Math.floor(10 * least) / 10, 1] };
}

/** Training and validation of a run as curves of its `part`, loss or accuracy, drawn as far as the run has come. */
function createCurves(part, title, written) {
  const element = h("div", { class: "playback-chart" });
  let picture = null, made = "";
  return { element, update({ frames, position, step, window, [part]: now }) {
    const key = JSON.stringify(window);
    if (made !== key) {
      const { low, high, [part]: [bottom, top] } = window;
      const ticks = TICKS.filter((tick) => tick >= low && tick <= high && (low || [0, 1, 10, 100, 1000].includes(tick)));
      picture = chart({ width: 420, height: 240, left: 58, x: { label: "steps", low, high, ticks, map: (at) => Math.log(1 + at) },
        y: { label: title, low: bottom, high: top, ticks: ticksOf([bottom, top]) } });
      element.replaceChildren(picture.element);
      made = key;
    }
    const inside = (list) => list.filter((frame) => frame.step >= window.low);
    const series = (look, list) => MARKS.map((mark, k) => ({ mark: `${mark} ${look}`, points: inside(list).map((frame) => [frame.step, frame[part][k]]) }));
    picture.update({ label: `${title} after ${step} steps: training ${written(now[0])}, validation ${written(now[1])}.`,
      series: [...series("faint", frames), ...series("playback", frames.slice(0, position + 1))], cursor: step < window.low ? undefined : step });
  } };
}

function createWords() {
  const element = h("p", { class: "playback-words" });
  return { element, update: ({ loss, accuracy }) => element.replaceChildren(...["training", "validation"].map((name, k) => h("span", {},
    h("span", { class: `playback-key ${MARKS[k]}`, "aria-hidden": "true" }),
    `${name}: loss ${format(loss[k], 3)}, ${percent(accuracy[k])} right`))) };
}

/** Applies a function of numbers to those at the same places of two nested arrays. */
const each = (f, a, b) => (Array.isArray(a) ? a.map((one, i) => each(f, one, b[i])) : f(a, b));

/** The runs whose frames are whole. They came as what was added, in thousandths, to the frame before. */
const whole = (runs) => runs.map((run) => {
  let before = null;
  return { ...run, frames: run.frames.map((frame) => {
    const now = ["filters", "probabilities"].map((name, k) => (before ? each((a, b) => a + b, frame[name], before[k]) : frame[name]));
    const [filters, probabilities] = now.map((one) => each((a) => a / 1000, one, one));
    before = now;
    return { ...frame, filters, probabilities };
  }) };
});

function build(own) {
  const { get, set } = own, runs = whole(get("runs")), shown = get("shown");
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
      return { ...now, window: windowOf(frames, get("zoom")), frames, position, image, label: shown.labels[image], count: frames.length, where: `step ${now.step}` };
    },
    parts: [group({ class: "main" },
      group({ class: "controls" }, run, tick("Zoom in on where validation turns", trait(own, "zoom")), { element: stepNote, update: ({ step }) => (stepNote.textContent = `after ${step} steps`) }),
      group({ class: "playback-charts" }, createCurves("loss", "Loss", (loss) => format(loss, 3)), createCurves("accuracy", "Share right", percent)),
      createWords(), bar),
      group({ class: "playback-parts" },
        part("The eight filters of the first layer", createFilters()),
        part("What the network calls twelve images it is not trained on; choose one", createImages(shown, (image) => set({ image }))),
        part("Probabilities", createBars())),
    ],
    say: ({ where, loss, image, probabilities }) =>
      `${where}: training loss ${format(loss[0], 2)}, validation loss ${format(loss[1], 2)}, image ${image} called ${best(probabilities[image])}`,
  };
}

export default frame({ mark: "training-playback", label: "Playback of a training",
  problem: ({ runs, run, shown, image }) => (run < runs.length && image < shown.labels.length ? "" : "There is no such run or image."), build });
