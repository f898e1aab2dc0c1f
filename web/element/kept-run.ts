/**
 * The run of a <kiln-trainer persist> in the private storage: kept while it goes, and offered again
 * when the page is opened anew. And of any element what its worker left when it ended. This part
 * comes when it is wanted.
 */

import { download, h, show } from '../dom.js';
import { explain, type LiveTrainer } from '../live-trainer.js';
import { RunSaver } from '../run-saver.js';
import {
  openRuns, releaseRun, takeRun, watchRuns, type ListedRun, type RunStore,
} from '../run-store.js';
import { keptWords as words } from '../strings-kept.js';

/** What an element lends. */
export interface Around {
  host: HTMLElement;
  trainer: LiveTrainer;
  /** Where it is said. */
  node: HTMLElement;
  options(): Record<string, string>;
  /** Goes on with a checkpoint, which was made with these options; says what fails. */
  resume(bytes: Uint8Array, options: Record<string, string>): Promise<void>;
  /** Hands the run to the browser's downloads. */
  saveFile(): void;
}

type Action = [text: string, act: () => unknown];

/** One sentence at a time, with what can be done. */
function say(node: HTMLElement, text: string, ...actions: Action[]): void {
  node.replaceChildren(h('p', { role: 'status' }, text), ...actions.map(([name, act]) =>
    h('button', { type: 'button', part: 'button', onclick: () => void act() }, name)));
  show(node, true);
}

/** Offered to some element of this page: one that is like it is offered the next. */
const offered = new Set<string>();

/** Which runs are an element's: by its id, else by what it trains, on the page at this address. */
function placeOf(host: HTMLElement): string {
  const what = host.id || JSON.stringify(['net', 'preset', 'data'].map((name) =>
    host.getAttribute(name)));
  return `element ${location.pathname}${location.search} ${what}`;
}

export class KeptRun {
  readonly #around: Around;
  readonly #place: string;
  readonly #end = new AbortController();
  #saver: RunSaver | null = null;
  #runs: RunStore | null = null;
  #offer: ListedRun | null = null;

  private constructor(around: Around) {
    this.#around = around;
    this.#place = placeOf(around.host);
  }

  /** Resolves when it is known whether there is a run to go on with. */
  static async begin(around: Around): Promise<KeptRun> {
    const kept = new KeptRun(around);
    const belonging = () => ({ place: kept.#place, options: { ...around.options() } });
    try {
      kept.#runs = await openRuns();
      await watchRuns(kept.#runs, kept.#place, kept.#end.signal, (free) => kept.#tell(free));
      kept.#saver = new RunSaver(around.trainer, belonging, () => kept.#changed());
    } catch (error) {
      say(around.node, words.noStorage(explain(error).message), [words.save, around.saveFile]);
    }
    return kept;
  }

  /** Whether it waits for a choice. */
  get offers(): boolean {
    return this.#offer !== null;
  }

  /** Keeps no more: the element goes. What was kept can be gone on with. */
  dispose(): void {
    this.#settle();
    this.#end.abort();
    void this.#saver?.dispose();
  }

  #tell(free: ListedRun[]): void {
    const run = free.find(({ id }) => !offered.has(id));
    if (!run || this.#offer || (this.#around.trainer.metrics?.step ?? 0) > 0) return;
    this.#offer = run;
    offered.add(run.id);
    const remove: Action = [words.remove, () => this.#remove(run)];
    if (run.foreign) say(this.#around.node, words.foreign(run.savedAt), remove);
    else {
      say(this.#around.node, words.offer(run), [words.goOn(run), () => this.#goOn(run)], remove);
    }
  }

  #settle(): void {
    if (this.#offer) offered.delete(this.#offer.id);
    this.#offer = null;
    show(this.#around.node, false);
  }

  /** Where that fails the element says it, and the run is offered still. */
  async #goOn(run: ListedRun): Promise<void> {
    if (!(await takeRun(run.id))) {
      this.#settle();
      return say(this.#around.node, words.elsewhere);
    }
    try {
      const bytes = await this.#runs!.read(run.id);
      await this.#saver!.adopt(run.id, () => this.#around.resume(bytes, run.options));
      this.#settle();
    } catch (error) {
      releaseRun(run.id);
      this.#settle();
      say(this.#around.node, words.failed(explain(error).message),
        [words.goOn(run), () => this.#goOn(run)], [words.remove, () => this.#remove(run)]);
    }
  }

  async #remove(run: ListedRun): Promise<void> {
    const gone = await this.#runs!.remove(run.id).catch(() => false);
    this.#settle();
    if (!gone) say(this.#around.node, words.elsewhere);
  }

  #changed(): void {
    if (this.#offer) return;
    const problem = this.#saver?.problem;
    if (!problem) show(this.#around.node, false);
    else say(this.#around.node, words.notKept(problem), [words.save, this.#around.saveFile]);
  }

  /** The newest state of a run whose worker ended; null where nothing is left of it. */
  async recall(): Promise<{ bytes: Uint8Array; epoch: number; step: number } | null> {
    const last = this.#around.trainer.lastCheckpoint ?? null;
    const kept = this.#saver?.kept;
    if (!kept || kept.step <= (last?.step ?? 0)) return last;
    return { ...kept, bytes: await this.#saver!.recall() };
  }
}

/** The worker of an element ended: what is left of its run can be gone on with, or saved. */
export async function offerLeft(around: Around, kept: KeptRun | null): Promise<void> {
  const last = around.trainer.lastCheckpoint ?? null;
  const left = await (kept?.recall() ?? last);
  if (left) {
    say(around.node, words.lost(left), [words.recover, () => {
      show(around.node, false);
      return around.resume(left.bytes, around.options()).catch(() => {});
    }], [words.save, () => download('kiln.safetensors', left.bytes as Uint8Array<ArrayBuffer>,
      'application/octet-stream')]);
  }
}
