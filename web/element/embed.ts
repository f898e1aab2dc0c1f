/**
 * embed.html: a page that holds one <kiln-trainer>, for the iframe of a page that allows no more.
 * Attributes of the tag stand in the query, and `title` and `caption`, which are texts; keys that
 * are none are passed over. Nothing trains by itself unless it says autostart; and where `data` is
 * an address, nothing is fetched from there, nor trains, before a person has pressed Start.
 *
 * Messages to the page around it, each an object with `kiln` as its kind:
 *   { kiln: 'height', height }                CSS pixels that the page needs, whenever that changes
 *   { kiln: 'ready' }, { kiln: 'state', state }, { kiln: 'error', code, message }
 *   { kiln: 'score', split: 'validation', accuracy, epoch, epochs, step, done }
 *                                             after each epoch, and `done` at the end of the run;
 *                                             accuracy 0..1, null without validation images
 * and from that page alone, which is asked for nothing else: { kiln: 'play' }, { kiln: 'pause' },
 * { kiln: 'reset' }.
 */

import type { EpochEvent, RunState } from '../../bindings/types.js';
import { h } from '../dom.js';
import { elementWords as words } from '../strings-element.js';
import type { KilnTrainer } from './kiln-trainer.js';
import { followTheme } from './page-theme.js';
import { readQuery, type Query } from './query.js';

/** The tag in modules, and in one script for a frame without origin, which can load no module. */
const MODULE = './kiln-trainer.js';
const SCRIPT = 'standalone.js';

const CSS = `
body { margin: 0 }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
`;

const script = document.currentScript as HTMLScriptElement;
const around = window.parent === window ? null : window.parent;
const main = document.querySelector('main')!;

/** Whoever embeds this page may be anybody: what is told is no secret. */
function tell(kiln: string, more: object = {}): void {
  around?.postMessage({ kiln, ...more }, '*');
}

async function load(): Promise<void> {
  if (origin !== 'null') {
    await import(MODULE);
    return;
  }
  await new Promise((loaded, failed) => {
    const src = new URL(SCRIPT, script.src).href;
    document.head.append(h('script', { src, onload: loaded, onerror: () =>
      failed(new Error(src)) }));
  });
}

function complain(text: string): void {
  main.append(h('p', { role: 'alert' }, text));
}

/** A frame sees a page of its own origin alone, and is light in others unless it is told. */
function wear(theme: string | undefined): void {
  const set = (scheme: string): void => { document.documentElement.style.colorScheme = scheme; };
  const frame = window.frameElement;
  if (theme === 'light' || theme === 'dark') set(theme);
  else if (theme === 'system' || !around) set('light dark');
  else if (!frame) set('light');
  else followTheme(frame, new AbortController().signal, (dark) => set(dark ? 'dark' : 'light'));
}

function show({ attributes, title, caption, problems }: Query): KilnTrainer {
  if (title) document.title = title;
  wear(attributes['theme']);
  const element = document.createElement('kiln-trainer') as KilnTrainer;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(h('h1', title ? { slot: 'title' } : { slot: 'title', class: 'unseen' },
    title || words.label));
  if (caption) element.append(h('p', { slot: 'caption' }, caption));
  main.append(element);
  problems.forEach(complain);
  return element;
}

function report(element: KilnTrainer): void {
  const score = ({ epoch, step, valAccuracy }: Pick<EpochEvent, 'epoch' | 'step' | 'valAccuracy'>,
    done: boolean): void => {
    const { epochs } = element.trainer!.metrics!;
    tell('score',
      { split: 'validation', accuracy: valAccuracy ?? null, epoch, epochs, step, done });
  };
  let last: EpochEvent | null = null;
  element.addEventListener('ready', () => tell('ready'));
  element.addEventListener('error', (event) => {
    const { code, message } = (event as CustomEvent<{ code: string; message: string }>).detail;
    tell('error', { code, message });
  });
  element.addEventListener('epoch', (event) => {
    last = (event as CustomEvent<EpochEvent>).detail;
    score(last, false);
  });
  element.addEventListener('statechange', (event) => {
    const { state } = (event as CustomEvent<{ state: RunState }>).detail;
    tell('state', { state });
    if (state === 'done' && last) score(last, true);
    if (state === 'ready') last = null; // another run
  });
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height > 0) tell('height', { height }); // not while there is nothing to be seen
  }).observe(document.body);
}

/** What the embedding page may ask for; what fails, the element says. */
function obey(element: KilnTrainer, waits: boolean): void {
  const once = (act: () => Promise<void>) => async (): Promise<void> => {
    if (!waits || element.trainer) return act();
    tell('error', { code: 'E_STATE', message: words.press });
  };
  const acts = new Map<unknown, () => Promise<void>>([
    ['play', once(() => element.start())],
    ['pause', () => element.pause()],
    ['reset', once(() => element.reset())],
  ]);
  addEventListener('message', ({ source, data }: MessageEvent<{ kiln?: unknown } | null>) => {
    if (around && source === around) void acts.get(data?.kiln)?.().catch(() => {});
  });
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(CSS);
document.adoptedStyleSheets = [sheet];
const query = readQuery(location.search);
const element = show(query);
report(element);
load().then(() => obey(element, query.waits), (error: unknown) => {
  const message = words.noScript + (error as Error).message;
  complain(message);
  tell('error', { code: 'E_LOAD', message });
});
