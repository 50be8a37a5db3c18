// The same training with nine learning rates, recorded, to choose from with a slider.
import { chart, runningMean } from "./shared/view/chart.js";
import { format, h, mount, setter } from "./shared/view/dom.js";

const MEAN_OF = 10; // batches whose losses are averaged, or the curve is too rough to read
const CHANCE = Math.log(10);

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const runs = get("runs");
  const curves = runs.map((run) => runningMean(run.loss, MEAN_OF));
  const steps = Math.max(...runs.map((run) => run.loss.length));
  const picture = chart({
    x: { label: "batches", low: 1, high: steps, ticks: [1, ...[50, 100, 150, 200, 300, 400].filter((tick) => tick <= steps)] },
    y: { label: "loss", low: 0, high: 4, ticks: [0, 1, 2, 3, 4] },
  });
  const slider = h("input", { type: "range", min: 0, max: runs.length - 1, step: 1, "aria-label": "Learning rate",
    input: () => set({ chosen: Number(slider.value) }) });
  const shown = h("span", { class: "rate-value" });
  const compare = h("input", { type: "checkbox", change: () => set({ compare: compare.checked }) });
  const words = h("p", { class: "rate-words", "aria-live": "polite" });

  function draw() {
    const chosen = Math.min(get("chosen"), runs.length - 1), run = runs[chosen];
    const series = curves.map((curve, i) => ({ points: curve.map((value, k) => [k + 1, value]), mark: i === chosen ? "rate-chosen" : "rate-other" }));
    const last = curves[chosen].at(-1);
    slider.value = chosen;
    slider.setAttribute("aria-valuetext", format(run.lr));
    shown.textContent = format(run.lr);
    compare.checked = get("compare");
    words.replaceChildren(`First batch: ${format(run.loss[0], 3)}. Last ${MEAN_OF} batches: `, h("strong", {}, format(last, 3)),
      `. Largest: ${format(Math.max(...run.loss), 2)}. Right in validation: `, h("strong", {}, `${format(100 * run.accuracy, 1)}%`), ".");
    picture.update({
      label: `Loss by batch with learning rate ${run.lr}: from ${format(run.loss[0], 2)} to ${format(last, 2)}.`,
      series: [...(get("compare") ? series.filter((_, i) => i !== chosen) : []), series[chosen]],
      level: CHANCE,
    });
  }
  const root = h("div", { class: "cnn-widget learning-rate", role: "group", "aria-label": "Learning rate" },
    h("div", { class: "controls" }, h("span", { class: "field rate-slider" }, h("span", {}, "Learning rate"), slider, shown),
      h("label", { class: "tick" }, compare, "Show the others")),
    picture.element, h("p", { class: "note" }, `Means over ${MEAN_OF} batches. Dashed: log 10 = ${format(CHANCE, 3)}, the loss of guessing.`), words);
  return mount(el, root, model, draw);
}

export default { render };
