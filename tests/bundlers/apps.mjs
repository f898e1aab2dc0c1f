// The applications that are bundled, as their sources: each trains ten steps by one entry of the
// package, and puts what came of it into its paragraph, as JSON.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SETUP = { net: 'conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax', train: 100,
  validation: 20, test: 20, batch: 20, epochs: 2, seed: 3 };
export const ARCHIVE = 'archive.tar.gz';

/** Images of CIFAR-10's format, as files of the names that the official archive has. */
export function imageFiles() {
  return ['data_batch_1', 'data_batch_2', 'data_batch_3', 'test_batch'].map((name, file) => ({
    name: `${name}.bin`,
    bytes: Uint8Array.from({ length: 50 * 3073 }, (_, i) =>
      i % 3073 === 0 ? (i / 3073 + file) % 10 : (i * 7 + (i >> 5) * file) & 255),
  }));
}

let archive;

/** The same in an archive, so that a page also needs what unpacks them. */
export function archiveBytes() {
  if (archive) return archive;
  const folder = mkdtempSync(join(tmpdir(), 'kiln-archive-'));
  mkdirSync(join(folder, 'cifar-10-batches-bin'));
  for (const { name, bytes } of imageFiles()) {
    writeFileSync(join(folder, 'cifar-10-batches-bin', name), bytes);
  }
  execFileSync('tar', ['-C', folder, '-czf', join(folder, ARCHIVE), 'cifar-10-batches-bin']);
  archive = readFileSync(join(folder, ARCHIVE));
  rmSync(folder, { recursive: true });
  return archive;
}

const REPORT = `
const report = (said) => { document.querySelector('#said').textContent = JSON.stringify(said); };
const failed = ({ code, message, stack }) => report({ error: code + ': ' + message, stack });
const ran = async (trainer) => ({ steps: trainer.metrics.step, mode: trainer.backend.mode,
  variant: trainer.backend.variant, hash: await trainer.hash() });
`;

const library = (entry) => `import { Trainer } from '${entry}';${REPORT}
async function main() {
  const data = { url: new URL('${ARCHIVE}', location.href) };
  const trainer = await Trainer.create({ data, ...${JSON.stringify(SETUP)} });
  await trainer.start();
  for await (const { step } of trainer) document.title = step;
  const zip = String.fromCharCode(...(await trainer.export('npz')).subarray(0, 2));
  report({ ...await ran(trainer), zip });
}
main().catch(failed);`;

const TAG = { ...SETUP, data: ARCHIVE, views: 'loss', loading: 'eager', autostart: true };

const element = (entry) => `import '${entry}';${REPORT}
const tag = Object.assign(document.createElement('kiln-trainer'), ${JSON.stringify(TAG)});
tag.addEventListener('error', ({ detail }) => failed(detail));
tag.addEventListener('statechange', async ({ detail }) => {
  if (detail.state !== 'done') return;
  const zip = String.fromCharCode(...(await tag.trainer.export('npz')).subarray(0, 2));
  report({ ...await ran(tag.trainer), zip,
    views: tag.shadowRoot.querySelectorAll('kiln-loss-view').length });
});
document.body.append(tag);`;

/**
 * What every framework does. Two tags: of one that is there before it is registered, and one that
 * is registered, with its data an object. And the classes in a store of the framework's.
 */
const COMMON = `${REPORT}
const files = async () => ['data_batch_1', 'data_batch_2', 'data_batch_3', 'test_batch'].map(
  (name, file) => ({ name: name + '.bin', bytes: Uint8Array.from({ length: 50 * 3073 }, (_, i) =>
    i % 3073 === 0 ? (i / 3073 + file) % 10 : (i * 7 + (i >> 5) * file) & 255) }));
const SETUP = ${JSON.stringify(SETUP)};
const EARLY = ${JSON.stringify(TAG)};
const LATE = { ...SETUP, views: 'loss', loading: 'eager', autostart: true };
const parts = {};
function add(name, what) {
  parts[name] = what;
  if (Object.keys(parts).length === 3) report(parts);
}
const epochs = { early: 0, late: 0 };
let mounts = 0;
const onEpoch = (name) => () => { epochs[name]++; };
const onError = ({ detail }) => failed(detail);
const onState = (name) => async ({ target, detail }) => {
  if (detail.state === 'done') add(name, { ...await ran(target.trainer), epochs: epochs[name] });
};
/** A store is an object that hands out what is put into it, in the framework's own way. */
async function useClasses(store, alive = () => true) {
  const { Dataset, Model, Trainer } = await import('kiln-nn');
  store.data = { files: await files() };
  store.options = SETUP;
  const trainer = await Trainer.create({ data: store.data, options: store.options });
  if (!alive()) return trainer.dispose();
  store.trainer = trainer;
  let heard = 0;
  store.trainer.addEventListener('epoch', () => { heard++; });
  await store.trainer.start();
  for await (const { step } of store.trainer) store.step = step;
  store.dataset = await Dataset.fromFiles(store.data.files, { train: 100, validation: 20 });
  store.model = await Model.create('affine 10 - softmax', { input: [3, 32, 32] });
  const { x, y } = store.dataset.batch('train', 0, 5);
  add('classes', { ...await ran(store.trainer), epochs: heard, shown: store.step, mounts,
    loss: store.model.loss(x, y) });
}
`;

