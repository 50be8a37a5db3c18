// A sum of products, written out: each product where it can be pointed at, then the bias and the total.
import { factor, format, h } from "./dom.js";
import { sum } from "../math/lists.js";

const spaced = (nodes) => nodes.flatMap((node) => [node, " "]);

/**
 * sumPanel(onlight) calls onlight(term), or onlight(null), as the pointer moves over the products.
 * update(terms, bias, hidden) writes them and returns the total; `hidden` puts a question mark for
 * every number that follows from the products. A term is {channel, a, pixel, weight}: a line break
 * may stand only between rows `a` of the kernel, and each channel has a line and a sum of its own.
 */
export function sumPanel(onlight) {
  const element = h("div", { class: "sum", translate: "no" });
  let terms = [];
  element.addEventListener("pointerover", (event) =>
    onlight(terms[event.target.closest("[data-term]")?.dataset.term] ?? null));
  element.addEventListener("pointerleave", () => onlight(null));

  const product = (term, first) =>
    h("span", { "data-term": terms.indexOf(term), class: term.weight && term.pixel ? "term" : "term zero" },
      `${first ? "" : "+ "}${format(term.pixel)}·${factor(term.weight)}`);
  const rows = (own) =>
    [...new Set(own.map((term) => term.a))].map((a) =>
      h("span", { class: "terms" },
        spaced(own.filter((term) => term.a === a).map((term) => product(term, term === own[0])))));

  return {
    element,
    update(newTerms, bias, hidden) {
      terms = newTerms;
      const channels = [...new Set(terms.map((term) => term.channel))];
      const own = channels.map((channel) => terms.filter((term) => term.channel === channel));
      const totals = own.map((part) => sum(part.map((term) => term.pixel * term.weight)));
      const total = sum(totals) + bias;
      const written = (number, write = format) => (hidden ? "?" : write(number));
      const end = h("span", { class: "terms" }, `+ ${factor(bias)} = `, h("strong", {}, written(total)));
      const lines = channels.map((channel, c) =>
        h("p", {}, h("span", { class: "plane-name" }, `channel ${channel}`), " ",
          spaced(rows(own[c])), `= ${written(totals[c])}`));
      element.replaceChildren(...(channels.length === 1
        ? [h("p", {}, spaced(rows(terms)), end)]
        : [...lines, h("p", {}, totals.map((part) => written(part, factor)).join(" + "), " ", end)]));
      return total;
    },
  };
}
