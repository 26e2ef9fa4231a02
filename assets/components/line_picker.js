// Numbered lines of code or text, of which the reader picks one.

export default mount((root) => new LinePicker(root));

class LinePicker {
  constructor(root) {
    this.choice = new Choice();
    this.root = root;
    this.root.setAttribute("role", "radiogroup");
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.selected, data.revision);
    this.root.setAttribute("aria-label", data.alt);
    this.root.classList.toggle("code", data.code);
    const signature = JSON.stringify(data.lines);
    if (signature !== this.signature) this.build();
    this.signature = signature;
    this.show();
  }

  build() {
    this.rows = this.data.lines.map((line, place) => {
      const row = make("button", "row");
      row.type = "button";
      row.setAttribute("role", "radio");
      row.append(make("span", "number", String(place + 1)), make("bdi", "text", line || " "), make("span", "verdict"));
      row.onclick = () => this.pick(place);
      return row;
    });
    this.root.replaceChildren(...this.rows);
  }

  pick(place) {
    if (!this.data.lines[place].trim()) return;
    this.choice.make(place, this.setStateValue);
    this.show();
  }

  show() {
    const { right, labels } = this.data;
    const chosen = this.choice.value;
    this.rows.forEach((row, place) => {
      const picked = place === chosen;
      const known = right !== null && chosen !== null;
      row.setAttribute("aria-checked", picked);
      row.tabIndex = picked || (chosen === null && place === 0) ? 0 : -1;
      row.classList.toggle("right", known && place === right);
      row.classList.toggle("wrong", known && picked && place !== right);
      row.querySelector(".verdict").textContent = known && place === right ? labels.right : known && picked ? labels.wrong : "";
    });
  }

  key(event) {
    const place = this.rows.indexOf(event.target);
    const moves = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: this.rows.length - 1 };
    if (place < 0 || !(event.key in moves)) return;
    this.rows[clamp(moves[event.key], 0, this.rows.length - 1)].focus();
    event.preventDefault();
  }
}
