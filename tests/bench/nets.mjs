// The networks of nets.txt, each also as a flat list of layers, from which the peers build theirs.
import fs from 'node:fs';

import { load } from '../../build/dist/wasm.js';

const presets = (await load({ variant: 'simd' })).json('kiln_presets');

/** '[a - b]x2 - c' to 'a - b - a - b - c'. */
function unroll(notation) {
  return notation.replace(/\[([^\]]*)\]x(\d+)/g, (_, chain, times) =>
    Array(Number(times)).fill(chain).join(' - '));
}

function layer(text) {
  const [kind, size] = text.split(' ');
  if (kind === 'conv') {
    const [height, width, filters] = size.split('x').map(Number);
    if (height !== width) throw new Error(`the peers take square filters only: ${text}`);
    return { kind, size: height, filters };
  }
  return size === undefined ? { kind } : { kind, size: Number(size) };
}

/**
 * { name, batch, notation, options, layers, large }. options: those of kiln besides net and batch;
 * large: a step takes seconds, and stands for the nets of presets, which not every peer can train.
 */
export function describeNet(name, batch, notation, options = MOMENTUM, large = false) {
  return { name, batch, notation, options, layers: unroll(notation).split(' - ').map(layer),
    large };
}

/** What every peer has. */
const MOMENTUM = { optimizer: 'momentum', lr: '0.01' };

/**
 * Multiply-adds, twice, of convolutions and affine layers of one image by the direct algorithm:
 * forward, the gradient of the weights, and that of the input except for the first layer.
 */
export function trainingFlops({ layers }) {
  let [channels, side, flops, first] = [3, 32, 0, true];
  for (const { kind, size, filters } of layers) {
    if (kind === 'maxpool') side /= size;
    if (kind === 'avgpool') side = 1;
    if (kind !== 'conv' && kind !== 'affine') continue;
    const forward = kind === 'conv' ? 2 * side * side * filters * channels * size * size
      : 2 * side * side * channels * size;
    flops += forward * (first ? 2 : 3);
    first = false;
    channels = kind === 'conv' ? filters : size;
    if (kind === 'affine') side = 1;
  }
  return flops;
}

/** The net of a preset, whose whitening does not learn any more: as in all epochs but the first. */
export function presetNet(name, preset) {
  const found = presets.find((p) => p.name === preset);
  if (!found) throw new Error(`nets.txt: ${name}: there is no preset ${preset}`);
  const { batch, epochs, ...options } = found.options;
  return describeNet(name, Number(batch), found.net, { ...options, 'whiten-epochs': '0' }, true);
}

function readNet(line) {
  const [, name, preset] = line.match(/^(\S+) preset (\S+)$/) ?? [];
  if (preset) return presetNet(name, preset);
  const [, plain, batch, notation] = line.match(/^(\S+) (\d+) (.+)$/);
  return describeNet(plain, Number(batch), notation);
}

/** The nets of the text file, or those of the names given. */
export function readNets(names, file = new URL('nets.txt', import.meta.url)) {
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line && line[0] !== '#');
  const nets = lines.map(readNet);
  const unknown = names?.find((wanted) => !nets.some(({ name }) => name === wanted));
  if (unknown) throw new Error(`NETS: ${unknown} is none of ${nets.map((n) => n.name).join(', ')}`);
  return nets.filter(({ name }) => !names || names.includes(name));
}
