// Several maps of the same rows and columns beside each other: what is pointed at in one is read in all. With more than one
// frame a slider goes through them, and a button plays them; both without Python, which hears where the reader stopped.

const FRAME_MILLISECONDS = 550;
const LABEL_SIZE = 11;
export default mount((root) => new MapWall(root));

class MapWall {
  constructor(root) {
    this.root = root;
    this.choice = new Choice();
    this.pointed = null; // [row, column]
    this.timer = 0;
    this.bar = make("div", "frames");
    this.play = make("button", "play");
    this.play.type = "button";
    this.play.onclick = () => (this.timer ? this.halt() : this.start());
    this.slider = make("input", "slider");
    this.slider.type = "range";
    this.slider.min = 0;
    this.slider.oninput = () => this.go(Number(this.slider.value));
    this.slider.onchange = () => this.tell();
    this.step = make("output", "step");
    this.bar.append(this.play, this.slider, this.step);
    this.maps = make("div", "maps");
    this.maps.tabIndex = 0;
    this.maps.setAttribute("role", "group");
    this.maps.addEventListener("keydown", (event) => this.key(event));
    this.maps.addEventListener("pointerleave", () => this.point(null));
    this.readout = make("div", "readout");
    this.readout.setAttribute("role", "status");
    this.scale = make("div", "bar");
    this.save = new SaveButtons(() => wallPicture(this));
    const foot = make("div", "foot");
    foot.append(this.scale, this.save.node);
    root.append(this.bar, this.maps, this.readout, foot);
    this.observer = new ResizeObserver(() => {
      if (this.data && root.clientWidth !== this.width) this.layout();
    });
    this.observer.observe(root);
  }

  remove() {
    this.stop();
    this.observer.disconnect();
  }

