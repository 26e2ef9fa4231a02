// The place of something that is worth computing only when the reader comes near it.

const AHEAD = "500px"; // how far outside the window a place counts as near
const AGAIN = 1500; // milliseconds: of several requests at once the server may hear only one

const places = new WeakMap();

export default function ({ parentElement, setTriggerValue }) {
  if (places.has(parentElement)) return undefined;
  const node = parentElement.querySelector(".distillery-nearby");
  const here = location.pathname;
  const ask = () => {
    // Once the reader has gone back to another page, a wish of this one would carry its parameters over to that.
    if (location.pathname === here) setTriggerValue("near", Date.now()); // never the same twice, so that it is sent
  };
  let timer = 0;
  const observer = new IntersectionObserver(
    (seen) => {
      clearInterval(timer);
      if (!seen.at(-1).isIntersecting) return;
      ask();
      timer = setInterval(ask, AGAIN);
    },
    { root: scrollerOf(node), rootMargin: AHEAD },
  );
  observer.observe(node);
  places.set(parentElement, observer);
  return () => {
    clearInterval(timer);
    observer.disconnect();
    places.delete(parentElement);
  };
}
