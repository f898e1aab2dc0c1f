// Puts names beside marks so that none covers a mark, a line or another name; a name that finds no
// place is left out.
const SIZE = { letter: 6.8, sign: 2.6, height: 13 }; // of 11.5 px; a sign is wider than a letter

const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width
  && a.y < b.y + b.height && b.y < a.y + a.height;

const inside = (box, area) => box.x >= area.x && box.y >= area.y
  && box.x + box.width <= area.x + area.width && box.y + box.height <= area.y + area.height;

/** Boxes around a mark, near ones first, and whether a line has to lead there. */
function* places(point, width) {
  for (const distance of [9, 16, 26, 38, 52, 68, 86]) {
    for (const angle of [0, 180, 30, -30, 150, -150, 90, -90, 60, -60, 120, -120]) {
      const radians = (angle * Math.PI) / 180;
      const [dx, dy] = [Math.cos(radians), Math.sin(radians)];
      const x = point.x + dx * distance + (Math.abs(dx) < 0.2 ? -width / 2 : dx < 0 ? -width : 0);
      const y = point.y + dy * distance - SIZE.height / 2;
      yield { box: { x, y, width, height: SIZE.height }, far: distance > 16,
        end: { x: point.x + dx * (distance - 2), y: point.y + dy * (distance - 2) } };
    }
  }
}

const crosses = ({ x, y }, end, boxes) => [0.35, 0.5, 0.65, 0.8, 0.95].some((t) => {
  const dot = { x: x + (end.x - x) * t - 1, y: y + (end.y - y) * t - 1, width: 2, height: 2 };
  return boxes.some((box) => overlap(dot, box));
});

/** [{ ...point, x, y of the text's left end and baseline, leader? }], at most `most`. */
export function placeLabels(points, { area, taken, most }) {
  const names = [];
  const labels = [];
  for (const point of points) {
    if (labels.length === most) break;
    const width = SIZE.letter * point.name.length
      + SIZE.sign * (point.name.match(/[×→]/g) ?? []).length;
    const own = taken.filter((box) => !overlap(box, { x: point.x - 1, y: point.y - 1, width: 2,
      height: 2 }));
    for (const { box, far, end } of places(point, width)) {
      const free = inside(box, area) && ![...taken, ...names].some((other) => overlap(box, other));
      if (!free || (far && crosses(point, end, [...own, ...names]))) continue;
      names.push({ ...box, x: box.x - 3, width: box.width + 6 });
      labels.push({ ...point, x: box.x, y: box.y + 10,
        leader: far ? { x1: point.x, y1: point.y, x2: end.x, y2: end.y } : undefined });
      break;
    }
  }
  return labels;
}
