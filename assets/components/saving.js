// A figure as a file. The browser writes it from the data, as SVG text, so no server and no network is asked. Put between
// common.js and the component that can be saved.

// A file cannot use the page's web font: it is measured and written in fonts that the reader's machine has.
const PICTURE_FONT = "'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif";
const PICTURE_MARGIN = 16;
const PICTURE_TEXT = 12.5;
const PICTURE_SCALES = [2, 1, 0.5]; // pixels of a PNG for each unit of the SVG; the smaller ones where a browser refuses
const BAR_WIDTH = 180;
const ARROW = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 2v8M4.8 7 8 10.2 11.2 7M2.8 11v2.7h10.4V11"/></svg>';
const RIGHT_TO_LEFT = /^[^\p{L}]*[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/u; // by the first letter, as in a <bdi>

/** Text as XML may hold it: its signs escaped, and what XML forbids (most control characters) replaced. */
function escaped(text) {
  const allowed = String(text).replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
  return allowed.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** An SVG element as text. What is inside comes as SVG already. */
function svg(name, attributes, ...inside) {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${written.join("")}>${inside.join("")}</${name}>`;
}

/** The same for a rectangle, of which a figure has thousands: numbers and our own colours need no escaping. */
function svgRect(x, y, width, height, fill) {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`;
}

function pictureWidth(text, size) {
  probe.font = `${size}px ${PICTURE_FONT}`;
  return probe.measureText(text).width;
}

/** One line of text around the height `y`, from `x` on (or up to it, or around it: `anchor`). Where it is wider than
 *  `most`, an ellipsis takes the place of its end, and the whole text is its title. */
function svgText(text, x, y, { size = PICTURE_TEXT, anchor = "start", most = Infinity, ...attributes } = {}) {
  const letters = [...text];
  let shown = text;
  while (letters.length && pictureWidth(shown, size) > most) {
    letters.length = Math.floor(letters.length * 0.95); // a learner's token can be thousands of letters long
    shown = `${letters.join("")}…`;
  }
  // For right-to-left text the start is on the right; we always mean the left.
  const backward = RIGHT_TO_LEFT.test(text);
  const side = backward ? { start: "end", end: "start", middle: "middle" }[anchor] : anchor;
  const place = { x, y: Number((y + size * 0.35).toFixed(2)), "font-size": size, "text-anchor": side, ...(backward && { direction: "rtl" }) };
  const title = shown === text ? "" : svg("title", {}, escaped(text));
  return svg("text", { ...place, ...attributes }, title, escaped(shown));
}

/** The edge of a cell, a tile or a gradient, which lies inside its outline. */
function svgEdge(x, y, width, height, theme, attributes) {
  const stroke = cssOf(mix(theme.background, theme.text, 0.2));
  return svg("rect", { x: x + 0.5, y: y + 0.5, width: width - 1, height: height - 1, fill: "none", stroke, ...attributes });
}

/** What `drawBar` shows, with its title above the gradient: `{svg, width, height}`. */
function svgBar(x, y, title, colors, low, high, digits, theme) {
  const step = 2;
  const ramp = [];
  for (let at = 0; at < BAR_WIDTH; at += step) {
    const color = colors[Math.round((255 * at) / (BAR_WIDTH - step))];
    ramp.push(svgRect(x + at, y + 20, step, 10, color.fill));
  }
  const tick = (value, share, anchor) =>
    svgText(numeral(value, digits), x + share * BAR_WIDTH, y + 40, { size: 11.5, anchor });
  const parts = [
    svgText(title, x, y + 7, { most: 480 }),
    svg("g", { "shape-rendering": "crispEdges" }, ...ramp),
    svgEdge(x - 1, y + 19, BAR_WIDTH + 2, 12, theme),
    tick(low, 0, "start"),
    tick((low + high) / 2, 0.5, "middle"),
    tick(high, 1, "end"),
  ];
  const width = Math.max(BAR_WIDTH, Math.min(480, pictureWidth(title, PICTURE_TEXT)));
  return { svg: svg("g", { class: "scale" }, ...parts), width, height: 46 };
}

/** A whole SVG file on the theme's background. */
function svgSheet(width, height, theme, title, parts) {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    "xmlns:xlink": "http://www.w3.org/1999/xlink", // what older readers expect of an embedded image
    width: w,
    height: h,
    viewBox: `0 0 ${w} ${h}`,
    role: "img",
    "font-family": PICTURE_FONT,
    fill: cssOf(theme.text),
  };
  const background = svgRect(0, 0, w, h, cssOf(theme.background));
  return svg("svg", attributes, svg("title", {}, escaped(title)), "\n", background, "\n", parts.join("\n"));
}

/** An SVG text as a PNG blob. The picture travels inside a data address, since a canvas trusts that everywhere. */
async function pngOf(text) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  for (const scale of PICTURE_SCALES) {
    canvas.width = Math.round(picture.naturalWidth * scale);
    canvas.height = Math.round(picture.naturalHeight * scale);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob) return blob;
  }
  throw new Error("The figure is too large for a PNG in this browser; its SVG has no such limit.");
}

function download(blob, name) {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it only after they asked where to
}

/** Two small buttons that save a figure as a file; `draw` returns the figure as SVG text. */
class SaveButtons {
  constructor(draw) {
    this.node = make("div", "save");
    this.buttons = ["PNG", "SVG"].map((format) => {
      const button = make("button");
      button.type = "button";
      button.innerHTML = ARROW;
      button.append(format);
      button.onclick = async () => {
        const text = draw();
        const blob = format === "PNG" ? await pngOf(text) : new Blob([text], { type: "image/svg+xml" });
        download(blob, this.nameOf(format));
      };
      return { format, button };
    });
    this.node.append(...this.buttons.map(({ button }) => button));
  }

  nameOf(format) {
    return `${this.file}.${format.toLowerCase()}`;
  }

  update({ file, alt }) {
    this.file = file;
    this.buttons.forEach(({ format, button }) => {
      button.title = this.nameOf(format);
      button.setAttribute("aria-label", `${format}: ${alt}`);
    });
  }
}
