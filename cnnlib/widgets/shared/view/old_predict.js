// Predict first: ask for a number before it is shown, name the slip behind a wrong one, keep the score.
import { format, h, onEnter, readings } from "./dom.js";
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

/**
 * prediction({onreveal, onnext, explain}) asks. update({key, where, terms, bias, total, score, known})
 * says for what; a new key is a new question. onreveal(right) when the number may be shown: right is
 * whether it was found at the first try. explain(task), the widget's or the task's own, gives `slips`,
 * [wrong number, what to say] pairs, and what to say `otherwise`; `question` are the words of a task that
 * asks for more than a place, and its same(answer, total) says what is close enough, where that is not
 * the decimals that tell the answer from the slips.
 */
export function prediction({ onreveal, onnext, explain = slipsOfSum }) {
  let task = {}, tries = 0;
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: 6, "aria-label": "Your prediction" });
  const sign = h("button", { type: "button", "aria-label": "Change the sign", click: () => {
    input.value = /^[-−]/.test(input.value) ? input.value.slice(1) : `-${input.value}`;
    input.focus();
  } }, "±");
  const question = h("span");
  const verdict = h("span", { class: "verdict", role: "status" });
  const score = h("span", { class: "score" });
  const next = h("button", { type: "button", click: () => {
    onnext();
    input.focus();
  } }, "Next");

  function check() {
    const numbers = readings(input.value);
    const { slips, otherwise } = (task.explain ?? explain)(task);
    const { right, close, sentence } = judge(numbers, task.total, slips, { same: task.same });
    if (!numbers.length) {
      verdict.textContent = "Type a number, such as 13 or -4.";
    } else if (right) {
      verdict.textContent = `${format(task.total)} is right.`;
      onreveal(tries === 0);
    } else {
      if (!close) tries += 1;
      verdict.textContent = sentence ?? otherwise;
    }
  }
  function showAnswer() {
    verdict.textContent = `It is ${format(task.total)}.`;
    onreveal(false);
  }
  const element = h("div", { class: "predict", role: "group", "aria-label": "Prediction", keydown: onEnter(check) },
    question, input, sign, h("button", { type: "button", click: check }, "Check"), h("button", { type: "button", click: showAnswer }, "Show me"), next, verdict, score);

  return {
    element,
    update(newTask) {
      if (newTask.key !== task.key) {
        tries = 0;
        input.value = verdict.textContent = "";
      }
      task = newTask;
      question.textContent = task.question ?? `Which number belongs in ${task.where}?`;
      next.hidden = !task.known;
      score.textContent = task.score[1] ? `${task.score[0]} of ${task.score[1]} at the first try` : "";
    },
  };
}
