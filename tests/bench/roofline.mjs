// The roofline picture: GFLOP/s of kernels over the FLOPs they do for each byte they must move,
// under the two roofs of one core, the peak of its registers and the bandwidth of memory (Williams,
// Waterman and Patterson, CACM 52(4), 2009). One panel a build, on the same axes.
import { machineLine, rated } from './report.mjs';
import { median } from './tools.mjs';
import { placeLabels } from './labels.mjs';

const WIDTH = 1240;
const HEIGHT = 690;
const PANELS = [
  { runner: 'native fused', title: 'Native, fused', left: 70 },
  { runner: 'Chromium relaxed', title: 'Chromium, relaxed SIMD', left: 665 },
];
const PANEL = { top: 122, width: 545, height: 484 };
const X = { from: 1, to: 500, ticks: [1, 2, 5, 10, 20, 50, 100, 200, 500] };
const Y_TICKS = [5, 10, 20, 50, 100, 200, 500, 1000];
const MARKS_LABELLED = 11;

const KINDS = {
  gemm: { name: 'matrix product', color: '#2456c9', mark: 'circle' },
  direct: { name: 'convolution, direct', color: '#c2590c', mark: 'square' },
  winograd: { name: 'convolution, Winograd (rate of the direct FLOPs)', color: '#0b7f5b',
    mark: 'triangle' },
};

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const fixed = (x) => Number(x.toFixed(1));

function text(x, y, content, attributes = '') {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escape(content)}</text>`;
}

function line(x1, y1, x2, y2, attributes) {
  return `<path d="M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}" ${attributes}/>`;
}

function mark(kind, x, y) {
  const fill = `fill="${KINDS[kind].color}" fill-opacity=".78" stroke="#fff" stroke-width=".8"`;
  switch (KINDS[kind].mark) {
    case 'circle': return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="4.4" ${fill}/>`;
    case 'square':
      return `<rect x="${fixed(x - 4)}" y="${fixed(y - 4)}" width="8" height="8" ${fill}/>`;
    default:
      return `<path d="M${fixed(x)} ${fixed(y - 5.2)}l5 8.8h-10z" ${fill}/>`;
  }
}

/** 'x³' for cubes, the pass for convolutions; short, as it stands beside a mark. */
function nameOf(shape, kernel) {
  if (kernel === 'gemm') {
    const [m, n, k] = shape.label.split(' ')[0].split('x');
    return m === n && n === k ? `${m}³` : shape.label.replaceAll('x', '×');
  }
  const pass = kernel.split(' ').at(-1);
  return `${shape.filter}×${shape.filter} ${shape.channels}→${shape.filters} at `
    + `${shape.image}² ${pass}`;
}

/** [{ kind, name, intensity, rate, share }] of one build. */
function pointsOf({ shapes }, runner) {
  return shapes.flatMap((shape) => Object.entries(shape.results).flatMap(([kernel, by]) => {
    const kind = kernel.split(' ')[0];
    if (!KINDS[kind] || !by[runner]) return [];
    return [{ kind, name: nameOf(shape, kernel), intensity: shape.flops / shape.bytes,
      ...rated(shape.flops, by[runner]) }];
  }));
}

/** Those worth a name: the fastest and the slowest of each kind, then both ends of intensity. */
function notable(points) {
  const chosen = new Set();
  const take = (list) => list.forEach((point) => point && chosen.add(point));
  const kinds = Object.keys(KINDS).map((kind) => points.filter((point) => point.kind === kind));
  const orders = [(a, b) => b.share - a.share, (a, b) => a.share - b.share,
    (a, b) => b.intensity - a.intensity, (a, b) => a.intensity - b.intensity];
  for (let depth = 0; depth < 3; depth++) {
    for (const order of orders) take(kinds.map((own) => [...own].sort(order)[depth]));
  }
  return [...chosen];
}

function axes(left, x, y, yTicks) {
  const { top, width, height } = PANEL;
  const out = [`<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="#fbfbfa"/>`];
  for (const tick of X.ticks) {
    out.push(line(x(tick), top, x(tick), top + height, 'stroke="#e7e7e4" stroke-width="1"'),
      text(x(tick), top + height + 19, String(tick), 'text-anchor="middle" class="tick"'));
  }
  for (const tick of yTicks) {
    out.push(line(left, y(tick), left + width, y(tick), 'stroke="#e7e7e4" stroke-width="1"'),
      text(left - 8, y(tick) + 4, String(tick), 'text-anchor="end" class="tick"'));
  }
  out.push(`<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" `
    + 'stroke="#b9b9b4"/>',
  text(left + width / 2, top + height + 42, 'FLOP for each byte of operands and result',
    'text-anchor="middle" class="axis"'));
  return out;
}

