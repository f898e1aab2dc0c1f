// The pages that the engines open: the same run in each surrounding that a page with kiln may have.
// Each tells how it fared by a POST to the server that the address of its report names.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** One run for all. Twelve steps, of which ten come before a page is left and come back to. */
export const OPTIONS = { train: 240, validation: 20, test: 20, batch: 20, epochs: 1, seed: 3 };
export const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 4 - affine 10 - softmax';
export const STEPS = 12;
const BEFORE = 10;

const OPEN = { 'Cross-Origin-Opener-Policy': 'unsafe-none',
  'Cross-Origin-Embedder-Policy': 'unsafe-none', 'Cross-Origin-Resource-Policy': 'cross-origin',
  'Access-Control-Allow-Origin': '*' };

/** Headers of the servers, besides the usual ones, which isolate. */
export const SERVERS = { plain: OPEN, other: OPEN, isolated: {} };

const attributes = Object.entries({ net: NET, ...OPTIONS })
  .map(([name, value]) => `${name}="${value}"`).join(' ');

/** What every page runs first: how it tells `address` of the outcome. */
function reporter(address) {
  return `
const tell = (outcome) => fetch(${JSON.stringify(address)}, {
  method: 'POST', mode: 'no-cors', body: JSON.stringify(outcome) });
const fail = (error) => tell({ error: String(error?.message ?? error) });
addEventListener('error', ({ message }) => message && fail(message));
addEventListener('unhandledrejection', ({ reason }) => fail(reason));
// Views that show something, and what those say that do not work.
const looks = (views) => [...views].map((view) =>
  [view.localName, view.shadowRoot?.childElementCount > 0,
    view.shadowRoot?.querySelector('[role=alert]:not([hidden])')?.textContent ?? '']);
async function trainAndTell(trainer, views, more) {
  const done = new Promise((resolve) => trainer.addEventListener('state', () => {
    if (trainer.state === 'done') resolve();
  }));
  await trainer.start();
  await done;
  // Some of them come after the page, however soon ten steps are over.
  await Promise.all([...views].map((view) => customElements.whenDefined(view.localName)));
  const { variant, threads, mode, reason } = trainer.backend;
  await tell({ variant, threads, mode, reason, hash: await trainer.hash(),
    steps: trainer.metrics.step, isolated: crossOriginIsolated, views: looks(views), ...more });
}
`;
}

/** A page that is to be left goes away after ten steps, and on when it is back. */
function script(address, leave) {
  return reporter(address) + `
let back;
const cameBack = new Promise((resolve) => { back = resolve; });
addEventListener('pageshow', ({ persisted }) => persisted && back());
customElements.whenDefined('kiln-trainer').then(async () => {
  const element = document.querySelector('kiln-trainer');
  const trainer = await element.ready;
  let kept = null;
  if (${leave}) {
    kept = sessionStorage.getItem('left') === null;
    if (kept) {
      for (let i = 0; i < ${BEFORE}; i++) await trainer.step();
      sessionStorage.setItem('left', '1');
      setTimeout(() => { location.href = 'away.html'; });
      await cameBack;
    }
  }
  await trainAndTell(trainer, element.shadowRoot.querySelector('.views').children, { kept });
}).catch(fail);
`;
}

const page = (body) => '<!doctype html><html lang="en"><meta charset="utf-8">' +
  `<title>A course</title><link rel="icon" href="data:,">${body}</html>\n`;

const tag = (source, text) => page(
  `<kiln-trainer ${attributes} loading="eager"></kiln-trainer>` +
  `<script ${source.endsWith('standalone.js') ? '' : 'type="module" '}src="${source}"></script>` +
  `<script>${text}</script>`);

const AWAY = page(`<script>
  addEventListener('pageshow', () => setTimeout(() => history.back(), 300));
</script>`);

/**
 * Writes the pages into a folder that holds the element. By context: the address to open, and what
 * the run must have: threads where the page is isolated, the strict build where it is in one file.
 */
export function writeContexts(folder, servers) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync('build/element', folder, { recursive: true });
  const contexts = {};
  const write = (file, body) => writeFileSync(join(folder, file), body);
  const add = (name, file, { server = 'plain', source = 'kiln-trainer.js', leave = false, frame,
    address, ...wanted } = {}) => {
    const report = `${servers[server]}report/${encodeURIComponent(name)}`;
    const text = tag(source, script(report, leave));
    write(file, frame === undefined ? text : page(`<iframe ${frame} src="in-${file}"></iframe>`));
    if (frame !== undefined) write(`in-${file}`, text);
    contexts[name] = { address: address ?? servers[server] + file, ...wanted };
  };
  const one = { source: 'standalone.js', strict: true };
  write('away.html', AWAY);
  add('same origin', 'own.html');
  add('another origin', 'other.html', { source: `${servers.other}kiln-trainer.js` });
  const file = pathToFileURL(resolve(folder, 'file.html')).href;
  add('file://', 'file.html', { ...one, address: file });
  add('sandbox', 'sandbox.html', { ...one, frame: 'sandbox="allow-scripts"' });
  add('sandbox, own origin', 'frame.html', { frame: 'sandbox="allow-scripts allow-same-origin"' });
  add('isolated', 'isolated.html', { server: 'isolated', threads: true });
  add('back/forward', 'leave.html', { leave: true });
  addPage(folder, contexts, servers, `${servers.isolated}report/${encodeURIComponent('the page')}`);
  return contexts;
}

/** The page of make start, with a script that trains what its link says, and tells of it. */
function addPage(folder, contexts, servers, address) {
  cpSync('build/web', join(folder, 'page'), { recursive: true });
  const file = join(folder, 'page/index.html');
  writeFileSync(file, readFileSync(file, 'utf8').replace('</head>',
    '<script type="module" src="./report.js"></script></head>'));
  writeFileSync(join(folder, 'page/report.js'), reporter(address) + `
const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
const page = document.querySelector('kiln-page');
// The link is followed once the library is there.
while ((await page.trainer?.options())?.net !== ${JSON.stringify(NET)}) await wait();
await trainAndTell(page.trainer, page.shadowRoot.querySelector('.views').children);
`);
  const hash = new URLSearchParams({ net: NET, ...OPTIONS });
  contexts['the page'] = { address: `${servers.isolated}page/#${hash}`, threads: true };
}
