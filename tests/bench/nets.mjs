// The networks of nets.txt, and each as a flat list of layers that the peers build their own model from.
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

/** [{ name, batch, notation, layers: [{ kind, size?, filters? }] }] */
export function readNets(file = new URL('nets.txt', import.meta.url)) {
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line && line[0] !== '#');
  return lines.map((line) => {
    const [, name, batch, notation] = line.match(/^(\S+) (\d+) (.+)$/);
    return { name, batch: Number(batch), notation, layers: unroll(notation).split(' - ').map(layer) };
  });
}
