// The table of all that was measured, as Markdown.
import { median } from './tools.mjs';

const line = (cells) => `| ${cells.join(' | ')} |`;

export function table(head, rows) {
  return [line(head), line(head.map((_, i) => (i ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

const round = (x, digits = 3) => {
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(x) || 1)));
  return x.toFixed(decimals);
};

export function machineLine({ cpu, cores, vectors, system, compiler, node, chromium, commit }) {
  return `${cpu}, ${cores} cores, ${vectors}; ${system}; ${compiler}; Node ${node}, Chromium `
    + `${chromium}; kiln ${commit}`;
}

/** A busy machine is said to be one. */
export const isBusy = ({ load }) => load > 0.3;

export function busyLine({ load, cores }) {
  if (!isBusy({ load })) return '';
  return ` Other work kept ${load.toFixed(1)} threads busy on these ${cores} cores when it began: `
    + 'ratios mean more than rates, and those of one thread more than those of two.';
}

const dated = ({ machine, date }) => `Measured ${date.slice(0, 16).replace('T', ' ')} UTC on `
  + `${machineLine(machine)}.${busyLine(machine)}`;

// ---- steps --------------------------------------------------------------------------------------

const rate = (net, ms) => (net.batch * 1e3) / ms;

function stepCell(result, net) {
  if (result.missing) return result.missing;
  const ms = result.ms[net.name];
  return ms ? round(rate(net, median(ms))) : '–';
}

export function stepTable({ nets, results }) {
  return table(['images a second', 'threads', ...nets.map(({ name }) => name)],
    results.map((r) => [r.version ? `${r.runner} ${r.version}` : r.runner, r.threads,
      ...nets.map((net) => stepCell(r, net))]));
}

/** What is compared: numerator, denominator, and the ratio to reach by network. */
const RATIOS = [
  ['kiln Chromium relaxed', 1, 'PyTorch', 1, { W1: 1, W2: 1, W3: 1 }],
  ['kiln Chromium simd', 1, 'PyTorch', 1, {}],
  ['kiln Chromium relaxed', 2, 'PyTorch', 2, {}],
  ['kiln Chromium relaxed', 2, 'kiln Chromium relaxed', 1,
    { W1: 1.85, W2: 1.85, W3: 1.85, W4: 1.8, W5: 1.8 }],
  ['kiln Chromium simd', 2, 'kiln Chromium simd', 1, { W1: 1.85, W2: 1.85, W3: 1.85 }],
  ['kiln native fused', 1, 'PyTorch', 1, { W1: 2, W2: 2, W3: 2, W4: 2, W5: 2 }],
  ['kiln native fused', 2, 'PyTorch', 2, { W1: 2, W2: 2, W3: 2, W4: 2, W5: 2 }],
  ['kiln native fused', 2, 'kiln native fused', 1, { W4: 1.8, W5: 1.8 }],
  ['kiln Chromium relaxed', 1, 'ConvNetJS Chromium', 1, { W1: 50, W2: 50 }],
  ['kiln Chromium relaxed', 1, 'TF.js WASM Chromium, patched', 1, { W1: 6, W2: 6, W3: 12 }],
];

/** Median of the ratios of one round each: what slowed the machine in a round slowed both. */
export function ratio({ results }, net, [over, overThreads, under, underThreads]) {
  const find = (name, threads) =>
    results.find((r) => r.runner === name && r.threads === threads)?.ms[net.name] ?? [];
  const fast = find(over, overThreads);
  const slow = find(under, underThreads);
  const ratios = fast.slice(0, slow.length).map((ms, i) => slow[i] / ms);
  return ratios.length ? median(ratios) : undefined;
}

function ratioCell(value, goal) {
  if (value === undefined) return '–';
  const text = `${round(value)}${goal ? ` (goal ${goal})` : ''}`;
  return goal && value >= goal ? `**${text}**` : text;
}

export function ratioTable(steps, { withGoals = true, threads = 2 } = {}) {
  const { nets } = steps;
  const rows = RATIOS.filter((wish) => wish[1] <= threads).map((wish) => [
    `${wish[0]}, ${wish[1]} / ${wish[2]}, ${wish[3]}`,
    ...nets.map((net) =>
      ratioCell(ratio(steps, net, wish), withGoals ? wish[4][net.name] : undefined))]);
  return table(['ratio (runner, threads)', ...nets.map(({ name }) => name)],
    withGoals ? rows : rows.filter(([, ...cells]) => cells.some((cell) => cell !== '–')));
}

const largeCaption = (nets) => nets.length === 0 ? '' :
  `${nets.map(({ name }) => name).join(' and ')} are nets of presets and train by the preset's `
    + 'options: Muon, smoothed labels, and augmentation, which kiln alone does; the whitening is '
    + 'held, as behind the first epoch. PyTorch trains what `kiln export` makes of them. Their '
    + 'steps take long: 3 rounds, of two steps at least, of those who are compared. ';

export function stepCaption({ rounds, seconds, machine, nets }) {
  return `A step is forward, loss, backward and update in float32, by SGD with momentum unless it `
    + `is said otherwise; same networks, same `
    + `batches (${nets.map(({ name, batch }) => `${name} ${batch}`).join(', ')}). Every runner in `
    + `turn, ${rounds} rounds of ${seconds} s; a round gives the median of its steps, a figure is `
    + `the median of rounds, a ratio the median of the ratios of one round each. `
    + largeCaption(nets.filter(({ large }) => large))
    + (machine.pinned
      ? 'One thread is one pinned core, for the browser too: all of its processes share it, so no '
        + 'helper thread has a second one. '
      : 'Nothing is pinned to a core here. ')
    + 'kiln also decodes each batch from its data set; the peers are given one batch again and '
    + 'again. PyTorch runs NCHW, its default. TF.js lacks the filter gradient of convolutions in '
    + 'its WASM backend; tests/bench/peers/tfjs.js fills it in.';
}

function stepSection(steps) {
  const notes = steps.results.flatMap(({ notes }) => notes);
  return ['## Training steps', dated(steps), stepTable(steps),
    ...notes.map((note) => `Note: ${note}.`), ratioTable(steps), stepCaption(steps)];
}

// ---- kernels ------------------------------------------------------------------------------------

/** { rate, share } of samples of one kernel: GFLOP/s, and times the peak of its moment. */
export function rated(flops, samples) {
  return {
    rate: median(samples.map(({ seconds }) => (flops * 1e-9) / seconds)),
    share: median(samples.map(({ seconds, peak }) => (flops * 1e-9) / seconds / peak)),
  };
}

function rateCell(flops, samples, asTimes) {
  if (!samples) return '–';
  const { rate: gflops, share } = rated(flops, samples);
  return `${round(gflops)} (${asTimes ? `${share.toFixed(2)}x` : `${(100 * share).toFixed(0)} %`})`;
}

const runnersOf = ({ roofs }) => Object.keys(roofs);

function roofTable({ roofs }) {
  const figure = (name, key) => round(median(roofs[name].map((roof) => roof[key])));
  return table(['', 'lanes', 'peak GFLOP/s', 'memory GB/s', 'L2 GB/s', 'OpenBLAS picks'],
    Object.keys(roofs).map((name) => [name, roofs[name][0].lanes, figure(name, 'peak'),
      figure(name, 'memoryBandwidth'), figure(name, 'cacheBandwidth'),
      roofs[name][0].openblas || '–']));
}

function blasCell(results, runner) {
  const [own, other] = [results.gemm?.[runner], results.openblas?.[runner]];
  if (!own || !other) return 'not installed (make bench-peers)';
  return `${median(own.map((s, i) => other[i].seconds / s.seconds)).toFixed(2)}x`;
}

const openblasRunners = (kernels) => runnersOf(kernels).filter((name) =>
  name === 'native fused' || name === 'native fused AVX2');

function gemmTable(kernels, shapes) {
  const runners = runnersOf(kernels);
  const blas = openblasRunners(kernels);
  return table(['M x N x K', ...runners, ...blas.map((name) => `${name} / OpenBLAS `
      + `${kernels.roofs[name][0].openblas}`)],
    shapes.map((shape) => [shape.label,
      ...runners.map((name) => rateCell(shape.flops, shape.results.gemm?.[name])),
      ...blas.map((name) => blasCell(shape.results, name))]));
}

function convTable(kernels, shapes) {
  const runners = runnersOf(kernels);
  const rows = shapes.flatMap((shape) => Object.entries(shape.results).map(([kernel, by]) => [
    shape.label, kernel,
    ...runners.map((name) => rateCell(shape.flops, by[name], kernel.startsWith('winograd')))]));
  return table(['convolution', 'kernel', ...runners], rows);
}

function errorTable({ errors }) {
  const rows = [];
  for (const label of [...new Set(errors.map((e) => e.label))]) {
    const of = (runner, kernel) => errors.find((e) => e.label === label && e.runner === runner)
      ?.kernels.find((k) => k.kernel === kernel)?.error;
    for (const pass of ['forward', 'dx', 'dw']) {
      const row = [label.replace(/, N \d+$/, ''), pass];
      for (const runner of ['native strict', 'native fused']) {
        const direct = of(runner, `direct ${pass}`);
        const winograd = of(runner, `winograd ${pass}`) ?? of(runner, `winograd rows ${pass}`);
        row.push(direct?.toExponential(1) ?? '–', winograd?.toExponential(1) ?? '–',
          winograd ? `${(winograd / direct).toFixed(1)}x` : '–');
      }
      rows.push(row);
    }
  }
  return table(['convolution', 'pass', 'direct, strict', 'Winograd, strict', 'ratio',
    'direct, fused', 'Winograd, fused', 'ratio'], rows.filter((row) => row[2] !== '–'));
}

function kernelSection(kernels) {
  const groups = [...new Set(kernels.shapes.map(({ group }) => group))];
  const parts = groups.map((group) => {
    const shapes = kernels.shapes.filter((shape) => shape.group === group);
    const gemm = shapes.filter(({ kind }) => kind === 'gemm');
    const conv = shapes.filter(({ kind }) => kind === 'conv');
    return [`### ${group[0].toUpperCase()}${group.slice(1)}`,
      ...(gemm.length ? [gemmTable(kernels, gemm)] : []),
      ...(conv.length ? [convTable(kernels, conv)] : [])];
  });
  return ['## Kernels', dated(kernels),
    'GFLOP/s of one thread (of two where said, then of the peak of two), and in brackets the share '
      + 'of the peak of registers alone, measured in the same process in turn with the kernel. '
      + 'Winograd\'s rates are effective: multiply-adds of the direct algorithm by time, all '
      + 'transforms counted, as times the peak. OpenBLAS runs in the same slices as kiln.',
    roofTable(kernels), ...parts.flat(),
    ...(kernels.errors.length ? ['### Errors against double',
      `Largest error by the largest value; ${kernels.errors[0].images} images. WebAssembly has the `
        + 'bits of the native build of its mode.', errorTable(kernels)] : [])];
}

// ---- sizes --------------------------------------------------------------------------------------

function spread(values) {
  return `${((100 * Math.max(...values)) / Math.min(...values) - 100).toFixed(0)} %`;
}

function scalingSection(scaling) {
  const { batches, widths, epochs, layers } = scaling;
  const runners = [...new Set(batches.map(({ runner }) => runner))];
  const by = (rows, key, cell) => {
    const heads = [...new Set(rows.map((row) => row[key]))];
    return table(['', ...heads, 'spread'], runners.map((runner) => {
      const own = rows.filter((row) => row.runner === runner);
      return [runner, ...own.map((row) => round(cell(row))), spread(own.map(cell))];
    }));
  };
  return ['## Cost grows as the work does', dated(scaling),
    '### Images a second on W3 by batch (goal: within 15 %)',
    by(batches, 'batch', (row) => row.imagesPerSecond),
    '### Direct GFLOP/s of a step by width of all six 3x3 convolutions (goal: within 25 %)',
    by(widths, 'width', (row) => row.gflops),
    '### Milliseconds of a step, first and last third of a run over many epochs',
    table(['', 'epochs', 'first third', 'last third', 'ratio'], epochs.map((e) => [
      e.runner, e.epochs, round(e.first), round(e.last), (e.last / e.first).toFixed(3)])),
    '### Share of a step outside convolution and affine layers (goal: at most 20 %)',
    table(['', 'network', 'step ms', 'share outside'], layers.map((l) => [l.runner, l.net,
      round(l.stepMs), `${(100 * l.outside).toFixed(1)} %`])),
    ...layers.filter(({ net }) => net === 'W3').flatMap((l) => [`${l.runner}, ${l.net}:`,
      table(['layer', 'forward ms', 'backward ms', 'share'], l.layers.map((r) => [r.name,
        r.forward.toFixed(3), r.backward.toFixed(3), `${(100 * r.share).toFixed(1)} %`]))])];
}

const MB = 1 << 20;

function memorySection(memory) {
  const { nets, batches, input } = memory;
  const [a, b, c] = batches.map(({ usedKib }) => usedKib / 1024);
  return ['## Memory', dated(memory),
    table(['network, batch', 'net created in ms', 'WASM memory MB', 'beside the data set MB',
      'grown by later steps'], nets.map((m) => [`${m.net}, ${m.batch}`, m.createMs.toFixed(1),
      round(m.bytes / MB), round(m.beside / MB), m.grown])),
    `W3 uses ${batches.map((m) => `${round(m.usedKib / 1024)} MB at batch ${m.batch}`).join(', ')}`
      + `: what the second doubling adds is ${((c - b) / (b - a)).toFixed(3)} times what the first `
      + 'added (2: activations alone grow). Goals: W3 at batch 64 in 96 MB beside the data set, a '
      + 'net in 50 ms.',
    input.error ? `AlexNet's first layer: ${input.error}`
      : `AlexNet's first layer, ${input.notation}, batch ${input.batch}: one pass forward and `
        + `backward in ${round(input.ms)} ms, ${round(input.bytes / MB)} MB of WASM memory.`];
}

function startSection(start) {
  return ['## Start', dated(start),
    `From opening the page to the first trained step with a warm cache: median `
      + `${round(median(start.firstStepMs))} ms of ${start.firstStepMs.length} (until the page can `
      + `start: ${round(median(start.readyMs))} ms). Goal: 500 ms.`,
    table(['module', 'bytes', 'gzip -9'], start.modules.map((m) => [m.name, m.bytes, m.gzip])),
    'Goal: at most 150 kB a variant.'];
}

export function report(results) {
  const sections = [
    results.steps && stepSection(results.steps),
    results.kernels && kernelSection(results.kernels),
    results.scaling && scalingSection(results.scaling),
    results.memory && memorySection(results.memory),
    results.start && startSection(results.start),
  ].filter(Boolean);
  return `${['# kiln: how fast', ...sections.flat()].join('\n\n')}\n`;
}
