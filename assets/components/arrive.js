// Brings the reader to the place where it stands, once for each arrival that the server counts.

const SETTLED = 400; // milliseconds: what stood here before is taken away only after this is put up
const arrived = new Map(); // by place, and kept when the reader goes to another page and comes back

export default function ({ data, parentElement }) {
  if (data.arrival === (arrived.get(data.place) ?? 0)) return;
  arrived.set(data.place, data.arrival);
  const go = () => parentElement.querySelector(".distillery-arrive")?.scrollIntoView({ block: "start" });
  go();
  setTimeout(go, SETTLED);
}
