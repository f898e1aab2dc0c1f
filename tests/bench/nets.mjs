// The networks of nets.txt, each also as a flat list of layers, from which the peers build theirs.
import fs from 'node:fs';

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

/** { name, batch, notation, layers, flops }: flops of one image's step (see below). */
export function describeNet(name, batch, notation) {
  const layers = unroll(notation).split(' - ').map(layer);
  return { name, batch, notation, layers, flops: trainingFlops(layers) };
}

/**
 * Multiply-adds, twice, of convolutions and affine layers of one image by the direct algorithm:
 * forward, the gradient of the weights, and that of the input except for the first layer.
 */
function trainingFlops(layers) {
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

/** The nets of the text file, or those of the names given. */
export function readNets(names, file = new URL('nets.txt', import.meta.url)) {
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line && line[0] !== '#');
  return lines
    .map((line) => {
      const [, name, batch, notation] = line.match(/^(\S+) (\d+) (.+)$/);
      return describeNet(name, Number(batch), notation);
    })
    .filter(({ name }) => !names || names.includes(name));
}