/** The slanted roof and the flat one, each with its name along it; and what labels must avoid. */
function roofs({ left, x, y, from }, { peak, memory, cache }) {
  const out = [];
  const taken = [];
  const right = left + PANEL.width;
  const slope = (bandwidth, attributes, name) => {
    const start = Math.max(X.from, from / bandwidth);
    const end = peak / bandwidth;
    if (end <= start) return;
    const [x1, y1, x2, y2] = [x(start), y(start * bandwidth), x(end), y(peak)];
    out.push(line(x1, y1, x2, y2, attributes));
    for (let i = 0; i <= 20; i++) {
      taken.push({ x: x1 + ((x2 - x1) * i) / 20 - 3, y: y1 + ((y2 - y1) * i) / 20 - 3, width: 6,
        height: 6 });
    }
    if (Math.hypot(x2 - x1, y2 - y1) < 20 + 6.8 * name.length) { // too short: beside its foot
      out.push(text(x1 + 12, y1 + 4, name, 'class="roof halo"'));
      taken.push({ x: x1 + 8, y: y1 - 8, width: 6.8 * name.length + 8, height: 16 });
      return;
    }
    const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
    out.push(`<text transform="translate(${fixed((x1 + x2) / 2)} ${fixed((y1 + y2) / 2)}) rotate(`
      + `${fixed(angle)})" dy="-7" text-anchor="middle" class="roof">${escape(name)}</text>`);
  };
  slope(memory, 'stroke="#3c3c3a" stroke-width="1.8"', `memory ${Math.round(memory)} GB/s`);
  slope(cache, 'stroke="#8a8a86" stroke-width="1.3" stroke-dasharray="5 4"',
    `L2 ${Math.round(cache)} GB/s`);
  const ridge = Math.max(X.from, peak / Math.max(memory, cache));
  out.push(line(x(ridge), y(peak), right, y(peak), 'stroke="#3c3c3a" stroke-width="1.8"'));
  const name = `register peak ${Math.round(peak)} GFLOP/s`;
  const start = x(Math.max(X.from, peak / memory)) + 8;
  out.push(text(start, y(peak) - 7, name, 'class="roof halo"'));
  taken.push({ x: left, y: y(peak) - 2, width: PANEL.width, height: 4 },
    { x: start, y: y(peak) - 20, width: 6.8 * name.length, height: 16 });
  return { out, taken };
}

function panel({ left, title }, points, roof, from, to) {
  const { top, width, height } = PANEL;
  const x = (value) => left + (width * Math.log(value / X.from)) / Math.log(X.to / X.from);
  const y = (value) => top + height * (1 - Math.log(value / from) / Math.log(to / from));
  const yTicks = Y_TICKS.filter((tick) => tick >= from && tick <= to);
  const built = roofs({ left, x, y, from }, roof);
  const placed = points.map((point) => ({ ...point, x: x(point.intensity), y: y(point.rate) }));
  const labels = placeLabels(notable(placed), {
    area: { x: left + 4, y: top + 4, width: width - 8, height: height - 8 },
    taken: [...built.taken,
      ...placed.map((p) => ({ x: p.x - 5, y: p.y - 5, width: 10, height: 10 }))],
    most: MARKS_LABELLED });
  return [
    text(left, top - 14, title, 'class="panel"'),
    text(left + width, top - 14, '↑ GFLOP/s', 'text-anchor="end" class="axis"'),
    ...axes(left, x, y, yTicks), ...built.out,
    ...labels.filter(({ leader }) => leader).map(({ leader: l, kind }) =>
      line(l.x1, l.y1, l.x2, l.y2, `stroke="${KINDS[kind].color}" stroke-width=".8"`)),
    ...placed.map((point) => mark(point.kind, point.x, point.y)),
    ...labels.map((label) => text(label.x, label.y, label.name,
      `class="label halo" fill="${KINDS[label.kind].color}"`)),
  ];
}

function legend() {
  let x = 70;
  return Object.entries(KINDS).flatMap(([kind, { name }]) => {
    const parts = [mark(kind, x + 5, 82), text(x + 17, 86, name, 'class="legend"')];
    x += 48 + 7.2 * name.length;
    return parts;
  });
}

const STYLE = `text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.title{font-size:21px;font-weight:600;fill:#1d1d1b}.sub{font-size:12.5px;fill:#5c5c58}
.panel{font-size:15px;font-weight:600;fill:#1d1d1b}.tick{font-size:12px;fill:#5c5c58}
.axis,.legend{font-size:12.5px;fill:#3c3c3a}.roof{font-size:11.5px;fill:#3c3c3a}
.label{font-size:11.5px}.halo{paint-order:stroke;stroke:#fbfbfa;stroke-width:3.5px;
stroke-linejoin:round}`;

export function rooflineSvg(kernels) {
  const panels = PANELS.filter(({ runner }) => kernels.roofs[runner]);
  const roofOf = (runner) => {
    const of = (key) => median(kernels.roofs[runner].map((roof) => roof[key]));
    return { peak: of('peak'), memory: of('memoryBandwidth'), cache: of('cacheBandwidth') };
  };
  const all = panels.map(({ runner }) => pointsOf(kernels, runner));
  const rates = all.flat().map(({ rate }) => rate);
  const from = Math.max(...Y_TICKS.filter((tick) => tick <= Math.min(20, ...rates) / 1.05), 5);
  const to = 1000;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
aria-label="Roofline of kiln's kernels, native and in Chromium">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${[
    text(70, 40, 'kiln’s kernels under the roofs of one core', 'class="title"'),
    text(70, 61, 'GFLOP/s, one thread; shapes of the networks W1 to W3, batches of 32 to 64',
      'class="sub"'),
    ...legend(),
    ...panels.flatMap((p, i) => panel(p, all[i], roofOf(p.runner), from, to)),
    text(70, HEIGHT - 16, machineLine(kernels.machine), 'class="sub"'),
  ].join('\n')}
</svg>
`;
}
