// The editor of the page's cells: CodeMirror with what Python needs. `npm run build` here writes
// assets/python/codemirror.js, which is committed, so that building the book needs no Node.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

// The line in which an error arose.
const mark = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(lines, { effects, docChanged, state }) {
    for (const effect of effects)
      if (effect.is(mark)) {
        const known = effect.value && effect.value <= state.doc.lines;
        const line = Decoration.line({ class: "error-line" });
        return known ? Decoration.set(line.range(state.doc.line(effect.value).from)) : Decoration.none;
      }
    return docChanged ? Decoration.none : lines;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** An editor at the end of `parent`. Tab leaves it, as it leaves any field. */
export function createEditor({ text, parent, label, onRun, onChange }) {
  const run = (key) => ({ key, preventDefault: true, run: () => (onRun(), true) });
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([run("Shift-Enter"), run("Mod-Enter")]),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
        history(), drawSelection(), closeBrackets(), bracketMatching(), indentOnInput(),
        indentUnit.of("    "), python(), syntaxHighlighting(classHighlighter), marked,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of(({ docChanged }) => docChanged && onChange()),
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    get text() { return view.state.doc.toString(); },
    set text(insert) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert } }); },
    markLine: (line) => view.dispatch({ effects: mark.of(line) }),
  };
}
