// A small editor for Python: a real text area, so that it works with any keyboard and screen reader, with coloured words behind
// it, line numbers, and the keys that writing code needs. Tab indents; Escape and then Tab leaves the editor.

export default mount((root) => new CodeEditor(root));

const INDENT = "    ";
const PAUSE = 1200; // milliseconds without a key, after which what was typed is kept by the server

const TOKEN = new RegExp(
  [
    /(?<comment>#[^\n]*)/,
    /(?<string>[rbfRBF]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    /(?<keyword>\b(?:and|as|assert|break|class|continue|def|del|elif|else|except|finally|for|from|if|import|in|is|lambda|not|or|pass|raise|return|try|while|with|yield|None|True|False)\b)/,
    /(?<number>\b\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?\b)/,
    /(?<name>[^\W\d]\w*(?=\s*\())/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);

class CodeEditor {
  constructor(root) {
    this.revision = -1;
    this.leaving = false;
    this.box = make("div", "box");
    this.lines = make("div", "lines");
    this.lines.setAttribute("aria-hidden", "true");
    this.paint = make("pre", "paint");
    this.paint.setAttribute("aria-hidden", "true");
    this.area = make("textarea", "area");
    Object.assign(this.area, { spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off" });
    this.area.setAttribute("autocorrect", "off");
    const page = make("div", "page");
    page.append(this.paint, this.area);
    this.sheet = make("div", "sheet");
    this.sheet.append(page);
    this.box.append(this.lines, this.sheet);
    this.hint = make("div", "readout quiet");
    root.append(this.box, this.hint);
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("blur", () => this.send());
    this.area.addEventListener("keydown", (event) => this.key(event));
    // The page's own shortcuts must not see what is typed here.
    for (const kind of ["keyup", "keypress"]) this.area.addEventListener(kind, (event) => event.stopPropagation());
  }

  remove() {
    this.send();
  }

  update(data, setStateValue, setTriggerValue) {
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.area.setAttribute("aria-label", data.label);
    this.hint.textContent = data.hint;
    this.box.classList.toggle("dark", themeOf(this.box).dark);
    if (data.revision !== this.revision) {
      this.revision = data.revision;
      this.area.value = this.sent = data.code;
    }
    this.wrong = this.area.value === data.checked ? data.line : null;
    this.draw();
  }

  typed() {
    this.wrong = null;
    this.draw();
    // The browser only brings the caret to the edge; at a line's beginning, the whole line is wanted.
    const column = this.area.selectionStart - this.area.value.lastIndexOf("\n", this.area.selectionStart - 1) - 1;
    if (column < 24) this.sheet.scrollLeft = 0;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), PAUSE);
  }

  send() {
    clearTimeout(this.timer);
    if (this.area.value === this.sent) return;
    this.sent = this.area.value;
    this.setStateValue("code", { text: this.sent, revision: this.revision });
  }

  key(event) {
    event.stopPropagation();
    const { area } = this;
    if (event.key === "Escape") {
      this.leaving = true;
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send();
      this.setTriggerValue("run", true);
    } else if (event.key === "Tab" && !this.leaving) {
      event.preventDefault();
      this.indent(event.shiftKey);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const before = area.value.slice(0, area.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      this.insert("\n" + line.match(/^ */)[0] + (/:\s*(#.*)?$/.test(line) ? INDENT : ""));
    } else if (event.key === "Backspace" && area.selectionStart === area.selectionEnd) {
      const before = area.value.slice(0, area.selectionStart);
      const spaces = before.slice(before.lastIndexOf("\n") + 1);
      if (/^(?: {4})+$/.test(spaces)) {
        event.preventDefault();
        area.setSelectionRange(area.selectionStart - INDENT.length, area.selectionStart);
        this.insert("");
      }
    }
    this.leaving = false;
  }

  /** Replaces the selection as if it had been typed, so that undo works. */
  insert(text) {
    this.area.focus();
    const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    if (!done) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.typed();
    }
  }

  /** Moves the selected lines to the right or back; without a selection, writes an indent. */
  indent(back) {
    const { area } = this;
    const { value, selectionStart, selectionEnd } = area;
    if (selectionStart === selectionEnd && !back) return this.insert(INDENT);
    const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const end = value.indexOf("\n", Math.max(selectionEnd - 1, start));
    const block = value.slice(start, end < 0 ? value.length : end);
    const moved = block.replace(back ? /^ {1,4}/gm : /^(?=.)/gm, back ? "" : INDENT);
    if (moved === block) return;
    area.setSelectionRange(start, start + block.length);
    this.insert(moved);
    if (selectionStart !== selectionEnd) area.setSelectionRange(start, start + moved.length);
  }

  draw() {
    const code = this.area.value;
    const parts = [];
    let end = 0;
    for (const match of code.matchAll(TOKEN)) {
      parts.push(code.slice(end, match.index));
      const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
      parts.push(make("span", kind, match[0]));
      end = match.index + match[0].length;
    }
    parts.push(code.slice(end) + "\n");
    this.paint.replaceChildren(...parts);
    const count = code.split("\n").length;
    const line = (_, index) => make("span", index + 1 === this.wrong ? "wrong" : "", String(index + 1));
    this.lines.replaceChildren(...Array.from({ length: count }, line));
  }
}
