// Brings the reader to the place where it stands, once for each arrival that the server counts, and keeps it in view while
// what stands above is still being filled in, until the reader does something.

const LONGEST = 20000; // milliseconds
const OFTEN = 150;
const ACTS = ["wheel", "touchstart", "pointerdown", "keydown"];
const arrived = new Map(); // by place, and kept when the reader goes to another page and comes back

export default function ({ data, parentElement }) {
  if (data.arrival === (arrived.get(data.place) ?? 0)) return;
  arrived.set(data.place, data.arrival);
  const node = parentElement.querySelector(".distillery-arrive");
  const over = new AbortController();
  const started = Date.now();
  const go = () => {
    if (!node.isConnected || Date.now() - started > LONGEST) over.abort();
    else if (Math.abs(node.getBoundingClientRect().top - parseFloat(getComputedStyle(node).scrollMarginTop)) > 2) {
      node.scrollIntoView({ block: "start" });
    }
  };
  const timer = setInterval(go, OFTEN);
  over.signal.addEventListener("abort", () => clearInterval(timer));
  for (const act of ACTS) addEventListener(act, () => over.abort(), { capture: true, passive: true, signal: over.signal });
  go();
}