const react = `import { createElement as h, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';${COMMON}
function App() {
  const [registered, register] = useState(false);
  const [data, setData] = useState(null);
  const [shown, show] = useState({});
  useEffect(() => {
    let here = true;
    mounts++; // twice, in React's strict mode of development
    import('kiln-nn/element').then(async () => {
      setData({ files: await files() });
      register(true);
    });
    const store = new Proxy({}, { set: (into, name, value) => {
      into[name] = value;
      show((before) => ({ ...before, [name]: value }));
      return true;
    } });
    void useClasses(store, () => here).catch(failed);
    return () => { here = false; };
  }, []);
  return h('div', null, h('output', null, shown.step),
    h('kiln-trainer', { ...EARLY, onerror: onError, onepoch: onEpoch('early'),
      onstatechange: onState('early') }),
    registered && h('kiln-trainer', { ...LATE, data, onerror: onError, onepoch: onEpoch('late'),
      onstatechange: onState('late') }));
}
createRoot(document.body.appendChild(document.createElement('div')))
  .render(h(StrictMode, null, h(App)));`;

const vue = `import { createApp, h, onMounted, reactive } from 'vue';${COMMON}
const App = {
  setup() {
    const state = reactive({ registered: false, data: null });
    const store = reactive({});
    onMounted(async () => {
      useClasses(store).catch(failed);
      await import('kiln-nn/element');
      state.data = { files: await files() };
      state.registered = true;
    });
    return () => h('div', [h('output', store.step),
      h('kiln-trainer', { ...EARLY, onError, onEpoch: onEpoch('early'),
        onStatechange: onState('early') }),
      state.registered ? h('kiln-trainer', { ...LATE, data: state.data, onError,
        onEpoch: onEpoch('late'), onStatechange: onState('late') }) : null]);
  },
};
createApp(App).mount(document.body.appendChild(document.createElement('div')));`;

const svelte = `import { mount } from 'svelte';
import App from './app.js';
mount(App, { target: document.body });`;

/** Not spread: Svelte takes a tag that it spreads too early for one without properties for good. */
const each = (from) => Object.keys(TAG).map((name) => `${name}={${from}.${name}}`).join(' ');

const SVELTE = `<script>
import { onMount } from 'svelte';${COMMON}
let store = $state({});
let late = $state(null);
onMount(async () => {
  useClasses(store).catch(failed);
  await import('kiln-nn/element');
  late = { ...LATE, data: { files: await files() } };
});
</script>
<output>{store.step}</output>
<kiln-trainer ${each('EARLY')} onerror={onError} onepoch={onEpoch('early')}
  onstatechange={onState('early')}></kiln-trainer>
{#if late}
  <kiln-trainer ${each('late')} onerror={onError} onepoch={onEpoch('late')}
    onstatechange={onState('late')}></kiln-trainer>
{/if}`;

const MAINS = { react, vue, svelte };
const isTag = (entry) => /element|standalone/.test(entry);

const html = (script) => `<!doctype html><meta charset="utf-8"><title>kiln</title>
<link rel="icon" href="data:,"><p id="said">running</p>
${script ? `<script type="module" src="${script}"></script>` : ''}`;

/** Writes the sources of an application of `entry` into a folder, which is made anew. */
export function writeApp(root, entry, home) {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'public'), { recursive: true });
  const main = MAINS[entry] ?? (isTag(entry) ? element(entry) : library(entry));
  const files = { 'main.js': main, 'index.html': html('./main.js'), 'empty.html': html(''),
    // Where dev servers find it, and what is copied to where the rest is built.
    [ARCHIVE]: archiveBytes(), [`public/${ARCHIVE}`]: archiveBytes() };
  if (entry === 'svelte') {
    const { compile } = createRequire(join(home, 'package.json'))('svelte/compiler');
    files['app.js'] = compile(SVELTE, { name: 'App', generate: 'client' }).js.code;
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
}
