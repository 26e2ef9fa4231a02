// One head's attention map [query, key]: a canvas for the cells, few DOM nodes for the rest. Hovering never calls Python.

const CELL_LARGEST = 44;
const CELL_SMALLEST = 13;
const CELL_TOUCH = 22; // the smallest that a finger can hit
const LABEL_FONT = 12.5;
const PICTURE_LABEL = 160; // a file has more room for a long token than a screen
export default mount((root) => new AttentionMap(root));

class AttentionMap {
  constructor(root) {
    this.root = root;
    this.choice = new Choice();
    this.hover = null; // {q, k}; k is -1 on a row's token
    this.cursor = null; // where the keyboard is, in the same form
    this.build();
    this.listen();
    this.observer = new ResizeObserver(() => {
      if (this.data && root.clientWidth !== this.width) this.layout();
    });
    this.observer.observe(root);
  }

  remove() {
    this.observer.disconnect();
  }

  build() {
    const parts = ["caption", "sentence", "scroller", "plot", "corner", "columns", "rows", "cells", "chosen", "readout", "bar"];
    for (const part of parts) this[part] = make("div", part);
    this.canvas = make("canvas");
    this.rowBand = make("div", "band");
    this.columnBand = make("div", "band");
    this.cells.append(this.canvas, this.rowBand, this.columnBand, this.chosen);
    this.cells.tabIndex = 0;
    this.cells.setAttribute("role", "grid");
    // A screen reader hears the one cell that has the focus. Two take turns, because a reader stays silent when the
    // text of the same node changes.
    this.spokenRow = make("div", "spoken");
    this.spokenRow.setAttribute("role", "row");
    this.spoken = [make("div"), make("div")];
    this.spoken.forEach((node, i) => (node.id = `spoken-${i}`));
    this.spokenRow.append(...this.spoken);
    this.cells.append(this.spokenRow);
    this.readout.id = "readout";
    this.cells.setAttribute("aria-describedby", "readout");
    this.plot.append(this.corner, this.columns, this.rows, this.cells);
    this.scroller.append(this.plot);
    this.save = new SaveButtons(() => this.picture());
    this.foot = make("div", "foot");
    this.foot.append(this.bar, this.save.node);
    this.root.append(this.caption, this.sentence, this.scroller, this.readout, this.foot);
  }

  listen() {
    const steps = (pointer, edge) => Math.floor((pointer - edge) / this.cell);
    const place = (event) => {
      const { left, top } = this.canvas.getBoundingClientRect();
      const [q, k] = [steps(event.clientY, top), steps(event.clientX, left)];
      return this.holds(q, k) ? { q, k } : null;
    };
    const rowOf = (event) => {
      const q = steps(event.clientY, this.canvas.getBoundingClientRect().top);
      return this.holds(q, 0) ? { q, k: -1 } : null;
    };
    const tokenOf = (event) => {
      const q = [...this.sentence.children].indexOf(event.target.closest(".token"));
      return q >= 0 && this.square ? { q, k: -1 } : null; // elsewhere a key is no query
    };
    for (const [area, find] of [[this.canvas, place], [this.rows, rowOf], [this.sentence, tokenOf]]) {
      area.addEventListener("pointermove", (event) => this.point(find(event)));
      area.addEventListener("pointerleave", () => this.point(null));
      area.addEventListener("click", (event) => this.pick(find(event)));
    }
    this.cells.addEventListener("keydown", (event) => this.key(event));
    this.cells.addEventListener("focus", () => {
      const [q, k] = this.choice.value ?? [0, 0];
      this.move(this.cursor ?? { q, k });
    });
    this.cells.addEventListener("blur", () => this.move(null));
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.values = floatsFrom(data.values);
    this.queries = data.query_tokens;
    this.keys = data.key_tokens;
    this.square = JSON.stringify(this.queries) === JSON.stringify(this.keys);
    this.choice.hear(data.selected, data.revision);
    // A shorter sentence may no longer have the place that was pointed at.
    const kept = (place) => (place && this.holds(place.q, Math.max(0, place.k)) ? place : null);
    this.hover = kept(this.hover);
    this.cursor = kept(this.cursor);
    this.theme = themeOf(this.root);
    this.colors = palette(this.theme, data.color, data.negative_color);
    this.save.update(data);
    this.cells.setAttribute("aria-label", data.alt);
    this.cells.setAttribute("aria-rowcount", this.queries.length);
    this.cells.setAttribute("aria-colcount", this.keys.length);
    this.sentence.replaceChildren(...this.keys.map((token) => make("bdi", this.square ? "token live" : "token", token)));
    this.layout();
  }

