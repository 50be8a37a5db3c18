// A recorded training, played back: curves, filters and predictions move together.
import { chart } from "./shared/view/chart.js";
import { announcer, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { player, spacePlays } from "./shared/view/player.js";

const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
const short = (weight) => format(weight, 1).replace("0.", "."); // a filter's cells are small
const percent = (part) => `${format(100 * part, 1)}%`;

/** The 3x3 filters, each number written on its color. */
function createFilters() {
  const element = h("div", { class: "playback-filters" });
  return {
    element,
    update(filters) {
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
    update(probabilities, chosen) {
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
    update(probabilities, label, image) {
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

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const runs = get("runs"), shown = get("shown");
  const lastStep = Math.max(...runs.map((run) => run.frames.at(-1).step));

  const curves = chart({
    x: { label: "steps", low: 0, high: lastStep, ticks: [0, 1, 10, 100, 1000].filter((tick) => tick <= lastStep), map: (step) => Math.log(1 + step) },
    y: { label: "loss", low: 0, high: 2.5, ticks: [0, 0.5, 1, 1.5, 2, 2.5] },
  });
  const words = h("p", { class: "playback-words" });
  const filters = createFilters(), bars = createBars(), live = announcer();
  const images = createImages(shown, (image) => set({ image }));
  const bar = player({ label: "Frame", onmove: (position) => set({ position }) });
  const run = select(runs.map(({ name }, i) => [i, name]), (value) => {
    bar.pause();
    set({ run: Number(value), position: 0 });
  });

  function draw() {
    const { frames } = runs[get("run")];
    const position = Math.min(get("position"), frames.length - 1), image = get("image");
    const { step, loss, accuracy, filters: weights, probabilities } = frames[position];
    const series = ["playback-train", "playback-validation"].map((mark, k) => ({ mark: `${mark} playback`, points: frames.slice(0, position + 1).map((frame) => [frame.step, frame.loss[k]]) }));
    const faint = ["playback-train", "playback-validation"].map((mark, k) => ({ mark: `${mark} faint`, points: frames.map((frame) => [frame.step, frame.loss[k]]) }));
    curves.update({ label: `Loss after ${step} steps: training ${format(loss[0], 3)}, validation ${format(loss[1], 3)}.`, series: [...faint, ...series], cursor: step });
    words.replaceChildren(...["training", "validation"].map((name, k) => h("span", {},
      h("span", { class: `playback-key ${["playback-train", "playback-validation"][k]}`, "aria-hidden": "true" }),
      `${name}: loss ${format(loss[k], 3)}, ${percent(accuracy[k])} right`)));
    filters.update(weights);
    images.update(probabilities, image);
    bars.update(probabilities[image], shown.labels[image], image);
    const where = `step ${step}`;
    bar.update(position, frames.length, where);
    run.value = get("run");
    speak(`${where}: training loss ${format(loss[0], 2)}, validation loss ${format(loss[1], 2)}, image ${image} called ${best(probabilities[image])}`);
    stepNote.textContent = `after ${step} steps`;
  }
  const stepNote = h("b");
  const part = (mark, title, ...children) => h("div", { class: mark }, h("p", { class: "note" }, title), children);
  const speak = speaker(live, bar);
  const root = h("div", { class: "cnn-widget training-playback", role: "group", "aria-label": "Playback of a training" },
    h("div", { class: "controls" }, field("Trained on", run), stepNote),
    curves.element, words, bar.element,
    h("div", { class: "playback-parts" },
      part("playback-part", "The eight filters of the first layer", filters.element),
      part("playback-part", "What the network calls twelve images it is not trained on; choose one", images.element),
      part("playback-part", "Probabilities", bars.element)), live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => bar.pause());
}

export default { render };
