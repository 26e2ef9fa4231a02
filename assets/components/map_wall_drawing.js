// What map_wall.js draws on its maps, and the maps as a file. Put before it, behind saving.js.

/** The line from pair to pair of a layer map, under the numbers. */
function drawPath(path, context, { left, top, wide, tall }, ink) {
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.globalAlpha = 0.55;
  context.beginPath();
  path.forEach(([row, column], at) => {
    const place = [left + (column + 0.5) * wide, top + (row + 0.5) * tall];
    if (at) context.lineTo(...place);
    else context.moveTo(...place);
  });
  context.stroke();
  context.globalAlpha = 1;
}

function drawNumbers(wall, i, context, { left, top, wide, tall }, ink) {
  const { rows, columns, low, high, digits } = wall.data;
  context.font = `11px ${wall.theme.font}`;
  context.textAlign = "center";
  rows.forEach((_, row) =>
    columns.forEach((_, column) => {
      const value = wall.at(i, row, column);
      context.fillStyle = colorOf(wall.colors[i], value, low, high)?.ink ?? ink;
      context.fillText(numeral(value, digits), left + (column + 0.5) * wide, top + (row + 0.5) * tall);
    }),
  );
}

function drawLabels(wall, context, box, ink) {
  const { rows, columns } = wall.data;
  context.fillStyle = ink;
  context.font = `${LABEL_SIZE}px ${wall.theme.font}`;
  const every = (size) => Math.max(1, Math.ceil(12 / size)); // tokens that would overlap are left out
  rows.forEach((text, row) => {
    if (row % every(box.tall)) return;
    context.textAlign = "right";
    context.fillText(shortened(context, text, wall.left - 6), box.left - 5, box.top + (row + 0.5) * box.tall);
  });
  columns.forEach((text, column) => {
    if (column % every(box.wide)) return;
    const x = box.left + (column + 0.5) * box.wide;
    if (wall.upright) {
      context.textAlign = "center";
      context.fillText(text, x, box.top - 9);
      return;
    }
    context.save();
    context.translate(x, box.top - 5);
    context.rotate(-0.9);
    context.textAlign = "left";
    context.fillText(shortened(context, text, 78), 0, 0);
    context.restore();
  });
}

function shortened(context, text, most) {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > most) shown = shown.slice(0, -1);
  return shown === text ? text : `${shown.slice(0, -1)}…`;
}

/** The frame in view as an SVG file. */
function wallPicture(wall) {
  const { rows, columns, names, numbers, low, high, digits, labels, alt, frames } = wall.data;
  const [wide, tall] = numbers ? [44, 30] : [16, 16];
  const longest = (texts) => Math.min(120, Math.max(...texts.map((text) => Math.ceil(pictureWidth(text, LABEL_SIZE)))));
  const left = longest(rows) + 8;
  const rise = wall.upright ? 18 : Math.round(longest(columns) * 0.77) + 12;
  const width = left + wide * columns.length + (wall.upright ? 0 : rise) + 28;
  const height = 24 + rise + tall * rows.length + 40;
  const across = Math.min(names.length, 3);
  const down = Math.ceil(names.length / across);
  const step = frames[wall.frame].label;
  const start = PICTURE_MARGIN + (step ? 24 : 0);
  const maps = names.map((name, i) => {
    const place = `translate(${PICTURE_MARGIN + (i % across) * width} ${start + Math.floor(i / across) * height})`;
    return svg("g", { transform: place }, ...pictureOfMap(wall, i, name, { left, top: 24 + rise, wide, tall, rise }));
  });
  const below = start + down * height;
  const bar = svgBar(PICTURE_MARGIN, below, labels.scale, wall.colors[0], low, high, digits, wall.theme);
  const title = step ? [svgText(step, PICTURE_MARGIN, PICTURE_MARGIN + 4)] : [];
  const parts = [...title, ...maps, bar.svg];
  return svgSheet(across * width + 2 * PICTURE_MARGIN, below + bar.height + PICTURE_MARGIN, wall.theme, alt, parts);
}

/** One map of it, with its name, labels and note. */
function pictureOfMap(wall, i, name, { left, top, wide, tall }) {
  const { rows, columns, low, high, digits, numbers, marks, stars, frames } = wall.data;
  const cells = [];
  const texts = [];
  const middle = (row, column) => [left + (column + 0.5) * wide, top + (row + 0.5) * tall];
  rows.forEach((_, row) =>
    columns.forEach((_, column) => {
      const value = wall.at(i, row, column);
      const color = colorOf(wall.colors[i], value, low, high);
      if (color) cells.push(svgRect(left + column * wide, top + row * tall, wide, tall, color.fill));
      const [x, y] = middle(row, column);
      const starred = stars[wall.frame]?.[i]?.some(([r, c]) => r === row && c === column) ? " ★" : "";
      const ink = { size: LABEL_SIZE, anchor: "middle", ...(color && { fill: color.ink }) };
      if (numbers) texts.push(svgText(numeral(value, digits) + starred, x, y, ink));
    }),
  );
  const framed = (marks[i] ?? []).map(([row, column]) => {
    const place = { x: left + column * wide + 1.5, y: top + row * tall + 1.5, width: wide - 3, height: tall - 3 };
    return svg("rect", { ...place, fill: "none", stroke: cssOf(wall.theme.text), "stroke-width": 2 });
  });
  const columnName = (text, column) => {
    const [x] = middle(0, column);
    if (wall.upright) return svgText(text, x, top - 9, { size: LABEL_SIZE, anchor: "middle" });
    return svg("g", { transform: `translate(${x} ${top - 5}) rotate(-50)` }, svgText(text, 0, 0, { size: LABEL_SIZE, most: 120 }));
  };
  return [
    svgText(name, 0, 8, { "font-weight": 600 }),
    svg("g", { "shape-rendering": "crispEdges" }, ...cells),
    svgEdge(left, top, wide * columns.length, tall * rows.length, wall.theme, {}),
    ...texts,
    ...framed,
    ...columns.map(columnName),
    ...rows.map((text, row) => svgText(text, left - 5, middle(row, 0)[1], { size: LABEL_SIZE, anchor: "end", most: 120 })),
    svgText(frames[wall.frame].notes[i], left, top + tall * rows.length + 14, { size: LABEL_SIZE }),
  ];
}