  holds(q, k) {
    return q >= 0 && k >= 0 && q < this.queries.length && k < this.keys.length;
  }

  at(q, k) {
    return this.values[q * this.keys.length + k];
  }

  strongest(q) {
    let best = 0;
    for (let k = 1; k < this.keys.length; k++) if (!(this.at(q, k) <= this.at(q, best))) best = k;
    return best;
  }

  /** Sizes from the width at hand: cells as large as fit, and a box that scrolls where the smallest do not. */
  layout() {
    this.width = this.root.clientWidth;
    if (this.width === 0) return; // in a closed tab; the observer calls again when it opens
    const longest = this.width < 480 ? 72 : 104;
    probe.font = `${LABEL_FONT}px ${this.theme.font}`;
    const widthOf = (tokens) => Math.min(longest, Math.ceil(Math.max(0, ...tokens.map((t) => probe.measureText(t).width))) + 3);
    const { query_axis, key_axis } = this.data.labels;
    const left = Math.max(widthOf(this.queries), widthOf([query_axis, key_axis])) + 9;
    const top = widthOf(this.keys);
    const lean = Math.round(top * 0.64); // how far the last label reaches to the right if it is slanted
    const fit = (width) => Math.floor((width - left - 8) / this.keys.length);
    const steep = fit(this.width - lean) < 20; // narrow cells have upright labels
    this.steep = steep;
    const room = fit(this.width - (steep ? 0 : lean));
    this.cell = clamp(room, matchMedia("(pointer: coarse)").matches ? CELL_TOUCH : CELL_SMALLEST, CELL_LARGEST);
    this.plot.style.gridTemplateColumns = `${left}px ${this.cell * this.keys.length + (steep ? 0 : lean)}px`;
    this.columns.style.height = `${Math.ceil(steep ? top + 8 : top * 0.77 + 14)}px`;
    this.columns.style.setProperty("--turn", steep ? "-90deg" : "-50deg");
    this.columns.style.setProperty("--longest", `${longest}px`);
    this.columns.replaceChildren(...this.keys.map((token, k) => this.label(token, "left", (k + 0.5) * this.cell)));
    this.rows.replaceChildren(...this.queries.map((token, q) => this.label(token, "top", q * this.cell)));
    this.rows.style.setProperty("--cell", `${this.cell}px`);
    this.cells.style.width = `${this.cell * this.keys.length}px`;
    this.cells.style.height = `${this.cell * this.queries.length}px`;
    this.corner.replaceChildren(make("span", "", key_axis), make("span", "", query_axis));
    this.draw();
    this.show();
  }

  label(token, side, offset) {
    const node = make("bdi", "", token);
    node.title = token;
    node.style[side] = `${offset}px`;
    return node;
  }

