// kernels_node.mjs MODULE — answers requests to kernels.c, built as WebAssembly, a line each.
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const { default: create } = await import(pathToFileURL(path.resolve(process.argv[2])).href);
const kernels = await create();
for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(kernels.ccall('bench_ask', 'string', ['string'], [line]));
}
