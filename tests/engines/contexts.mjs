// The pages that the engines open: the same run in each surrounding that a page with kiln may have.
// Each tells how it fared by a POST to the server that the address of its report names.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { NAME } from './pictures.mjs';

/** One run for all. Twelve steps, of which ten come before a page is left and come back to. */
export const OPTIONS = { train: 240, validation: 20, test: 20, batch: 20, epochs: 1, seed: 3 };
export const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 4 - affine 10 - softmax';
const BEFORE = 10;
/** And one on own pictures, to whose classes the page fits the net. */
export const OWN = { batch: 20, epochs: 4, seed: 3 };

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
 * Writes the pages into a folder that holds the element, with the files of `pictures`. By context:
 * the address to open, and what the run must have: threads where the page is isolated, the strict
 * build where it is in one file, own pictures' parameters.
 */
export function writeContexts(folder, servers, pictures) {
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
  addPages(folder, contexts, servers.isolated, pictures);
  return contexts;
}

/** The page of make start, with a script that trains by `script`, and tells of it. */
function addPages(folder, contexts, server, pictures) {
  cpSync('build/web', join(folder, 'page'), { recursive: true });
  for (const [name, bytes] of Object.entries(pictures)) {
    writeFileSync(join(folder, 'page', name), bytes);
  }
  const html = readFileSync(join(folder, 'page/index.html'), 'utf8');
  const add = (name, file, hash, script, wanted = {}) => {
    writeFileSync(join(folder, 'page', `${file}.html`), html.replace('</head>',
      `<script type="module" src="./${file}.js"></script></head>`));
    writeFileSync(join(folder, 'page', `${file}.js`),
      `${reporter(`${server}report/${encodeURIComponent(name)}`)}${WAIT}
async function main() {${script}
  await trainAndTell(page.trainer, page.shadowRoot.querySelector('.views').children);
}
main().catch(fail);
`);
    const address = `${server}page/${file}.html#${new URLSearchParams({ net: NET, ...hash })}`;
    contexts[name] = { address, threads: true, ...wanted };
  };
  add('the page', 'run', OPTIONS, LINKED);
  add('own pictures', 'zip', OWN, `${take(`${NAME}.zip`)}
  const use = await until(() => page.shadowRoot.querySelector('kiln-own-pictures')
    ?.shadowRoot.querySelector('button.main:not(:disabled)'));
  use.click();${TAKEN}`, { own: true });
  add('a packed set', 'packed', OWN, take(`${NAME}.kilnset.gz`) + TAKEN, { own: true });
}

const WAIT = `
const page = document.querySelector('kiln-page');
async function until(there) {
  for (;;) {
    const problem = page.shadowRoot?.querySelector('.notice.alarm p');
    if (problem) throw new Error(problem.textContent);
    const found = await there();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
`;

/** The link is followed once the library is there. */
const LINKED = `
  await until(async () => (await page.trainer?.options())?.net === ${JSON.stringify(NET)});`;

/** Opens a file that lies beside the page, as a press on "Open data…" does. */
const take = (file) => `${LINKED}
  const bytes = await (await fetch('./${file}')).blob();
  page.shadowRoot.querySelector('kiln-data-panel').dispatchEvent(new CustomEvent('kiln-data', {
    detail: { files: [new File([bytes], '${file}')], store: true }, bubbles: true,
    composed: true }));`;

/** The data are there, and the run is on them. */
const TAKEN = `
  await until(() => page.trainer.dataset.name === '${NAME}' && page.trainer.state === 'ready');`;
