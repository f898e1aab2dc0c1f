/**
 * <kiln-trainer>: a network that trains where the tag stands. This file is the light part: it shows
 * a poster with a button, keeps attributes, properties and methods, and fetches the rest (library,
 * worker, views) when the element comes near the window or is asked to do something.
 *
 *   <kiln-trainer net="conv 3x3x16 - relu - maxpool 2 - affine 10 - softmax" epochs="5"
 *     views="loss filters" controls="start step reset lr"></kiln-trainer>
 *
 * Attributes: every option of the library by its name on the command line; `preset`; `data`
 * (builtin, stored or an address); `views`, `controls` (lists, in the author's order); `layout`
 * (compact or wide); `theme` (light, dark or system, else as the page around it); `loading` (lazy,
 * eager, or press: not before Start is pressed, or a method called); `autostart`; `persist` (the
 * run is kept in the browser, by the element's id or its net, and offered again); `threads`;
 * `variant`.
 * An option that is live acts at once, others at the next reset, or at once before the first step.
 * Slots: title, caption. Events, none of which bubbles: ready, progress (at most ten a second),
 * epoch, checkpoint ({ bytes, step, epoch }), statechange ({ state }), error ({ code, message }).
 */

import type { DatasetSource } from '../../bindings/dataset.js';
import type { Trainer } from '../../bindings/trainer.js';
import type { Evaluation, RunState, Split } from '../../bindings/types.js';
import { english, h } from '../dom.js';
import { elementWords as words } from '../strings-element.js';
import tokensCss from '../styles/tokens.css?inline';
import { ATTRIBUTES, FLAGS, PROPERTIES } from './attributes.js';
import type { AttributeProperties, KilnTrainerEventMap, Spelling } from './element-types.js';
import css from './element.css?inline';
import { followTheme } from './page-theme.js';
import type { TrainerBody } from './trainer-body.js';

/** How near the window is near, in pixels. */
const NEAR = '300px';

/** All that stand in this document: they share its cores. */
const standing = new Set<KilnTrainer>();

let sheets: CSSStyleSheet[] | null = null;

function styles(): CSSStyleSheet[] {
  return (sheets ??= [tokensCss, css].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  }));
}

interface Deferred {
  promise: Promise<Trainer>;
  resolve: (trainer: Trainer) => void;
  reject: (error: unknown) => void;
}

function deferred(): Deferred {
  const made = {} as Deferred;
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // who does not ask is not told twice: the element says it
  return made;
}

