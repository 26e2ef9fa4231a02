// The layer-map board: the student's layers left, the teacher's right. A line says from which layer each of the student's layers
// learns. It is dragged to another, or moved with the arrow keys; the costs of all its possible partners show meanwhile.

const NS = "http://www.w3.org/2000/svg";
const NODE_HEIGHT = 34;
const ROW = 50;
const TOP = 8;
export default mount((root) => new LayerBoard(root));

function shape(name, attributes, className) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (className) node.setAttribute("class", className);
  return node;
}

class LayerBoard {
  constructor(root) {
    this.root = root;
    this.choice = new Choice();
    this.held = null; // the student's layer whose line is being dragged
    this.picked = null; // the student's layer that a click on a teacher's layer would move
    this.svg = shape("svg", { role: "group" }, "board");
    this.readout = make("div", "readout");
    this.readout.setAttribute("role", "status");
    root.append(this.svg, this.readout);
    this.svg.addEventListener("pointermove", (event) => this.drag(event));
    this.svg.addEventListener("pointerup", (event) => this.drop(event));
    this.svg.addEventListener("pointercancel", () => this.release());
    this.observer = new ResizeObserver(() => {
      if (this.data && root.clientWidth !== this.width) this.draw();
    });
    this.observer.observe(root);
  }

  remove() {
    this.observer.disconnect();
  }

  update(data, setStateValue) {
    this.data = data;
    this.setStateValue = setStateValue;
    this.choice.hear(data.map, data.revision);
    this.svg.setAttribute("aria-label", data.alt);
    if (this.picked !== null && this.picked >= data.students) this.picked = null;
    if (this.held === null) this.draw();
  }

  get map() {
    return this.choice.value;
  }

  cost(student, teacher) {
    return numeral(this.data.costs[student][teacher], this.data.digits);
  }

  studentY(layer) {
    const { students, teachers } = this.data;
    const step = students > 1 ? ((teachers - 1) * ROW) / (students - 1) : 0;
    const start = students > 1 ? 0 : ((teachers - 1) * ROW) / 2;
    return TOP + NODE_HEIGHT / 2 + start + layer * step;
  }

  teacherY(layer) {
    return TOP + NODE_HEIGHT / 2 + layer * ROW;
  }

  draw() {
    this.width = this.root.clientWidth;
    if (this.width === 0) return;
    const focused = this.svg.getRootNode().activeElement?.dataset?.layer;
    const { students, teachers, labels } = this.data;
    const height = 2 * TOP + NODE_HEIGHT + (teachers - 1) * ROW;
    const wide = Math.min(this.width, 900) - 4; // the outlines are drawn half outside
    this.box = { wide, height, node: clamp(wide * 0.27, 92, 190) };
    this.svg.setAttribute("viewBox", `-2 0 ${wide + 4} ${height}`);
    this.svg.setAttribute("width", wide + 4);
    this.svg.setAttribute("height", height);
    const lines = [];
    this.data.best.forEach((teacher, student) => {
      if (this.map[student] >= 0 && teacher !== this.map[student]) lines.push(this.line(student, this.teacherY(teacher), "best"));
    });
    this.lines = [];
    for (let student = 0; student < students; student++) {
      // A layer without a partner keeps a short stub to be taken hold of.
      this.lines.push(this.line(student, this.endOf(student)[1], this.map[student] < 0 ? "line loose" : "line"));
    }
    const nodes = [];
    for (let teacher = 0; teacher < teachers; teacher++) nodes.push(this.teacherNode(teacher, labels));
    for (let student = 0; student < students; student++) nodes.push(this.studentNode(student, labels));
    this.ends = this.lines.map((_, student) => this.handle(student));
    this.tags = this.lines.map((_, student) => this.tag(student));
    this.svg.replaceChildren(...lines, ...this.lines, ...nodes, ...this.tags, ...this.ends);
    if (focused !== undefined) this.svg.querySelector(`[data-layer="${focused}"]`)?.focus();
    this.say(this.picked);
  }

