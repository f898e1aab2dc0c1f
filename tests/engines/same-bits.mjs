// same-bits.mjs FOLDER CHROMIUM [ENGINE]: the same run in Chromium, Firefox and WebKit, in every
// surrounding of contexts.mjs, must give Node's parameters bit for bit (make test-engines, ONLY= an
// engine). Prints what each did; exit code 1 on any difference.
//
// Which of the two modes an engine has is its own matter, and is printed: strict without relaxed
// SIMD, fused with it. One that has no threads where the page is isolated says why.

import { resolve } from 'node:path';

import { Trainer } from '../../build/dist/index.js';
import { serve } from '../serve.mjs';
import { NET, OPTIONS, OWN, SERVERS, writeContexts } from './contexts.mjs';
import { ENGINES } from './drivers.mjs';
import { NAME, pictureFiles } from './pictures.mjs';

const [folder = 'build/engines', executablePath = '/usr/bin/chromium', only] =
  process.argv.slice(2);
const engines = Object.entries(ENGINES).filter(([key]) =>
  !only || key.startsWith(only.toLowerCase()));
if (engines.length === 0) {
  console.error(`ONLY=${only} is none of ${Object.keys(ENGINES).join('; ')}`);
  process.exit(2);
}
/** Milliseconds that a page may take; a machine may be slow. */
const PATIENCE = Number(process.env['KILN_PATIENCE'] ?? 120_000);

/** What Node has after the run: the parameters by mode, and the steps. */
async function runHere(setUp) {
  const found = {};
  for (const variant of ['simd', 'relaxed']) {
    const trainer = await Trainer.create({ variant, ...setUp });
    await trainer.start();
    for await (const _ of trainer);
    found[trainer.backend.mode] = await trainer.hash();
    found.steps = trainer.metrics.step;
    trainer.dispose();
  }
  return found;
}

/** A server of the pages that takes their reports, too. */
async function open(site, headers, hear) {
  const { server, address } = await serve(site, 0, { headers });
  const [files] = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', async (request, response) => {
    if (request.method !== 'POST') return files(request, response);
    let body = '';
    for await (const piece of request) body += piece;
    response.writeHead(204, headers).end();
    hear(decodeURIComponent(request.url.split('/').pop()), JSON.parse(body));
  });
  return { server, address };
}

/** What is wrong with a report; null where nothing is. */
function wrong({ error, hash, mode, steps, threads, reason, isolated, views }, wanted, right) {
  if (error) return error;
  if (steps !== right.steps) return `${steps} steps of ${right.steps}`;
  if (wanted.strict && mode !== 'strict') return `${mode}, not strict`;
  if (hash !== right[mode]) return `Node has ${right[mode]}`;
  if (wanted.threads && !isolated) return 'is not isolated';
  if (wanted.threads && threads < 2 && !/^.*one thread: this engine/.test(reason)) return reason;
  const broken = views.find(([, drawn, said]) => !drawn || said);
  return broken ? `${broken[0]}: ${broken[2] || 'shows nothing'}` : null;
}

function row(engine, context, { mode, hash, threads, kept, reason }, problem) {
  const note = problem ?? [
    kept === true ? 'kept as it was' : kept === false ? 'not kept: began anew' : '',
    threads === 1 && context === 'isolated' ? reason : '',
  ].filter(Boolean).join('; ');
  return `${engine.padEnd(30)} ${context.padEnd(20)} ${(hash ?? '-').padEnd(16)} ` +
    `${(mode ?? '-').padEnd(6)} ${String(threads ?? '-').padStart(7)}  ` +
    `${problem === null ? 'ok' : 'DIFFERS'}  ${note}`;
}

const heard = new Map();
const site = resolve(folder, 'site');
const opened = {};
for (const [name, headers] of Object.entries(SERVERS)) {
  opened[name] = await open(site, headers, (context, report) => heard.get(context)?.(report));
}
const addresses = Object.fromEntries(
  Object.entries(opened).map(([name, { address }]) => [name, address]));
const pictures = await pictureFiles();
const contexts = writeContexts(site, addresses, pictures);
const right = await runHere({ net: NET, options: OPTIONS });
const set = `${NAME}.kilnset`;
const rightOwn = await runHere({ net: NET.replace('affine 10', 'affine 3'), options: OWN,
  data: { files: [new File([pictures[set]], set)] } });
console.log(`Node ${process.versions.node}: ${right.steps} steps of ${NET}`);
for (const [what, { strict, fused }] of Object.entries({ run: right, pictures: rightOwn })) {
  console.log(`${what.padEnd(8)} strict ${strict}, fused ${fused}`);
}
console.log(row('engine', 'context', { hash: 'parameters', mode: 'mode', threads: 'threads' }, null)
  .replace(/ {2}ok {2}$/, ''));
let failed = 0;
for (const [key, start] of engines) {
  const engine = await start({ folder, executablePath });
  try {
    for (const [context, wanted] of Object.entries(contexts)) {
      let timer;
      const report = new Promise((tell) => {
        heard.set(context, tell);
        timer = setTimeout(() => tell({ error: `nothing in ${PATIENCE / 1000} s` }), PATIENCE);
      });
      await engine.open(wanted.address).catch((error) =>
        heard.get(context)({ error: error.message }));
      const outcome = await report;
      clearTimeout(timer);
      heard.delete(context);
      const problem = wrong(outcome, wanted, wanted.own ? rightOwn : right);
      if (problem !== null) failed++;
      const lang = key.split(', ')[1];
      console.log(row(lang ? `${engine.name} ${lang}` : engine.name, context, outcome, problem));
    }
  } finally {
    await engine.close();
  }
}
for (const { server } of Object.values(opened)) {
  server.closeAllConnections();
  server.close();
}
console.log(failed === 0 ? 'all as in Node' : `${failed} differ`);
process.exitCode = failed === 0 ? 0 : 1;