/** Properties by attribute, and its events, as types. */
export interface KilnTrainer extends AttributeProperties {
  addEventListener<K extends keyof KilnTrainerEventMap>(
    type: K, listener: (this: KilnTrainer, event: KilnTrainerEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K, listener: (this: HTMLElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
}

/** A server that renders pages imports this as well, and has no elements. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

export class KilnTrainer extends Base {
  static readonly version: string = KILN_VERSION;
  static readonly observedAttributes = ATTRIBUTES;

  readonly #root = this.attachShadow({ mode: 'open' });
  readonly #scheme = new CSSStyleSheet();
  #data: DatasetSource | null = null;
  #body: TrainerBody | null = null;
  #opening: Promise<TrainerBody> | null = null;
  #ready = deferred();
  #life: AbortController | null = null;
  #look: (() => void) | null = null;
  #watcher: IntersectionObserver | null = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [this.#scheme, ...styles()];
  }

  connectedCallback(): void {
    for (const name of ['data', ...PROPERTIES.keys()]) this.#upgrade(name);
    standing.add(this);
    if (this.#life) return this.#look!(); // only moved
    this.#life = new AbortController();
    this.#look = followTheme(this, this.#life.signal, (dark) => {
      this.#scheme.replaceSync(`:host { color-scheme: ${dark ? 'dark' : 'light'} }`);
      this.#body?.recolour();
    });
    this.#poster();
    const loading = this.getAttribute('loading');
    if (loading === 'eager') this.#appear();
    else if (loading !== 'press') this.#watch();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      standing.delete(this);
      this.#close();
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now || !this.#life) return;
    if (name === 'data') this.#data = null;
    if (this.#body) this.#body.changed(name);
    else if (!this.#opening) this.#poster();
  }

  /** The trainer behind it; null until it is loaded. Proxies around the element may ask. */
  get trainer(): Trainer | null {
    return this.#body?.trainer ?? null;
  }

  /** Resolves with the trainer once the element is loaded; anew after a failure or a removal. */
  get ready(): Promise<Trainer> {
    return this.#ready.promise;
  }

  /** `idle` until it is loaded. */
  get state(): RunState | 'idle' {
    return this.trainer?.state ?? 'idle';
  }

  /** The data set: the attribute, or an object as Trainer.create takes it, which has no text. */
  get data(): DatasetSource | string {
    return this.#data ?? this.getAttribute('data') ?? 'builtin';
  }

  set data(data: DatasetSource | string) {
    if (typeof data === 'string') {
      this.setAttribute('data', data);
      return;
    }
    this.#data = data;
    this.#body?.changed('data');
  }

  /** Trains to the end of the last epoch; loads first where that is still to be done. */
  async start(): Promise<void> {
    await (await this.#open()).start();
  }

  /** Resolves when the run stands still. One that is not loaded does. */
  async pause(): Promise<void> {
    await (this.#body ?? await this.#opening)?.pause();
  }

  async step(): Promise<void> {
    await (await this.#open()).step();
  }

  /** A new run with what is set now. Where it fails, the present one stays as it is. */
  async reset(): Promise<void> {
    await (await this.#open()).reset();
  }

  /** A checkpoint: a safetensors file. Fires `checkpoint`. */
  async save(): Promise<Uint8Array> {
    return (await this.#open()).save();
  }

  /** Goes on where a checkpoint ended. */
  async load(bytes: Uint8Array): Promise<void> {
    await (await this.#open()).load(bytes);
  }

  async evaluate(split?: Split): Promise<Evaluation> {
    return (await this.#open()).evaluate(split);
  }

  /** The set-up of the run, as the page and the command line spell it, too. */
  async spell(as: Spelling): Promise<string> {
    const { trainer } = await this.#open();
    return (await import('./trainer-body.js')).spell(trainer, as, this.hasAttribute('persist'));
  }

  // loading

  #watch(): void {
    this.#watcher = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.#appear();
    }, { rootMargin: NEAR });
    this.#watcher.observe(this);
  }

  #appear(): void {
    const opening = this.#open();
    const auto = this.hasAttribute('autostart');
    // What fails the poster says, or the body.
    opening.then((body) => (auto ? body.autostart() : undefined)).catch(() => {});
  }

  #open(): Promise<TrainerBody> {
    this.#watcher?.disconnect();
    if (!this.#life) return Promise.reject(new Error(words.removed));
    return (this.#opening ??= this.#fetch(this.#life.signal));
  }

  async #fetch(signal: AbortSignal): Promise<TrainerBody> {
    this.#poster(words.loading);
    try {
      const { TrainerBody } = await import('./trainer-body.js').catch((error: unknown) => {
        throw new Error(words.noScript + String((error as Error).message));
      });
      signal.throwIfAborted();
      const body = await TrainerBody.open(this, {
        signal,
        sharers: standing.size,
        sameData: [...standing].filter(({ data }) => data === this.data).length,
        fire: (type, detail) => this.#fire(type, detail),
      });
      if (signal.aborted) body.dispose();
      signal.throwIfAborted();
      this.#body = body;
      this.#root.replaceChildren(body.node);
      body.begin();
      this.#ready.resolve(body.trainer);
      this.#fire('ready', { trainer: body.trainer });
      return body;
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    const { code = 'E_LOAD', message } = error as { code?: string; message: string };
    this.#ready.reject(error);
    this.#ready = deferred();
    this.#opening = null;
    this.#poster('', message);
    this.#fire('error', { code, message });
  }

  /** Ends the worker, also one that is just starting; what comes back later begins anew. */
  #close(): void {
    this.#watcher?.disconnect();
    this.#life?.abort();
    this.#body?.dispose();
    if (!this.#body) this.#ready.reject(new Error(words.removed));
    this.#ready = deferred();
    this.#body = this.#opening = this.#life = null;
    this.#root.replaceChildren();
  }

  #poster(busy = '', problem = ''): void {
    const net = this.getAttribute('net');
    const preset = this.getAttribute('preset');
    const start = h('button', {
      type: 'button', class: 'main', part: 'button start', disabled: busy !== '',
      onclick: () => void this.#open().then((body) => body.autostart()).then(() => {
        this.#root.querySelector<HTMLElement>('[name=pause]')?.focus();
      }, () => {}),
    }, busy || (problem ? words.again : words.start));
    this.#root.replaceChildren(english(h(
      'div', // no landmark: a page may have many
      { class: 'poster', part: 'poster', role: 'group', 'aria-label': words.label },
      h('slot', { name: 'title' }),
      h('p', { class: 'net' }, net ?? (preset === null ? words.usual : words.preset(preset))),
      start,
      problem ? h('p', { class: 'problem', part: 'error', role: 'alert' }, problem) : null,
      h('slot', { name: 'caption' }),
    )));
  }

  #fire(type: keyof KilnTrainerEventMap, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, composed: true }));
  }

  /** A property set before the element was upgraded hides the accessor: set it again. */
  #upgrade(name: string): void {
    if (!Object.hasOwn(this, name)) return;
    const self = this as unknown as Record<string, unknown>;
    const value = self[name];
    delete self[name];
    self[name] = value;
  }
}

for (const [property, attribute] of PROPERTIES) {
  const flag = FLAGS.includes(attribute);
  Object.defineProperty(KilnTrainer.prototype, property, {
    configurable: true,
    enumerable: true,
    get(this: Element) {
      return flag ? this.hasAttribute(attribute) : this.getAttribute(attribute);
    },
    set(this: Element, value: unknown) {
      if (value === null || value === undefined || value === false) this.removeAttribute(attribute);
      else this.setAttribute(attribute, flag ? '' : value === true ? '1' : String(value));
    },
  });
}
