// machine_code.mjs MODULE FUNCTION — the machine code that this Node's V8 makes of the functions of
// a module, linked with names, whose name contains FUNCTION (make machine-code FUNCTION=apart_6_2).
//
// What C becomes is decided twice, by LLVM and by V8: spilled sums, addresses computed by a
// multiplication, constants made anew in each round show here and nowhere else.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [file, wanted] = process.argv.slice(2);
const bytes = readFileSync(file);

/** [value, next]: an unsigned LEB128 number. */
function leb(at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

function text(at) {
  const [length, start] = leb(at);
  return [bytes.toString('utf8', start, start + length), start + length];
}

/** [index, name] of each function, of subsection 1 of the custom section "name". */
function functionNames() {
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at];
    const [size, start] = leb(at + 1);
    const [name, body] = id === 0 ? text(start) : ['', start];
    for (let part = body; name === 'name' && part < start + size;) {
      const [partSize, first] = leb(part + 1);
      if (bytes[part] === 1) return readNames(first);
      part = first + partSize;
    }
    at = start + size;
  }
  return [];
}

function readNames(at) {
  const names = [];
  let [count, next] = leb(at);
  for (; count > 0; count--) {
    const [index, after] = leb(next);
    const [name, end] = text(after);
    names.push([index, name]);
    next = end;
  }
  return names;
}

const found = functionNames().filter(([, name]) => wanted && name.includes(wanted));
if (found.length === 0) {
  console.error(wanted ? `kiln: no function of ${file} has "${wanted}" in its name`
    : 'usage: make machine-code FUNCTION=PART_OF_A_NAME');
  process.exit(1);
}
const compile = `new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(file)}))`;
for (const [index, name] of found) {
  console.log(`==== ${name}`);
  console.log(execFileSync(process.execPath, [
    ...(process.env.NODE_RELAXED ?? '').split(' ').filter(Boolean),
    '--no-liftoff', '--no-wasm-lazy-compilation', `--print-wasm-code-function-index=${index}`,
    '-e', compile], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}