  draw() {
    const { low, high, digits, labels } = this.data;
    const context = sharp(this.canvas, this.cell * this.keys.length, this.cell * this.queries.length);
    const gap = this.gap();
    context.font = `${this.numberSize()}px ${this.theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const widest = context.measureText(numeral(low < 0 ? low : high, digits)).width;
    const numbers = this.data.show_numbers && widest + 3 + gap <= this.cell;
    this.numbered = numbers;
    const side = this.cell - gap;
    for (let q = 0; q < this.queries.length; q++) {
      for (let k = 0; k < this.keys.length; k++) {
        const value = this.at(q, k);
        const color = colorOf(this.colors, value, low, high);
        const [x, y] = [k * this.cell, q * this.cell];
        context.fillStyle = color?.fill ?? this.masked();
        context.fillRect(x, y, side, side);
        if (numbers) {
          const text = numeral(value, digits);
          context.fillStyle = color?.ink ?? cssOf(this.theme.text);
          context.globalAlpha = Number(text) === 0 || !color ? 0.6 : 1; // zeros step back, so that the rest stands out
          context.fillText(text, x + side / 2, y + side / 2 + 0.5);
          context.globalAlpha = 1;
        }
      }
    }
    drawBar(this.bar, labels.scale, this.colors, low, high, digits);
  }

  gap() {
    return this.cell >= 18 ? 1 : 0;
  }

  numberSize() {
    return clamp(this.cell * 0.31, 9.5, 12.5);
  }

  /** The colour of a cell without a finite value. */
  masked() {
    return cssOf(mix(this.theme.background, this.theme.text, 0.1));
  }

  /** The map as an SVG file: all of it, also what the screen would have to scroll to, without what is pointed at. */
  picture() {
    const { low, high, digits, labels, alt } = this.data;
    const { cell, steep, theme } = this;
    const [across, down] = [cell * this.keys.length, cell * this.queries.length];
    const axis = { size: 11, anchor: "end", most: PICTURE_LABEL, "fill-opacity": 0.75 };
    const widest = (texts, size) =>
      Math.min(PICTURE_LABEL, Math.max(...texts.map((text) => Math.ceil(pictureWidth(text, size)))));
    const names = [labels.query_axis, labels.key_axis];
    const left = PICTURE_MARGIN + Math.max(widest(this.queries, LABEL_FONT), widest(names, axis.size)) + 9;
    const longest = widest(this.keys, LABEL_FONT) + 3;
    const top = PICTURE_MARGIN + Math.max(36, steep ? longest + 8 : longest * 0.77 + 14); // 36: the two names of the axes
    const reach = (token, k) => // of a slanted label, to the right
      steep ? 0 : (k + 0.5) * cell + Math.min(PICTURE_LABEL, pictureWidth(token, LABEL_FONT)) * 0.64 + 6;

    const columns = this.keys.map((token, k) => {
      const turn = `translate(${left + (k + 0.5) * cell} ${top - 6}) rotate(${steep ? -90 : -50})`;
      return svgText(token, 0, 0, { size: LABEL_FONT, most: PICTURE_LABEL, transform: turn });
    });
    const rows = this.queries.map((token, q) =>
      svgText(token, left - 7, top + (q + 0.5) * cell, { size: LABEL_FONT, anchor: "end", most: PICTURE_LABEL }),
    );
    const side = cell - this.gap();
    // The file's font may be wider than the page's: then the numbers are a little smaller.
    const needed = pictureWidth(numeral(low < 0 ? low : high, digits), this.numberSize());
    const size = Number((this.numberSize() * Math.min(1, (side - 1) / needed)).toFixed(2));
    const [cells, numbers] = [[], []];
    for (let q = 0; q < this.queries.length; q++) {
      for (let k = 0; k < this.keys.length; k++) {
        const value = this.at(q, k);
        const color = colorOf(this.colors, value, low, high);
        cells.push(svgRect(k * cell, q * cell, side, side, color?.fill ?? this.masked()));
        if (!this.numbered) continue;
        const text = numeral(value, digits);
        const faint = Number(text) === 0 || !color ? { "fill-opacity": 0.6 } : {};
        const [x, y] = [k * cell + side / 2, q * cell + side / 2];
        numbers.push(svgText(text, x, y, { size, anchor: "middle", fill: color?.ink ?? cssOf(theme.text), ...faint }));
      }
    }
    const bar = svgBar(left, top + down + 16, labels.scale, this.colors, low, high, digits, theme);
    const parts = [
      svgText(labels.key_axis, left - 8, top - 27, axis),
      svgText(labels.query_axis, left - 8, top - 12, axis),
      svg("g", { class: "columns" }, ...columns),
      svg("g", { class: "rows" }, ...rows),
      svg("g", { class: "cells", transform: `translate(${left} ${top})`, "shape-rendering": "crispEdges" }, ...cells),
      svg("g", { class: "numbers", transform: `translate(${left} ${top})` }, ...numbers),
      svgEdge(left - 1, top - 1, across + 2, down + 2, theme),
      bar.svg,
    ];
    const width = left + Math.max(across, bar.width, ...this.keys.map(reach)) + PICTURE_MARGIN;
    return svgSheet(width, top + down + 16 + bar.height + PICTURE_MARGIN, theme, alt, parts);
  }

  /** Redraws what follows the pointer, the keyboard or the choice. */
  show() {
    if (!this.cell) return;
    const chosen = this.choice.value;
    const active = this.hover ?? this.cursor ?? (chosen ? { q: chosen[0], k: chosen[1] } : null);
    const length = this.cell;
    this.rowBand.hidden = !active;
    this.columnBand.hidden = !active || active.k < 0;
    this.chosen.hidden = !chosen;
    if (chosen) this.chosen.style.cssText = box(chosen[1] * length, chosen[0] * length, length, length);
    if (active) {
      this.rowBand.style.cssText = box(0, active.q * length, length * this.keys.length, length);
      this.columnBand.style.cssText = box(Math.max(0, active.k) * length, 0, length, length * this.queries.length);
    }
    [...this.rows.children].forEach((node, q) => node.classList.toggle("active", active?.q === q));
    [...this.columns.children].forEach((node, k) => node.classList.toggle("active", active?.k === k));
    this.shade(active);
    const { labels } = this.data;
    this.readout.textContent = active ? this.describe(active) : labels.hint;
    this.readout.classList.toggle("quiet", !active);
    this.caption.textContent = active ? fill(labels.sentence, { query: this.queries[active.q] }) : labels.hint_sentence;
    if (this.cursor) this.speak(this.cursor);
    else this.cells.removeAttribute("aria-activedescendant");
  }

  /** Colours the sentence by the weights of the active query's row. */
  shade(active) {
    [...this.sentence.children].forEach((node, k) => {
      const color = active && colorOf(this.colors, this.at(active.q, k), this.data.low, this.data.high);
      node.style.background = color ? color.fill : "";
      node.style.color = color ? color.ink : "";
      node.classList.toggle("origin", Boolean(active) && this.square && active.q === k);
      node.classList.toggle("target", active?.k === k);
    });
  }

  describe({ q, k }) {
    const key = k < 0 ? this.strongest(q) : k;
    const values = { query: this.queries[q], key: this.keys[key], value: numeral(this.at(q, key), 4) };
    return fill(k < 0 ? this.data.labels.row : this.data.labels.cell, values);
  }

  speak(place) {
    this.spoken.reverse();
    const [now, before] = this.spoken;
    before.removeAttribute("role");
    before.textContent = "";
    now.setAttribute("role", place.k < 0 ? "rowheader" : "gridcell");
    this.spokenRow.setAttribute("aria-rowindex", place.q + 1);
    if (place.k < 0) now.removeAttribute("aria-colindex");
    else now.setAttribute("aria-colindex", place.k + 1);
    now.setAttribute("aria-selected", String(this.choice.value) === `${place.q},${place.k}`);
    now.textContent = this.describe(place);
    this.cells.setAttribute("aria-activedescendant", now.id);
  }

  move(place) {
    this.cursor = place;
    this.show();
  }

  point(place) {
    if (place?.q === this.hover?.q && place?.k === this.hover?.k) return;
    this.hover = place;
    this.show();
  }

  pick(place) {
    if (!place) return;
    const k = place.k < 0 ? this.strongest(place.q) : place.k;
    if (this.cursor) this.cursor = place;
    this.choice.make([place.q, k], this.setStateValue);
    this.show();
  }

  key(event) {
    const { q, k } = this.cursor ?? { q: 0, k: 0 };
    const lastRow = this.queries.length - 1;
    const lastColumn = this.keys.length - 1;
    const moves = {
      ArrowUp: [q - 1, k],
      ArrowDown: [q + 1, k],
      ArrowLeft: [q, k - 1],
      ArrowRight: [q, k + 1],
      Home: [event.ctrlKey ? 0 : q, 0],
      End: [event.ctrlKey ? lastRow : q, lastColumn],
    };
    if (event.key in moves) {
      const [row, column] = moves[event.key];
      // One step to the left of the first cell lies the row's token, as on the screen.
      const place = { q: clamp(row, 0, lastRow), k: clamp(column, -1, lastColumn) };
      this.hover = null;
      this.scrollTo(place);
      this.move(place);
    } else if (event.key === "Enter" || event.key === " ") this.pick({ q, k });
    else if (event.key === "Escape") {
      this.choice.make(null, this.setStateValue);
      this.show();
    } else return;
    event.preventDefault();
  }

  scrollTo({ k }) {
    const seen = this.scroller.clientWidth - this.rows.offsetWidth;
    const x = Math.max(0, k) * this.cell;
    this.scroller.scrollLeft = clamp(this.scroller.scrollLeft, x + this.cell - seen, x);
  }
}

function box(x, y, width, height) {
  return `left:${x}px;top:${y}px;width:${width}px;height:${height}px`;
}
