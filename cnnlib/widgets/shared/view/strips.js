// All layers of a network at work on one image: a strip of maps for each, and the sum behind the number that is chosen.
import { h, scrollerOf } from "./dom.js";
import { computingSteps, layerTitle, layerTrace, shapeText } from "./layers.js";
import { inRange, strip } from "./maps.js";

const note = (text, more = "") => h("span", { class: `note ${more}` }, text);

/** The strip of a step, with the step's name beside it. */
function createRow(step, onchoose) {
  const maps = strip({ label: `${step.title}, ${layerTitle(step)}`, shape: step.output, onchoose });
  const element = h("div", { class: "strip" }, h("div", { class: "strip-name" }, note(step.place), ` ${layerTitle(step)}`,
    note(shapeText(step.output), "strip-shape")), maps);
  return { element, maps };
}

/** The rows, with those inside a Residual in a fold before the row of its sum; onopen(step) for each that comes to be seen. */
function foldInside(steps, rows, onopen) {
  const list = [];
  let fold = null;
  steps.forEach((step, i) => {
    if (!step.inside) fold = null;
    else if (!fold) {
      const own = steps.slice(i).filter(({ inside }) => inside === step.inside);
      fold = h("details", { class: "inside", toggle: ({ target }) => target.open && own.forEach(onopen) },
        h("summary", {}, `Inside ${step.inside}: ${own.length} layers`));
      list.push(fold);
    }
    if (fold) fold.append(rows[i].element);
    else list.push(rows[i].element);
  });
  return list;
}

/**
 * layerStrips(own, network, {key, image}): the trait `selected` is [key(step), map, row, column], and `image` is as
 * layerTrace takes it. paint() draws what `network`, an inference, has computed; write() the sum of the number
 * that is selected, and returns it in words.
 */
export function layerStrips({ get, set, draw }, network, { key, image }) {
  const steps = computingSteps(network), trace = layerTrace({ classes: get("classes"), image, onchoose: choose });
  const rows = steps.map((step, i) => createRow(step, (map, row, column) =>
    keepPlace(rows[i].maps.element, () => choose({ step, map, row, column }))));
  const element = h("div", { class: "strips" }, foldInside(steps, rows, show));

  function show(step) {
    rows[steps.indexOf(step)].maps.update(step.values);
  }
  /** A place that the layer has: for one it does not have, the nearest. */
  function near({ step, map, row, column }) {
    const [maps, rows = 1, columns = 1] = step.output, within = (at, count) => inRange(at, 0, count - 1);
    return { step, map: within(map, maps), row: within(row, rows), column: within(column, columns) };
  }
  /** Where the selected number stands. */
  function selected() {
    const [name, map, row, column] = get("selected");
    return near({ step: steps.find((one) => key(one) === name) ?? steps[0], map, row, column });
  }
  function choose(change) {
    const asked = Object.entries(change).filter(([, value]) => value !== undefined);
    const { step, map, row, column } = near({ ...selected(), ...Object.fromEntries(asked) });
    set({ selected: [key(step), map, row, column] });
  }
  /** The sum opens below its layer; what was clicked stays where it was on the screen. */
  function keepPlace(clicked, change) {
    const before = clicked.getBoundingClientRect().top;
    change();
    draw();
    scrollerOf(clicked).scrollBy(0, clicked.getBoundingClientRect().top - before);
  }
  function write() {
    const place = selected(), row = rows[steps.indexOf(place.step)].element, fold = row.closest("details");
    steps.forEach((step, i) => rows[i].maps.choose(step === place.step ? place.map : -1));
    if (fold) fold.open = true;
    if (row.nextElementSibling !== trace.element) row.after(trace.element);
    return trace.update(place);
  }
  return { element, write, paint() {
    steps.filter((_, i) => rows[i].element.closest("details")?.open ?? true).forEach(show);
    write();
  } };
}
