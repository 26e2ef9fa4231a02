// A model to operate on: a row a layer, with a switch for the layer and a cell for each of its heads. What is off is a list
// of places, row by row: the layer's own switch first, then its heads. Removed layers keep their heads' cells for later.

export default mount((root) => new SurgeryBoard(root));

class SurgeryBoard {
  constructor(root) {
    this.root = root;
    this.choice = new Choice();
    this.start = make("div", "end");
    this.rows = make("div", "rows");
    this.rows.setAttribute("role", "group");
    this.finish = make("div", "end");
    this.readout = make("div", "readout quiet");
    this.readout.setAttribute("role", "status");
    root.append(this.start, this.rows, this.finish, this.readout);
    this.rows.addEventListener("keydown", (event) => this.key(event));
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.selected, data.revision);
    this.root.style.setProperty("--on", data.color);
    this.root.style.setProperty("--ink", luminance(rgb(data.color)) > 0.179 ? "#111418" : "#ffffff");
    this.root.style.setProperty("--heads", data.heads);
    this.rows.setAttribute("aria-label", data.alt);
    this.start.textContent = data.labels.start;
    this.finish.textContent = data.labels.finish;
    // The same buttons stay while the shape does, so that the focus survives a rerun.
    if (this.shape !== `${data.layers}x${data.heads}`) this.build();
    this.show();
  }

  build() {
    const { layers, heads } = this.data;
    this.shape = `${layers}x${heads}`;
    this.buttons = [];
    const rows = Array.from({ length: layers }, (_, layer) => {
      const row = make("div", "row");
      for (let column = 0; column <= heads; column++) row.append(this.button(layer, column));
      return row;
    });
    this.rows.replaceChildren(...rows);
    this.reach(this.buttons[0]);
  }

  button(layer, column) {
    const place = this.buttons.length;
    const button = make("button", column ? "cell" : "switch");
    button.type = "button";
    if (column) button.textContent = column;
    else {
      button.setAttribute("role", "switch");
      const knob = make("span", "knob");
      knob.append(make("span", "dot"));
      button.append(knob, make("span", "name"));
    }
    button.onclick = () => button.getAttribute("aria-disabled") !== "true" && this.toggle(place);
    button.onpointerenter = button.onfocus = () => this.read(place);
    button.onpointerleave = button.onblur = () => this.read(null);
    this.buttons.push(button);
    return button;
  }

  places(place) {
    const wide = this.data.heads + 1;
    return [Math.floor(place / wide), place % wide];
  }

  toggle(place) {
    const off = new Set(this.choice.value);
    off.has(place) ? off.delete(place) : off.add(place);
    this.choice.make([...off].sort((a, b) => a - b), this.setStateValue);
    this.reach(this.buttons[place]);
    this.show();
    this.read(place);
  }

  show() {
    const off = new Set(this.choice.value);
    const { labels, heads } = this.data;
    this.buttons.forEach((button, place) => {
      const [layer, column] = this.places(place);
      const gone = off.has(layer * (heads + 1));
      const on = !off.has(place);
      if (column === 0) {
        button.querySelector(".name").textContent = fill(labels.layer, { number: `${layer + 1}` });
        button.setAttribute("aria-checked", on);
        button.parentElement.classList.toggle("gone", gone);
      } else {
        button.setAttribute("aria-pressed", on && !gone);
        button.classList.toggle("off", !on);
        // A head of a layer that is gone cannot be asked, but it can be reached: the layer is put back by its switch.
        button.setAttribute("aria-disabled", gone);
        button.setAttribute("aria-label", this.said(place));
      }
    });
    if (this.pointed === undefined || this.pointed === null) this.read(null);
  }

  said(place) {
    const off = new Set(this.choice.value);
    const [layer, column] = this.places(place);
    const { labels, heads } = this.data;
    const blanks = { layer: `${layer + 1}`, head: `${column}` };
    if (column === 0) return fill(off.has(place) ? labels.layer_off : labels.layer_on, blanks);
    if (off.has(layer * (heads + 1))) return fill(labels.head_gone, blanks);
    return fill(off.has(place) ? labels.head_off : labels.head_on, blanks);
  }

  read(place) {
    this.pointed = place;
    this.readout.textContent = place === null ? this.data.labels.hint : this.said(place);
    this.readout.classList.toggle("quiet", place === null);
  }

  /** One stop for the Tab key; the arrow keys go on from there. */
  reach(button) {
    this.buttons.forEach((other) => (other.tabIndex = other === button ? 0 : -1));
  }

  key(event) {
    const { layers, heads } = this.data;
    const place = this.buttons.indexOf(event.target.closest("button"));
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -heads], End: [0, heads] };
    if (place < 0 || !(event.key in moves)) return;
    const [layer, column] = this.places(place);
    const [down, right] = moves[event.key];
    const next = this.buttons[clamp(layer + down, 0, layers - 1) * (heads + 1) + clamp(column + right, 0, heads)];
    this.reach(next);
    next.focus();
    event.preventDefault();
  }
}
