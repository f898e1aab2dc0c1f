/**
 * What all views share: an element with a shadow root of its own that is built once, is given a
 * trainer, and listens to it while it is in the document.
 */

import baseCss from './styles/base.css?inline';
import { h, sheet } from './dom.js';
import { drawNow } from './draw.js';
import { explain, type LiveTrainer, type TrainerEvents } from './live-trainer.js';
import { viewStrings as strings } from './strings-views.js';

export abstract class View extends HTMLElement {
  protected readonly root: ShadowRoot;
  #trainer: LiveTrainer | null = null;
  #built = false;
  #broken = false;
  #listening: AbortController | null = null;
  #seen = true;
  readonly #beforePrint = (): void => {
    const seen = this.#seen;
    this.#seen = true; // on paper all of it is: what has its values is drawn at once
    this.appeared();
    drawNow();
    this.#seen = seen;
  };
  #watcher: IntersectionObserver | null = null;

  constructor(css = '') {
    super();
    this.root = this.attachShadow({ mode: 'open' });
    this.root.adoptedStyleSheets = [sheet(baseCss), ...(css ? [sheet(css)] : [])];
  }

  get trainer(): LiveTrainer | null {
    return this.#trainer;
  }

  set trainer(trainer: LiveTrainer | null) {
    if (trainer === this.#trainer) return;
    this.#trainer = trainer;
    if (this.isConnected) this.#attach();
  }

  connectedCallback(): void {
    this.upgradeProperty('trainer');
    if (!this.#built) {
      this.#built = true;
      this.#guard(() => this.build());
    }
    this.#watcher ??= new IntersectionObserver(
      (entries) => {
        this.#seen = entries.at(-1)?.isIntersecting ?? true;
        if (this.#seen) this.appeared();
      },
      { rootMargin: '100px' },
    );
    this.#watcher.observe(this);
    addEventListener('beforeprint', this.#beforePrint);
    this.#attach();
  }

  disconnectedCallback(): void {
    this.#watcher?.disconnect();
    removeEventListener('beforeprint', this.#beforePrint);
    this.#listening?.abort();
    this.#listening = null;
  }

  /** Makes the nodes, once. */
  protected abstract build(): void;

  /** A trainer has come, or this view has: shows what it has, and listens through `on`. */
  protected attach(_trainer: LiveTrainer): void {}

  /** The colours around have changed: what is no style sheet's is drawn anew. */
  recolour(): void {}

  /** Comes into sight after having been out of it. */
  protected appeared(): void {}

  /** Whether drawing would be seen. */
  protected get visible(): boolean {
    return this.#seen && !document.hidden;
  }

  /** Listens to the trainer until the view is taken out of the document or gets another one. */
  protected on<K extends keyof TrainerEvents>(
    type: K,
    act: (detail: TrainerEvents[K]) => void,
  ): void {
    this.#trainer?.addEventListener(
      type,
      (event) => this.#guard(() => act((event as CustomEvent).detail)),
      { signal: this.#listening!.signal },
    );
  }

  /** Hears of a new run in the place of the one before: after a reset, new data or a checkpoint. */
  protected onRun(act: () => void): void {
    let summary = this.#trainer?.summary;
    this.on('state', () => {
      if (this.#trainer?.summary === summary) return;
      summary = this.#trainer?.summary; // each run has its own
      act();
    });
  }

  /** Aborted when the view stops listening. */
  protected get signal(): AbortSignal {
    return this.#listening!.signal;
  }

  /** Tells the element around the views. */
  protected tell(type: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** Runs what may fail and tells of it. */
  protected async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /**
   * Tells what could not be shown. A run that blows up fails every look at its net before its next
   * step ends it: that is the run's to tell, with what helps.
   */
  protected failed(error: unknown): void {
    const state = this.trainer?.state;
    const ending = state === 'running' || state === 'failed';
    if (!ending || explain(error).code !== 'E_DIVERGED') this.tell('kiln-problem', error);
  }

  /** A property set before the element was upgraded hides the accessor: set it again. */
  protected upgradeProperty(name: string): void {
    if (!Object.hasOwn(this, name)) return;
    const self = this as unknown as Record<string, unknown>;
    const value = self[name];
    delete self[name];
    self[name] = value;
  }

  #attach(): void {
    this.#listening?.abort();
    this.#listening = new AbortController();
    const trainer = this.#trainer;
    if (trainer && !this.#broken) this.#guard(() => this.attach(trainer));
  }

  /** A view that fails says so in its place, listens no more, and takes nothing else down. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      reportError(error);
      this.#broken = true;
      this.#listening?.abort();
      this.root.replaceChildren(
        h('p', { class: 'problem', role: 'alert' }, strings.viewFailed(explain(error).message)));
    }
  }
}