  update(data, setStateValue) {
    const before = this.data;
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.frame, data.revision);
    this.values = data.frames.map((frame) => floatsFrom(frame.values));
    const last = data.frames.length - 1;
    if (!this.timer) this.frame = clamp(this.choice.value ?? last, 0, last);
    this.frame = Math.min(this.frame, last);
    this.bar.hidden = last < 1;
    this.slider.max = last;
    this.slider.setAttribute("aria-label", data.labels.slider);
    this.maps.setAttribute("aria-label", data.alt);
    this.theme = themeOf(this.root);
    const names = JSON.stringify([data.names, data.lead]);
    if (!before || names !== this.names) this.build();
    this.names = names;
    if (this.pointed && !this.holds(...this.pointed)) this.pointed = null;
    this.colors = data.colors.map((color) => palette(this.theme, color, null));
    this.save.update(data);
    drawBar(this.scale, data.labels.scale, this.colors[0], data.low, data.high, data.digits);
    this.layout();
  }

  build() {
    this.parts = this.data.names.map((name, i) => {
      const part = make("figure", this.data.lead && i === 0 ? "part lead" : "part");
      const title = make("figcaption", "title");
      const dot = make("span", "dot");
      const text = make("bdi", "", name);
      title.append(dot, text);
      const canvas = make("canvas");
      canvas.setAttribute("role", "img");
      const note = make("div", "note");
      part.append(title, canvas, note);
      const place = (event) => this.point(this.placeOf(event, i));
      canvas.addEventListener("pointermove", place);
      canvas.addEventListener("pointerdown", place);
      return { part, dot, canvas, note };
    });
    this.maps.replaceChildren(...this.parts.map(({ part }) => part));
    this.maps.classList.toggle("led", this.data.lead);
    this.maps.style.setProperty("--least", `${this.data.columns.length > 8 ? 230 : 150}px`); // words need room, numbers do not
  }

  holds(row, column) {
    return row >= 0 && column >= 0 && row < this.data.rows.length && column < this.data.columns.length;
  }

  at(map, row, column) {
    const { rows, columns } = this.data;
    return this.values[this.frame][(map * rows.length + row) * columns.length + column];
  }

  labelled(i) {
    return !this.data.lead || i === 0;
  }

  layout() {
    this.width = this.root.clientWidth;
    if (this.width === 0) return;
    const { rows, columns } = this.data;
    probe.font = `${LABEL_SIZE}px ${this.theme.font}`;
    const longest = (texts) => Math.min(84, Math.ceil(Math.max(0, ...texts.map((text) => probe.measureText(text).width))) + 8);
    this.left = longest(rows);
    // Short names of columns stand upright; words lean.
    this.upright = longest(columns) <= 30;
    this.top = this.upright ? 18 : Math.round(longest(columns) * 0.78) + 12;
    this.parts.forEach(({ part, canvas }, i) => {
      const room = part.clientWidth;
      const [left, top] = this.labelled(i) ? [this.left, this.top] : [1, 1];
      const lean = this.labelled(i) && !this.upright ? Math.round(this.top * 0.7) : 0;
      const size = Math.max(4, Math.min(this.data.largest, (room - left - lean - 2) / columns.length));
      const tall = this.data.lead ? size : Math.min(size, 34);
      const box = { left, top, wide: size, tall, width: left + size * columns.length + lean + 2 };
      box.height = top + tall * rows.length + 2;
      this.parts[i].box = box;
      this.parts[i].context = sharp(canvas, box.width, box.height);
    });
    this.draw();
  }

  draw() {
    const { frames, labels, names } = this.data;
    const frame = frames[this.frame];
    this.parts.forEach((part, i) => {
      this.drawMap(i);
      part.dot.style.background = this.data.colors[i];
      part.note.textContent = frame.notes[i];
      part.canvas.setAttribute("aria-label", `${names[i]}. ${frame.notes[i]}`);
    });
    this.slider.value = this.frame;
    this.slider.setAttribute("aria-valuetext", frame.label);
    this.step.textContent = frame.label;
    this.play.textContent = this.timer ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", this.timer ? labels.pause : labels.play);
    this.read();
  }

  drawMap(i) {
    const { rows, columns, low, high, marks, stars, numbers } = this.data;
    const { context, box } = this.parts[i];
    const { left, top, wide, tall } = box;
    const ink = cssOf(this.theme.text);
    context.clearRect(0, 0, box.width, box.height);
    context.textBaseline = "middle";
    for (let row = 0; row < rows.length; row++) {
      for (let column = 0; column < columns.length; column++) {
        const value = this.at(i, row, column);
        const color = colorOf(this.colors[i], value, low, high);
        const [x, y] = [left + column * wide, top + row * tall];
        if (color) {
          context.fillStyle = color.fill;
          const gap = wide > 14 ? 1 : 0;
          context.fillRect(x, y, wide - gap, tall - gap);
        }
      }
    }
    drawPath(marks[i] ?? [], context, box, ink);
    if (numbers && wide >= 26) drawNumbers(this, i, context, box, ink);
    context.strokeStyle = cssOf(mix(this.theme.background, this.theme.text, 0.25));
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, wide * columns.length + 1, tall * rows.length + 1);
    if (this.labelled(i)) drawLabels(this, context, box, ink);
    const path = marks[i] ?? [];
    context.strokeStyle = ink;
    context.lineWidth = 2.5;
    path.forEach(([row, column]) => context.strokeRect(left + column * wide + 1.5, top + row * tall + 1.5, wide - 4, tall - 4));
    for (const [row, column] of stars[this.frame]?.[i] ?? []) {
      const color = colorOf(this.colors[i], this.at(i, row, column), low, high);
      context.fillStyle = color ? color.ink : ink;
      context.font = `11px ${this.theme.font}`;
      context.textAlign = "right";
      context.fillText("★", left + (column + 1) * wide - 5, top + row * tall + 9);
    }
    if (this.pointed) {
      const [row, column] = this.pointed;
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.strokeRect(left + column * wide, top + row * tall, wide, tall);
      context.globalAlpha = 0.35;
      context.strokeRect(left, top + row * tall, wide * columns.length, tall);
      context.globalAlpha = 1;
    }
  }

  placeOf(event, i) {
    const { canvas, box } = this.parts[i];
    const { left, top } = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - top - box.top) / box.tall);
    const column = Math.floor((event.clientX - left - box.left) / box.wide);
    return this.holds(row, column) ? [row, column] : null;
  }

  point(place) {
    if (JSON.stringify(place) === JSON.stringify(this.pointed)) return;
    this.pointed = place;
    this.parts.forEach((_, i) => this.drawMap(i));
    this.read();
  }

  read() {
    const { labels, names, rows, columns } = this.data;
    this.readout.classList.toggle("quiet", !this.pointed);
    if (!this.pointed) {
      this.readout.textContent = labels.hint;
      return;
    }
    const [row, column] = this.pointed;
    const found = names.map((name, i) => `${name} ${numeral(this.at(i, row, column), 3)}`);
    this.readout.textContent = `${fill(labels.cell, { row: rows[row], column: columns[column] })} ${found.join(" · ")}`;
  }

  key(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (!(event.key in moves) || event.target !== this.maps) return;
    const [row, column] = this.pointed ?? [0, 0];
    const [down, right] = this.pointed ? moves[event.key] : [0, 0];
    this.point([clamp(row + down, 0, this.data.rows.length - 1), clamp(column + right, 0, this.data.columns.length - 1)]);
    event.preventDefault();
  }

  go(frame) {
    this.stop();
    this.frame = clamp(frame, 0, this.data.frames.length - 1);
    this.draw();
  }

  start() {
    const last = this.data.frames.length - 1;
    if (this.frame >= last) this.frame = -1;
    const next = () => {
      this.frame += 1;
      if (this.frame >= this.data.frames.length - 1) {
        this.halt();
        return;
      }
      this.draw();
    };
    this.timer = setInterval(next, FRAME_MILLISECONDS);
    next();
  }

  halt() {
    this.stop();
    this.frame = clamp(this.frame, 0, this.data.frames.length - 1);
    this.draw();
    this.tell();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  tell() {
    this.choice.make(this.frame, this.setStateValue);
  }
}