  line(student, endY, className) {
    const endX = className === "best" ? this.box.wide - this.box.node : this.endOf(student)[0];
    const path = shape("path", { d: this.curve(this.studentY(student), endX, endY) }, className);
    if (className === "line") {
      const { low, high } = this.data;
      const share = clamp((this.data.costs[student][this.map[student]] - low) / (high - low || 1), 0, 1);
      path.style.strokeWidth = `${(6.5 - 4.5 * share).toFixed(1)}px`;
      if (student === this.picked) path.classList.add("picked");
    }
    return path;
  }

  curve(startY, endX, endY) {
    const startX = this.box.node;
    const bend = (endX - startX) * 0.45;
    return `M ${startX} ${startY} C ${startX + bend} ${startY}, ${endX - bend} ${endY}, ${endX} ${endY}`;
  }

  /** Where a student's line ends. */
  endOf(student) {
    const teacher = this.map[student];
    if (teacher < 0) return [this.box.node + 26, this.studentY(student)];
    return [this.box.wide - this.box.node, this.teacherY(teacher)];
  }

  studentNode(student, labels) {
    const node = shape("g", { transform: `translate(0 ${this.studentY(student) - NODE_HEIGHT / 2})` }, "node student");
    node.dataset.layer = student;
    node.setAttribute("role", "slider");
    node.setAttribute("tabindex", 0);
    node.setAttribute("aria-label", fill(labels.student, { number: student + 1 }));
    node.setAttribute("aria-orientation", "vertical");
    node.setAttribute("aria-valuemin", 1);
    node.setAttribute("aria-valuemax", this.data.teachers);
    node.setAttribute("aria-valuenow", Math.max(1, this.map[student] + 1));
    node.setAttribute("aria-valuetext", this.sentence(student, this.map[student]));
    if (student === this.picked) node.classList.add("picked");
    node.append(shape("rect", { width: this.box.node, height: NODE_HEIGHT, rx: 8 }));
    node.append(this.text(fill(labels.student, { number: student + 1 }), this.box.node / 2, NODE_HEIGHT / 2));
    node.addEventListener("pointerdown", (event) => this.grab(student, event));
    node.addEventListener("keydown", (event) => this.key(student, event));
    node.addEventListener("focus", () => this.say(student));
    return node;
  }

  teacherNode(teacher, labels) {
    const left = this.box.wide - this.box.node;
    const node = shape("g", { transform: `translate(${left} ${this.teacherY(teacher) - NODE_HEIGHT / 2})` }, "node teacher");
    node.append(shape("rect", { width: this.box.node, height: NODE_HEIGHT, rx: 8 }));
    const name = fill(labels.teacher, { number: teacher + 1 });
    const active = this.held ?? this.picked;
    // While a line is in hand, every layer says what it would cost.
    const star = active !== null && this.data.best[active] === teacher ? " ★" : "";
    const text = active === null || active === undefined ? name : `${teacher + 1} · ${this.cost(active, teacher)}${star}`;
    node.append(this.text(text, this.box.node / 2, NODE_HEIGHT / 2));
    node.addEventListener("click", () => {
      if (this.picked !== null) this.set(this.picked, teacher);
    });
    return node;
  }

  /** The end of a line, to be taken hold of; lines that end at one layer fan out. */
  handle(student) {
    const rivals = this.map.flatMap((teacher, other) => (teacher === this.map[student] ? [other] : []));
    const shift = (rivals.indexOf(student) - (rivals.length - 1) / 2) * 11;
    const [x, y] = this.endOf(student);
    const place = { cx: x - 2, cy: y + (this.map[student] < 0 ? 0 : shift), r: 8 };
    const end = shape("circle", place, student === this.picked ? "handle picked" : "handle");
    end.addEventListener("pointerdown", (event) => this.grab(student, event));
    return end;
  }

