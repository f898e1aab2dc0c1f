// check_cycles.mjs — no circles: neither do headers of src/ include each other, nor do files of
// bindings/ and web/ import each other, directly or through others. What is imported as a type only
// leaves nothing at run time and does not count.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const files = (folder, pattern) => readdirSync(folder, { recursive: true })
  .map((name) => join(folder, name)).filter((name) => pattern.test(name)).sort();

/** The headers that a header includes: written from src/, or from beside it. */
function includes(file) {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^#\s*include\s+"([^"]+)"/gm)]
    .map(([, name]) => [join('src', name), join(dirname(file), name)].find(existsSync))
    .filter((name) => name !== undefined);
}

/** The files that a script imports by value. */
function imports(file) {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export)\s(?!type\b)([^;]*?)from\s+'(\.[^']+)'/gm)]
    .filter(([, names]) => !/^\{(\s*type\s+[^,}]+,?)+\s*\}\s*$/.test(names))
    .map(([, , name]) => normalize(join(dirname(file), name.replace(/\.js$/, '.ts'))))
    .filter(existsSync);
}

/** A circle that can be reached from `file`, as the list of its files; undefined where none is. */
function circle(file, edges, path, done) {
  const at = path.indexOf(file);
  if (at >= 0) return [...path.slice(at), file];
  if (done.has(file)) return undefined;
  for (const next of edges(file)) {
    const found = circle(next, edges, [...path, file], done);
    if (found) return found;
  }
  done.add(file);
  return undefined;
}

let errors = 0;
let count = 0;
for (const [folder, pattern, edges] of [
  ['src', /\.h$/, includes], ['bindings', /(?<!\.d)\.ts$/, imports],
  ['web', /(?<!\.d)\.ts$/, imports],
]) {
  const done = new Set();
  for (const file of files(folder, pattern)) {
    const found = circle(file, edges, [], done);
    count += 1;
    if (!found) continue;
    console.error(`a circle: ${found.join(' -> ')}`);
    errors += 1;
    break;
  }
}
if (errors > 0) process.exit(1);
console.log(`circles: none among ${count} headers and scripts`);
