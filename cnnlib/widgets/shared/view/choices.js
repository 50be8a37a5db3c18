// Choices among numbers.
import { h, select } from "./dom.js";

/** Choices first to last. */
export const upTo = (last, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, i) => [first + i, String(first + i)]);

/** A choice that shows any value: one that is not among the usual ones is added to them. */
export function choiceOf(label, choices, onchange) {
  const control = select(choices, onchange);
  control.setAttribute("aria-label", label);
  return {
    control,
    show(value) {
      const text = Array.isArray(value) ? (value[0] === value[1] ? String(value[0]) : value.join(" × ")) : String(value);
      if (![...control.options].some((option) => option.value === text))
        control.append(h("option", { value: text, disabled: true }, text));
      control.value = text;
    },
  };
}
