// Predict first: ask for a number before it is shown, name the slip behind a wrong one, keep the score.
import { answerField, button, format, h, onEnter, readings } from "./dom.js";
import { judge } from "./judge.js";
import { sum } from "../math/lists.js";

/** What the usual slips make of a sum of products, and what to say to any other answer. */
export function slipsOfSum({ terms, bias }) {
  const products = (weights) => sum(terms.map((term, k) => term.pixel * weights[k]));
  const weights = terms.map((term) => term.weight);
  const size = terms.filter((term) => term.channel === terms[0].channel).length;
  const flipped = weights.map((_, k) => weights[k - (k % size) + size - 1 - (k % size)]);
  const slips = [
    [products(weights), `That is the sum of the products. The bias, ${format(bias)}, is still to be added.`],
    [products(weights) - bias, "The bias is added, not subtracted."],
    [products(flipped) + bias, "That is what the kernel gives when it is turned by 180°. Do not turn it."],
    [products(weights.map(Math.abs)) + bias, "A minus sign was lost: some of the weights are negative."],
    [products(weights.map(() => 1)) + bias, "That adds the pixels. Each is multiplied by its weight first."],
    [-products(weights) - bias, "The sign is turned round."],
  ];
  return { slips, otherwise: "Not that. Multiply each framed pixel by the weight at the same place, add all products, then the bias." };
}

/** Asks for one number at a time: ask(task) when it is another one, known(is) whether it has been found. */
function form({ onreveal, onnext, explain }) {
  let task = null, tries = 0;
  const { input, sign } = answerField("Your prediction");
  const question = h("span"), score = h("span", { class: "score" });
  const verdict = h("span", { class: "verdict", role: "status" });
  const next = button("Next", () => {
    onnext();
    input.focus();
  });

  function check() {
    if (!task) return;
    const numbers = readings(input.value);
    const { slips, otherwise } = (task.explain ?? explain)(task);
    const { right, close, sentence } = judge(numbers, task.total, slips, { same: task.same });
    if (!numbers.length) verdict.textContent = "Type a number, such as 13 or -4.";
    else if (right) {
      verdict.textContent = `${format(task.total)} is right.`;
      onreveal(tries === 0);
    } else {
      if (!close) tries += 1;
      verdict.textContent = sentence ?? otherwise;
    }
  }
  function showAnswer() {
    if (!task) return;
    verdict.textContent = `It is ${format(task.total)}.`;
    onreveal(false);
  }
  function ask(newTask) {
    if (newTask?.key !== task?.key) {
      tries = 0;
      input.value = verdict.textContent = "";
    }
    task = newTask;
  }
  return {
    element: h("div", { class: "predict", role: "group", "aria-label": "Prediction", keydown: onEnter(check) },
      question, input, sign, button("Check", check), button("Show me", showAnswer), next, verdict, score),
    ask,
    update([right, asked], known) {
      question.textContent = task.question ?? `Which number belongs in ${task.where}?`;
      next.hidden = !known || task.last;
      score.textContent = asked ? `${right} of ${asked} at the first try` : "";
    },
  };
}

/**
 * A part that asks for `now.task`: {key, total} and, for a place, {where}; null asks for nothing, and without a task
 * the question stays. `tick` is the part that switches it on, with the traits of start(on); next() goes on to
 * another number. hidden(key) says whether a number is still to be found. explain(task), the widget's or the
 * task's own, gives `slips`, [wrong number, what to say] pairs, and what to say `otherwise`; `question` are the
 * words of a task that asks for more than a place, and its same(answer, total) says what is close enough, where
 * that is not the decimals that tell the answer from the slips. After the `last` there is no next.
 */
export function predictFirst(own, { start = () => ({}), next, explain = slipsOfSum }) {
  const known = new Set();
  let key = null;
  const box = h("input", { type: "checkbox", change: () => own.restart({ predict: box.checked, ...start(box.checked) }) });
  const hidden = (asked) => own.get("predict") && !known.has(asked);
  const asking = form({ explain, onnext: next, onreveal(right) {
    const [good, asked] = own.get("score");
    if (!known.has(key)) own.set({ score: [good + (right ? 1 : 0), asked + 1] });
    known.add(key);
    own.draw();
  } });
  return {
    element: asking.element,
    tick: { element: h("label", { class: "tick" }, box, "Predict first"), update: () => (box.checked = own.get("predict")) },
    hidden,
    forget() {
      known.clear();
      asking.ask(null);
    },
    update({ task }) {
      if (task === undefined) return;
      asking.element.hidden = !own.get("predict") || !task;
      asking.ask(task);
      if (!task) return;
      key = task.key;
      asking.update(own.get("score"), !hidden(key));
    },
  };
}
