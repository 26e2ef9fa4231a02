// A button that asks for one file and hands its text to the page. Streamlit's own uploader speaks English only.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".file-button");
  if (!root.firstChild) {
    const button = make("button", "ask");
    button.type = "button";
    const input = make("input");
    Object.assign(input, { type: "file", hidden: true });
    button.addEventListener("click", () => input.click());
    root.append(button, input);
  }
  const [button, input] = root.children;
  button.textContent = data.label;
  input.accept = data.accept;
  input.onchange = async () => {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (!file) return;
    // One byte more than is taken, so that the server sees that it was too much.
    setTriggerValue("file", await file.slice(0, data.longest + 1).text());
  };
}
