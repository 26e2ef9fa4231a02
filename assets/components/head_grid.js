// All heads of a model at a glance: layers as rows, heads as columns, each a small canvas on a button, or one number.

const TILE_LARGEST = 84;
const TILE_SMALLEST = 30;
const GAP = 4;
const TILE_PICTURE = 56; // the smallest in a file, which no narrow screen limits
const PICTURE_WEIGHT = 1_000_000; // characters that the thumbnails of a file may take
export default mount((root) => new HeadGrid(root));

class HeadGrid {
  constructor(root) {
    this.root = root;
    this.choice = new Choice();
    this.tiles = [];
    this.scroller = make("div", "scroller");
    this.board = make("div", "board");
    this.board.setAttribute("role", "group");
    this.readout = make("div", "readout");
    this.bar = make("div", "bar");
    this.save = new SaveButtons(() => this.picture());
    this.foot = make("div", "foot");
    this.foot.append(this.readout, this.save.node);
    this.scroller.append(this.board);
    root.append(this.scroller, this.foot, this.bar);
    this.board.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(root);
  }

  remove() {
    this.observer.disconnect();
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.selected, data.revision);
    this.values = data.values && floatsFrom(data.values);
    this.theme = themeOf(this.root);
    this.colors = palette(this.theme, data.color, data.negative_color);
    this.inks = new Uint32Array(new Uint8Array(this.colors.flatMap(({ rgb }) => [...rgb, 255])).buffer);
    this.save.update(data);
    this.board.setAttribute("aria-label", data.alt);
    // The same buttons stay while the shape does, so that the focus survives a change of the data.
    if (this.shape !== `${data.layers}x${data.heads}`) this.build();
    this.headings.forEach(({ node, template, number }) => (node.textContent = this.heading(template, number)));
    this.draw();
    this.layout();
    this.show();
  }

  heading(template, number) {
    return this.data.labels[template].replace("{number}", number);
  }

  build() {
    const { layers, heads } = this.data;
    this.shape = `${layers}x${heads}`;
    this.tiles = [];
    this.headings = [];
    const heading = (template, number) => {
      const node = make("div", template);
      this.headings.push({ node, template, number });
      return node;
    };
    const nodes = [make("div", "layer")];
    for (let head = 0; head < heads; head++) nodes.push(heading("head", head + 1));
    for (let layer = 0; layer < layers; layer++) {
      nodes.push(heading("layer", layer + 1));
      for (let head = 0; head < heads; head++) nodes.push(this.tile(layer, head));
    }
    this.board.replaceChildren(...nodes);
  }

  tile(layer, head) {
    const button = make("button", "tile");
    button.type = "button";
    const canvas = make("canvas");
    const number = make("span", "number");
    button.append(canvas, number);
    const tile = { button, canvas, number, layer, head };
    button.onclick = () => {
      this.choice.make([layer, head], this.setStateValue);
      this.show();
    };
    button.onpointerenter = button.onfocus = () => this.read(tile);
    button.onpointerleave = button.onblur = () => this.read(null);
    this.tiles.push(tile);
    return button;
  }

  draw() {
    const { low, high, digits, labels } = this.data;
    const pixels = this.data.pixels && bytesFrom(this.data.pixels);
    const size = this.data.rows * this.data.columns;
    this.tiles.forEach((tile, i) => {
      const value = this.values?.[i];
      const color = this.values ? colorOf(this.colors, value, low, high) : null;
      tile.button.style.background = color?.fill ?? "";
      tile.number.textContent = this.values ? numeral(value, digits) : "";
      tile.number.style.color = color?.ink ?? "";
      tile.canvas.hidden = Boolean(this.values);
      if (!this.values) this.paint(tile.canvas, pixels.subarray(i * size, (i + 1) * size));
      tile.text = fill(labels.tooltip, { layer: tile.layer + 1, head: tile.head + 1, value: this.values ? numeral(value, 4) : "" });
      tile.button.setAttribute("aria-label", tile.text);
    });
    this.bar.hidden = !this.values;
    if (this.values) drawBar(this.bar, labels.scale, this.colors, low, high, digits);
    if (!this.pointed) this.read(null);
  }

  paint(canvas, bytes) {
    canvas.width = this.data.columns;
    canvas.height = this.data.rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(this.data.columns, this.data.rows);
    const words = new Uint32Array(image.data.buffer); // one write a pixel instead of four
    for (let i = 0; i < bytes.length; i++) words[i] = this.inks[bytes[i]];
    context.putImageData(image, 0, 0);
  }

  /** The grid as an SVG file. */
  picture() {
    const { layers, heads, low, high, digits, labels, alt } = this.data;
    const { theme } = this;
    const side = Math.max(this.side, TILE_PICTURE);
    const names = (template, count) => Array.from({ length: count }, (_, i) => this.heading(template, i + 1));
    const [rowNames, columnNames] = [names("layer", layers), names("head", heads)];
    const most = 160;
    const left = PICTURE_MARGIN + Math.min(most, Math.max(...rowNames.map((name) => Math.ceil(pictureWidth(name, 12))))) + 8;
    const top = PICTURE_MARGIN + 20;
    const step = side + GAP;
    const middle = (i) => i * step + side / 2;
    const [right, bottom] = [left + heads * step - GAP, top + layers * step - GAP];
    const inside = this.values ? this.tiles.map((tile, i) => this.svgNumber(i, side)) : this.svgThumbnails(side);
    const tiles = this.tiles.map(({ layer, head }, i) => {
      const fill = (this.values && colorOf(this.colors, this.values[i], low, high)?.fill) ?? "none";
      const edge = svgEdge(0, 0, side, side, theme, this.values && { fill, rx: 4 });
      const place = `translate(${left + head * step} ${top + layer * step})`;
      return svg("g", { class: "tile", transform: place }, ...(this.values ? [edge, inside[i]] : [inside[i], edge]));
    });
    const bar = this.values && svgBar(left, bottom + 16, labels.scale, this.colors, low, high, digits, theme);
    const parts = [
      ...columnNames.map((name, i) => svgText(name, left + middle(i), top - 12, { size: 12, anchor: "middle", most: step })),
      ...rowNames.map((name, i) => svgText(name, left - 8, top + middle(i), { size: 12, anchor: "end", most })),
      ...tiles,
      bar ? bar.svg : "",
    ];
    const width = Math.max(right, left + (bar ? bar.width : 0)) + PICTURE_MARGIN;
    return svgSheet(width, bottom + (bar ? 16 + bar.height : 0) + PICTURE_MARGIN, theme, alt, parts);
  }

  svgNumber(i, side) {
    const { low, high, digits } = this.data;
    const text = numeral(this.values[i], digits);
    const wanted = clamp(side * 0.28, 9, 13);
    const size = Number((wanted * Math.min(1, (side - 4) / pictureWidth(text, wanted))).toFixed(2));
    const fill = colorOf(this.colors, this.values[i], low, high)?.ink ?? cssOf(this.theme.text);
    return svgText(text, side / 2, side / 2, { size, anchor: "middle", fill });
  }

  /** The thumbnails as rectangles, a run of equal cells as one; as pictures where that would be a heavy file, and then
   *  with fewer pixels where even those would be. */
  svgThumbnails(side) {
    const { rows, columns } = this.data;
    const pixels = bytesFrom(this.data.pixels);
    const grids = [];
    let weight = 0;
    for (let i = 0; i < this.tiles.length && weight <= PICTURE_WEIGHT; i++) {
      const rects = [svgRect(0, 0, columns, rows, this.colors[0].fill)];
      for (let row = 0; row < rows; row++) {
        const line = pixels.subarray((i * rows + row) * columns, (i * rows + row + 1) * columns);
        for (let start = 0, end; start < columns; start = end) {
          for (end = start + 1; end < columns && line[end] === line[start]; ) end++;
          if (line[start] > 0) rects.push(svgRect(start, row, end - start, 1, this.colors[line[start]].fill));
        }
      }
      const fit = { transform: `scale(${side / columns} ${side / rows})`, "shape-rendering": "crispEdges" };
      grids.push(svg("g", fit, ...rects));
      weight += grids.at(-1).length;
    }
    if (weight <= PICTURE_WEIGHT) return grids;
    for (let size = Math.max(rows, columns); ; size = Math.floor(size * 0.8)) {
      const images = this.tiles.map(({ canvas }) => smaller(canvas, size).toDataURL("image/png"));
      if (size > 8 && images.reduce((sum, image) => sum + image.length, 0) > PICTURE_WEIGHT) continue;
      const style = columns <= side ? "image-rendering:pixelated" : "";
      const place = { width: side, height: side, preserveAspectRatio: "none", style };
      return images.map((href) => svg("image", { ...place, "xlink:href": href }));
    }
  }

  layout() {
    const width = this.root.clientWidth;
    if (!this.data || width === 0) return;
    const room = Math.floor((width - 44) / this.data.heads) - GAP;
    const side = clamp(room, TILE_SMALLEST, TILE_LARGEST);
    this.side = side;
    this.board.style.setProperty("--tile", `${side}px`);
    this.board.style.gridTemplateColumns = `max-content repeat(${this.data.heads}, ${side}px)`;
    // A map with fewer cells than pixels keeps its cells sharp; a larger one is smoothed as it shrinks.
    this.board.classList.toggle("coarse", this.data.columns <= side);
  }

  show() {
    const [layer, head] = this.choice.value ?? [0, 0];
    this.tiles.forEach((tile) => {
      const here = tile.layer === layer && tile.head === head;
      tile.button.setAttribute("aria-pressed", here && this.choice.value !== null);
      // One stop for the Tab key; the arrow keys go on from there.
      tile.button.tabIndex = here ? 0 : -1;
    });
  }

  read(tile) {
    this.pointed = tile;
    this.readout.textContent = tile ? tile.text : this.data.labels.hint;
    this.readout.classList.toggle("quiet", !tile);
  }

  key(event) {
    const { layers, heads } = this.data;
    const now = this.tiles.find((tile) => tile.button === event.target);
    const moves = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      Home: [0, -heads],
      End: [0, heads],
    };
    if (!now || !(event.key in moves)) return;
    const [down, right] = moves[event.key];
    const layer = clamp(now.layer + down, 0, layers - 1);
    const head = clamp(now.head + right, 0, heads - 1);
    this.tiles.forEach((tile) => (tile.button.tabIndex = -1));
    const next = this.tiles[layer * heads + head];
    next.button.tabIndex = 0;
    next.button.focus();
    event.preventDefault();
  }
}

/** The canvas, or a copy with at most `size` pixels along a side. */
function smaller(canvas, size) {
  if (Math.max(canvas.width, canvas.height) <= size) return canvas;
  const copy = make("canvas");
  copy.width = Math.min(canvas.width, size);
  copy.height = Math.min(canvas.height, size);
  copy.getContext("2d").drawImage(canvas, 0, 0, copy.width, copy.height);
  return copy;
}
