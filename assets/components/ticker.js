// Asks for the fragment that it stands in to be drawn again, some time after it was drawn: so the server is never asked faster
// than the browser can show, and not at all while nobody looks. Streamlit's own `run_every` may draw a second time before the
// browser has put up the first, and then controls lose the value that the first one brought.

const AGAIN = 5000; // milliseconds: a request that was swallowed by another is sent again

const timers = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const here = location.pathname;
  const ask = () => {
    if (location.pathname !== here || !parentElement.isConnected) return;
    if (!document.hidden) setTriggerValue("tick", Date.now());
    timers.set(parentElement, setTimeout(ask, document.hidden ? data.wait : AGAIN));
  };
  clearTimeout(timers.get(parentElement));
  timers.set(parentElement, setTimeout(ask, data.wait));
  return () => clearTimeout(timers.get(parentElement));
}
