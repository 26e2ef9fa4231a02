// A sentence as chips: a click hides a token from the model, another brings it back.

export default mount((root) => new TokenPicker(root));

class TokenPicker {
  constructor(root) {
    this.choice = new Choice();
    this.line = make("div", "line");
    this.line.setAttribute("role", "toolbar");
    this.readout = make("div", "readout quiet");
    this.readout.setAttribute("role", "status");
    root.append(this.line, this.readout);
    this.line.addEventListener("keydown", (event) => this.key(event));
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.selected, data.revision);
    this.line.setAttribute("aria-label", data.alt);
    this.line.classList.toggle("unstruck", data.strike === false);
    // The same buttons stay while the tokens do, so that the focus survives a rerun.
    const signature = JSON.stringify([data.tokens, data.disabled]);
    if (signature !== this.signature) this.build();
    this.signature = signature;
    this.show();
  }

  build() {
    this.chips = this.data.tokens.map((token, position) => this.chip(token, position));
    const words = [];
    this.data.tokens.forEach((token, position) => {
      if (!isPiece(token) || words.length === 0) words.push(make("span", "word"));
      words.at(-1).append(this.chips[position]);
    });
    this.line.replaceChildren(...words);
    this.reach(this.chips.find((chip) => !chip.disabled));
  }

  chip(token, position) {
    const chip = make("button", "chip");
    chip.type = "button";
    chip.disabled = this.data.disabled.includes(position);
    const text = make("bdi", "text");
    if (isPiece(token)) text.append(make("span", "hashes", "##"), token.slice(2));
    else text.textContent = token;
    chip.append(text, make("span", "mask"));
    chip.onclick = () => this.toggle(position);
    return chip;
  }

  toggle(position) {
    const marked = new Set(this.choice.value);
    const hide = !marked.has(position);
    for (const member of this.members(position)) hide ? marked.add(member) : marked.delete(member);
    this.choice.make([...marked].sort((a, b) => a - b), this.setStateValue);
    this.reach(this.chips[position]);
    this.show();
  }

  /** The positions that a click on this one takes along: its group, or itself alone. */
  members(position) {
    const { groups, disabled } = this.data;
    if (!groups) return [position];
    return groups.flatMap((group, other) => (group === groups[position] && !disabled.includes(other) ? [other] : []));
  }

  show() {
    const marked = new Set(this.choice.value);
    const { labels, tokens } = this.data;
    this.chips.forEach((chip, position) => {
      chip.setAttribute("aria-pressed", marked.has(position));
      chip.querySelector(".mask").textContent = marked.has(position) ? labels.masked : "";
    });
    this.readout.textContent = marked.size ? fill(labels.count, { count: marked.size, total: tokens.length }) : labels.hint;
  }

  /** One stop for the Tab key; the arrow keys go on from there. */
  reach(chip) {
    this.chips.forEach((other) => (other.tabIndex = other === chip ? 0 : -1));
  }

  key(event) {
    const open = this.chips.filter((chip) => !chip.disabled);
    const place = open.indexOf(event.target);
    const moves = {
      ArrowLeft: place - 1,
      ArrowUp: place - 1,
      ArrowRight: place + 1,
      ArrowDown: place + 1,
      Home: 0,
      End: open.length - 1,
    };
    if (place < 0 || !(event.key in moves)) return;
    const next = open[clamp(moves[event.key], 0, open.length - 1)];
    this.reach(next);
    next.focus();
    event.preventDefault();
  }
}

function isPiece(token) {
  return token.startsWith("##") && token.length > 2;
}