  tag(student) {
    if (this.map[student] < 0) return shape("g", {});
    const [startX, endX] = [this.box.node, this.box.wide - this.box.node];
    const at = 0.3;
    const [y0, y1] = [this.studentY(student), this.teacherY(this.map[student])];
    // The point of the cubic curve at 0.3, whose control points are level with its ends.
    const rise = 3 * (1 - at) * at ** 2 + at ** 3;
    const x = startX + (endX - startX) * (3 * (1 - at) ** 2 * at * 0.45 + 3 * (1 - at) * at ** 2 * 0.55 + at ** 3);
    const group = shape("g", { transform: `translate(${x} ${y0 + (y1 - y0) * rise})` }, "tag");
    const text = this.cost(student, this.map[student]);
    const wide = text.length * 7.4 + 12;
    group.append(shape("rect", { x: -wide / 2, y: -10, width: wide, height: 20, rx: 10 }), this.text(text, 0, 0));
    return group;
  }

  text(content, x, y) {
    const node = shape("text", { x, y, "text-anchor": "middle", "dominant-baseline": "central" });
    node.textContent = content;
    return node;
  }

  sentence(student, teacher) {
    const { labels } = this.data;
    if (teacher < 0) return fill(labels.unpaired, { student: student + 1 });
    return fill(labels.pair, { student: student + 1, teacher: teacher + 1, value: this.cost(student, teacher) });
  }

  say(student) {
    const { labels } = this.data;
    this.readout.textContent = student === null ? labels.hint : this.sentence(student, this.map[student]);
    this.readout.classList.toggle("quiet", student === null);
  }

  grab(student, event) {
    event.preventDefault();
    this.held = this.picked = student;
    this.moved = false;
    this.draw();
    this.svg.querySelector(`[data-layer="${student}"]`)?.focus();
    this.svg.setPointerCapture(event.pointerId);
  }

  placeOf(event) {
    const { left, top, width } = this.svg.getBoundingClientRect();
    const scale = (this.box.wide + 4) / width;
    return [(event.clientX - left) * scale - 2, (event.clientY - top) * scale];
  }

  nearest(y) {
    return clamp(Math.round((y - TOP - NODE_HEIGHT / 2) / ROW), 0, this.data.teachers - 1);
  }

  drag(event) {
    if (this.held === null) return;
    const [x, y] = this.placeOf(event);
    // A press that hardly moves is a choice of the line; from a third of the way on it aims at a layer.
    this.aim = x > this.box.wide * 0.4 ? this.nearest(y) : null;
    this.moved ||= this.aim !== null && this.aim !== this.map[this.held];
    const end = Math.max(x, this.box.node + 20);
    this.lines[this.held].setAttribute("d", this.curve(this.studentY(this.held), end, y));
    this.ends[this.held].setAttribute("cx", end);
    this.ends[this.held].setAttribute("cy", y);
    this.tags[this.held].setAttribute("visibility", "hidden");
    [...this.svg.querySelectorAll(".teacher")].forEach((node, i) => node.classList.toggle("aimed", i === this.aim));
    if (this.aim !== null) this.readout.textContent = this.sentence(this.held, this.aim);
  }

  drop(event) {
    if (this.held === null) return;
    const student = this.held;
    const aim = this.aim ?? null;
    this.release();
    if (aim !== null) this.set(student, aim);
  }

  release() {
    this.held = null;
    this.aim = null;
    this.draw();
  }

  set(student, teacher) {
    const map = [...this.map];
    map[student] = teacher;
    this.picked = student;
    this.choice.make(map, this.setStateValue);
    this.draw();
  }

  key(student, event) {
    const now = this.map[student];
    const last = this.data.teachers - 1;
    const moves = { ArrowDown: now + 1, ArrowRight: now + 1, ArrowUp: now - 1, ArrowLeft: now - 1, Home: 0, End: last };
    let next = moves[event.key];
    if (/^[1-9]$/.test(event.key)) next = Number(event.key) - 1;
    if (event.key === "Escape") {
      this.picked = null;
      this.draw();
      return;
    }
    if (["Delete", "Backspace", "0"].includes(event.key)) {
      event.preventDefault();
      if (this.map.some((teacher, other) => other !== student && teacher >= 0)) this.set(student, -1); // one pair must stay
      return;
    }
    if (next === undefined) return;
    event.preventDefault();
    this.set(student, clamp(next, 0, last));
  }
}
