// A sentence whose tokens say what became of them: read only.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".token-strip");
  const line = make("div", "line");
  line.setAttribute("role", "list");
  line.setAttribute("aria-label", data.alt);
  for (const item of data.items) {
    const chip = make("span", item.color ? "chip marked" : "chip");
    chip.setAttribute("role", "listitem");
    if (item.color) chip.style.setProperty("--mark", item.color);
    const text = make("bdi", "text");
    if (item.old !== undefined) text.append(make("del", "", item.old), " → ");
    text.append(make("span", "now", item.text));
    chip.append(text);
    if (item.note) chip.append(make("span", "note", item.note));
    line.append(chip);
  }
  root.replaceChildren(line);
}
