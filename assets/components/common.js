// What the Distillery components share. pages/kit/components/component.py puts this text in front of each component's own,
// since Streamlit loads a component as one module that cannot import its neighbours. Text from a learner reaches the page as
// textContent only.

/** The function that Streamlit calls with each new drawing of a component. `setup` makes the component's part of the page once,
 *  from its outermost element; each drawing then goes to the part's `update`, and `remove`, if it has one, ends it. */
function mount(setup) {
  const parts = new WeakMap(); // by the element in which Streamlit keeps the component
  return ({ data, parentElement, setStateValue, setTriggerValue }) => {
    let part = parts.get(parentElement);
    if (!part) {
      part = setup(parentElement.querySelector("[data-root]"));
      parts.set(parentElement, part);
    }
    part.update(data, setStateValue, setTriggerValue);
    return () => {
      part.remove?.();
      parts.delete(parentElement);
    };
  };
}

/** A new element with a class and, perhaps, text. */
function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function bytesFrom(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function floatsFrom(base64) {
  return new Float32Array(bytesFrom(base64).buffer);
}

/** "'{query}' attends to '{key}'" with its placeholders filled. Each value is isolated, so that a right-to-left token
 *  does not reorder the sentence around it; one pass, so that a token reading "{key}" stays as it is. */
function fill(template, values) {
  return (template ?? "").replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? values[name] && `\u2068${values[name]}\u2069` : whole,
  );
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** A number as a reader writes it, also where a mask has made it infinite. */
function numeral(value, digits) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const text = value.toFixed(digits);
  // A value that rounds to zero has no sign worth showing.
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
}

/** The element that scrolls around a node: how near something is to being seen is measured against it. */
function scrollerOf(node) {
  for (let at = node; at instanceof Element; at = at.parentElement ?? at.getRootNode().host) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return null;
}

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any CSS colour as [red, green, blue]: the browser itself reads it. */
function rgb(css) {
  probe.fillStyle = "#808080";
  probe.fillStyle = css;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function luminance(color) {
  const [r, g, b] = color.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function mix(from, to, share) {
  return from.map((c, i) => Math.round(c + (to[i] - c) * share));
}

function cssOf(color) {
  return `rgb(${color.join(",")})`;
}

/** What the current theme says: background, text, font, and whether it is dark. */
function themeOf(element) {
  const style = getComputedStyle(element);
  const background = rgb(style.getPropertyValue("--st-background-color").trim() || "#fff");
  return { background, text: rgb(style.color), font: style.fontFamily, dark: luminance(background) < 0.2 };
}

/** 256 colours from the smallest value to the largest, each with the ink that is readable on it: `[{fill, ink}]`.
 *  One colour runs background, colour, deeper colour, so that the strongest cells stand out from the strong ones. Two
 *  colours meet at the background, which stands for zero. */
function palette(theme, color, negative) {
  const end = (css) => {
    const full = rgb(css);
    return [theme.background, full, mix(full, theme.dark ? [255, 255, 255] : [0, 0, 0], theme.dark ? 0.45 : 0.4)];
  };
  const along = (stops, share) =>
    // The power lifts weak values off the background; the bar is drawn with the same colours, so it stays true.
    share < 0.65 ? mix(stops[0], stops[1], (share / 0.65) ** 0.75) : mix(stops[1], stops[2], (share - 0.65) / 0.35);
  const above = end(color);
  const below = negative ? end(negative) : null;
  return Array.from({ length: 256 }, (_, i) => {
    const share = i / 255;
    const value = below ? along(share < 0.5 ? below : above, Math.abs(share - 0.5) * 2) : along(above, share);
    // 0.179: the luminance at which black and white ink have the same contrast.
    return { fill: cssOf(value), rgb: value, ink: luminance(value) > 0.179 ? "#111418" : "#ffffff" };
  });
}

/** The colour of a value on a scale from `low` to `high`; null where there is no finite value. */
function colorOf(colors, value, low, high) {
  if (!Number.isFinite(value)) return null;
  return colors[clamp(Math.round((255 * (value - low)) / (high - low || 1)), 0, 255)];
}

/** Fills a `.bar` with a title, a gradient and the numbers at its ends (and zero, where it lies between). */
function drawBar(bar, title, colors, low, high, digits) {
  const ramp = make("div", "ramp");
  const stops = Array.from({ length: 17 }, (_, i) => colors[Math.round((255 * i) / 16)].fill);
  ramp.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  const ends = [low, (low + high) / 2, high].map((value) => make("span", "", numeral(value, digits)));
  const scale = make("div", "ticks");
  scale.append(...ends);
  const box = make("div", "ramp-box");
  box.append(ramp, scale);
  bar.replaceChildren(make("span", "bar-title", title), box);
}

/** Sizes a canvas for the screen's pixel density and returns a context that draws in CSS pixels. */
function sharp(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(density, density);
  return context;
}

/** The reader's choice, which shows at once and which Python answers a moment later. An answer to an earlier click must
 *  not undo a later one, so a choice that was sent but not yet answered stays, unless Python set a new value itself,
 *  which it says with a new revision. */
class Choice {
  constructor() {
    this.value = null;
    this.revision = -1;
    this.sent = [];
  }

  /** Takes over what Python says. */
  hear(value, revision) {
    const place = this.sent.lastIndexOf(JSON.stringify(value));
    if (revision !== this.revision) this.sent = [];
    else if (place >= 0) this.sent.splice(0, place + 1);
    this.revision = revision;
    if (this.sent.length === 0) this.value = value;
  }

  /** Shows a new choice and sends it to Python. */
  make(value, setStateValue) {
    if (JSON.stringify(value) === JSON.stringify(this.value)) return;
    this.value = value;
    this.sent.push(JSON.stringify(value));
    setStateValue("selected", { value, revision: this.revision });
  }
}
