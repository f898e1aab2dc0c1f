/**
 * The page's runs in the private storage: keeps the present one (run-saver.ts), offers what an
 * earlier page left (reloaded, closed, crashed), and shows and removes what there is.
 */

import type { DataProgress } from '../bindings/types.js';
import { sentence } from './format.js';
import type { KeptPanel } from './kept-panel.js';
import { explain, type DataSource, type DataStore, type LiveTrainer } from './live-trainer.js';
import type { Notices } from './notices.js';
import type { RunDesk } from './run-desk.js';
import { RunSaver } from './run-saver.js';
import {
  openRuns, releaseRun, takeRun, watchRuns, type ListedRun, type RunStore,
} from './run-store.js';
import { keptWords as words } from './strings-kept.js';
import { strings } from './strings.js';

export interface KeptParts {
  panel: KeptPanel;
  notices: Notices;
  /** Hands the present run to the browser's downloads. */
  saveFile(): void;
  /** The data set that was kept is no more. */
  forgotten(): void;
}

export class KeptDesk {
  readonly #trainer: LiveTrainer;
  readonly #desk: RunDesk;
  readonly #parts: KeptParts;
  readonly #data: DataStore | null;
  readonly #saver: RunSaver;
  readonly #place = `page ${new URL('.', location.href).pathname}`;
  readonly #waits = new AbortController();
  #runs: RunStore | null = null;
  #why = '';

  constructor(trainer: LiveTrainer, desk: RunDesk, parts: KeptParts, data: DataStore | null) {
    this.#trainer = trainer;
    this.#desk = desk;
    this.#parts = parts;
    this.#data = data;
    const belonging = () => ({ place: this.#place, options: { ...desk.setUp.inUse } });
    this.#saver = new RunSaver(trainer, belonging, () => void this.#show());
    parts.panel.acts = {
      open: (run) => void this.#goOn(run),
      remove: (run) => void this.#remove([run]),
      removeData: () => void this.#removeData().then(() => this.#said(words.cleared)),
      removeAll: () => void this.#removeAll(),
      save: parts.saveFile,
    };
  }

  /** Looks for what was kept, and offers the newest of it. */
  async begin(): Promise<void> {
    try {
      this.#runs = await openRuns();
    } catch (error) {
      this.#why = explain(error).message;
      return this.#show();
    }
    await watchRuns(this.#runs, this.#place, this.#waits.signal, ([run]) => {
      if (run && (this.#trainer.metrics?.step ?? 0) === 0) this.#offer(run);
      void this.#show();
    });
    await this.#show();
    this.#trainer.addEventListener('dataprogress', (event) => {
      const { phase } = (event as CustomEvent<DataProgress>).detail;
      if (phase === 'ready') void this.#show();
    });
    this.#trainer.addEventListener('error', (event) =>
      this.#tellLost((event as CustomEvent<{ code: string; message: string }>).detail));
  }

  #offer(run: ListedRun, problem = ''): void {
    const remove = { text: words.remove, act: () => void this.#remove([run]) };
    const goOn = { text: words.goOn(run), act: () => void this.#goOn(run) };
    const text = run.foreign ? words.foreign(run.savedAt) : words.offer(run);
    this.#parts.notices.say('offer', problem || text, run.foreign ? [remove] : [goOn, remove]);
  }

  /** Where it fails the present run goes on, and the kept one stays. */
  async #goOn(run: ListedRun): Promise<void> {
    this.#waits.abort();
    try {
      if (!(await takeRun(run.id))) throw new Error(words.elsewhere);
      try {
        const bytes = await this.#runs!.read(run.id);
        const data = await this.#dataOf(run);
        await this.#saver.adopt(run.id, () => this.#desk.take(() =>
          this.#desk.setUp.goBack(bytes, data, run.options)));
      } catch (error) {
        releaseRun(run.id);
        throw error;
      }
      this.#parts.notices.clear('offer');
    } catch (error) {
      this.#offer(run, words.failed(explain(error).message));
    }
    await this.#show();
  }

  /** The worker ended: what was kept of its run may be newer than what it left in the page. */
  #tellLost({ code, message }: { code: string; message: string }): void {
    const { kept } = this.#saver;
    const left = this.#trainer.lastCheckpoint?.step ?? 0;
    if (code === 'E_DIVERGED' || !kept || kept.step <= left) return;
    const lost = strings.notices.lost(message, kept.epoch, kept.step);
    const recover = async (): Promise<void> => {
      const bytes = await this.#saver.recall();
      await this.#desk.take(() => this.#desk.setUp.load(bytes));
    };
    this.#parts.notices.say('run', lost, [{ text: strings.notices.recover,
      act: () => void recover().catch((error: unknown) =>
        this.#parts.notices.say('problem', words.failed(explain(error).message))) }], true);
  }

  async #dataOf({ data }: ListedRun): Promise<DataSource> {
    if (data === 'builtin') return data;
    if (await this.#data?.info().catch(() => null)) return { stored: true };
    throw new Error(words.needsData(data));
  }

  async #remove(runs: readonly ListedRun[]): Promise<void> {
    try {
      for (const { id } of runs) {
        if (!(await this.#runs!.remove(id))) this.#parts.notices.say('problem', words.elsewhere);
      }
      this.#parts.notices.clear('offer');
      this.#said(words.cleared);
    } catch (error) {
      this.#parts.notices.say('problem', sentence(explain(error).message));
    }
    await this.#show();
  }

  async #removeData(): Promise<void> {
    await this.#data?.forget();
    this.#parts.forgotten();
    await this.#show();
  }

  async #removeAll(): Promise<void> {
    await this.#removeData();
    await this.#remove((await this.#listed()).filter(({ owner }) => owner !== 'other'));
    this.#said(words.clearedAll);
  }

  #said(text: string): void {
    this.#parts.panel.say(text);
  }

  async #listed(): Promise<ListedRun[]> {
    return (await this.#runs?.list().catch(() => [])) ?? [];
  }

  async #show(): Promise<void> {
    const { panel } = this.#parts;
    const { kept, problem } = this.#saver;
    if (this.#why) panel.present(words.noStorage(this.#why), true);
    else if (problem) panel.present(words.notKept(problem), true);
    else panel.present(kept ? words.here(kept) : words.notYet, false);
    const data = (await this.#data?.info().catch(() => null)) ?? null;
    panel.list(await this.#listed(), data, this.#place);
  }
}
