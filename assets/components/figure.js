// A plotly figure, redrawn in place. Streamlit's own chart is a new element for every new figure, which plotly then draws
// two or three times; here plotly changes what differs, once, and draws nothing that is far outside the window.

const NEAR = "400px"; // how far outside the window a figure is drawn already
const LOADER = "distilleryPlotly";

/** The library, fetched from this server once a page however many figures it has. */
function plotly(address) {
  window[LOADER] ??= new Promise((resolve, reject) => {
    const script = make("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window[LOADER] = undefined; // so that the next figure tries again
      script.remove();
      reject(new Error("plotly could not be loaded from the server"));
    };
    document.head.append(script);
  });
  return window[LOADER];
}

/** The look of every figure, in the colours of the page's theme. */
function templateOf(theme) {
  const faint = cssOf(mix(theme.background, theme.text, 0.14));
  const soft = cssOf(mix(theme.background, theme.text, 0.78));
  const clear = "rgba(0,0,0,0)";
  const axis = {
    gridcolor: faint,
    zerolinecolor: faint,
    tickcolor: faint,
    tickfont: { color: soft, size: 12 },
    title: { font: { color: soft, size: 14 }, standoff: 16 },
    automargin: true,
  };
  return {
    layout: {
      font: { color: soft, family: theme.font, size: 12 },
      paper_bgcolor: clear,
      plot_bgcolor: clear,
      margin: { pad: 8 },
      xaxis: { ...axis, showgrid: false, zeroline: false },
      yaxis: axis,
      legend: { borderwidth: 0, font: { size: 12, color: soft } },
      hoverlabel: { bgcolor: cssOf(theme.background), bordercolor: faint, font: { color: cssOf(theme.text), family: theme.font, size: 12 } },
      coloraxis: { colorbar: { thickness: 16, outlinewidth: 0, tickfont: { color: soft, size: 12 } } },
      modebar: { bgcolor: clear, color: soft, activecolor: cssOf(theme.text) },
    },
    data: { scatter: [{ marker: { line: { width: 0 } } }] },
  };
}

const EXPAND = {
  width: 24,
  height: 24,
  path: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
};

export default mount((root) => new Figure(root));

class Figure {
  constructor(root) {
    this.root = root;
    this.plot = make("div", "plot");
    this.plot.id = `figure-${Math.random().toString(36).slice(2)}`; // plotly names its clip paths after it
    root.replaceChildren(this.plot);
    this.near = false;
    this.queue = Promise.resolve();
    const around = { root: scrollerOf(root), rootMargin: NEAR };
    this.sight = new IntersectionObserver((seen) => this.sighted(seen.at(-1).isIntersecting), around);
    this.sight.observe(root);
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(root);
    root.addEventListener("fullscreenchange", () => this.draw());
  }

  sighted(near) {
    this.near = near;
    if (near) this.draw();
  }

  update(data, setStateValue, setTriggerValue) {
    this.setTriggerValue = setTriggerValue;
    if (data.spec !== this.data?.spec) this.figure = JSON.parse(data.spec);
    this.data = data;
    this.height = this.figure.layout.height ?? 450;
    this.root.style.minHeight = `${this.height}px`;
    this.root.setAttribute("aria-label", data.alt);
    this.draw();
  }

  /** Draws what is asked for now, unless it is drawn already or nobody is near; one drawing at a time. */
  draw() {
    if (!this.near || !this.data) return;
    this.queue = this.queue.then(() => this.drawn()).catch((error) => {
      this.plot.textContent = error.message;
    });
  }

  async drawn() {
    const Plotly = await plotly(this.data.library);
    const width = this.root.clientWidth;
    if (!width || !this.root.isConnected) return;
    const whole = document.fullscreenElement === this.root;
    const theme = themeOf(this.root);
    const height = whole ? this.root.clientHeight : this.height;
    const state = [this.data.spec, this.data.config, width, height, JSON.stringify(theme)].join("\u0000");
    if (state === this.state) return;
    this.state = state;
    // plotly writes into what it is given, so each drawing gets a copy of its own.
    const { data, layout } = structuredClone(this.figure);
    await Plotly.react(
      this.plot,
      data,
      { ...layout, width, height, template: templateOf(theme) },
      { ...this.data.config, modeBarButtonsToAdd: [this.button] },
    );
    this.root.dataset.drawn = String(1 + Number(this.root.dataset.drawn ?? 0));
    if (this.listening) return;
    this.listening = true;
    this.plot.on("plotly_click", ({ points: [point] }) => {
      if (!this.data.clicks) return;
      this.setTriggerValue("clicked", { curve: point.curveNumber, point: point.pointIndex ?? point.pointNumber });
    });
  }

  button = {
    name: "fullscreen",
    title: "Fullscreen",
    icon: EXPAND,
    click: () => (document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen()),
  };

  remove() {
    this.sight.disconnect();
    this.size.disconnect();
    this.queue.then(() => window.Plotly?.purge(this.plot));
  }
}
