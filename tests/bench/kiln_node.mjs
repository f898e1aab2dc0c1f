// kiln_node.mjs VARIANT — the tasks of kiln_tasks.js in Node: a message a line, an answer a line.
import readline from 'node:readline';

import { tasks } from './kiln_tasks.js';

const { load } = await import('../../build/dist/wasm.js');
const wasm = await load({ variant: process.argv[2] });
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const message = JSON.parse(line);
    answer = tasks[message.task](wasm, message);
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
