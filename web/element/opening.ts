/** How the trainer of a <kiln-trainer> is made, with what it shares with others of its page. */

import type { DatasetSource } from '../../bindings/dataset.js';
import { Trainer } from '../../bindings/trainer.js';
import type { KilnTrainerEventMap } from './element-types.js';
import type { KilnTrainer } from './kiln-trainer.js';
import { sharedBuild, type Build } from './shared-module.js';

export interface Surroundings {
  signal: AbortSignal;
  /** Elements on this page. */
  sharers: number;
  /** Those of them that have the same data. */
  sameData: number;
  fire(type: keyof KilnTrainerEventMap, detail: unknown): void;
}

/** The data set by its attribute: builtin, stored, or an address. */
export function dataOf(data: DatasetSource | string): DatasetSource {
  if (typeof data !== 'string') return data;
  const text = data.trim();
  if (text === '' || text === 'builtin') return 'builtin';
  return text === 'stored' ? { stored: true } : { url: addressOf(text) };
}

/** What is no address is left as it is: the library says so. */
function addressOf(text: string): URL | string {
  try {
    return new URL(text, document.baseURI);
  } catch {
    return text;
  }
}

export interface Opened {
  trainer: Trainer;
  /** The data set that it has. */
  source: DatasetSource;
  /** Why the data that were kept are not to be had, where the built-in ones stand in for them. */
  missing: string | null;
}

/** Where nothing is kept, or nothing can be, it trains all the same. */
export async function openTrainer(
  host: KilnTrainer, options: Record<string, string>, around: Surroundings): Promise<Opened> {
  const source = dataOf(host.data);
  try {
    const data = await sharedData(source, around.sameData);
    return { trainer: await createTrainer(host, data, options, around), source, missing: null };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'E_STORAGE' || typeof source !== 'object' || !('stored' in source)) throw error;
    const trainer = await createTrainer(host, 'builtin', options, around).catch((why: unknown) => {
      throw (why as { code?: string }).code === 'E_SHAPE' ? error : why; // a net for those data
    });
    return { trainer, source: 'builtin', missing: message };
  }
}

/** With the page's module and a share of its cores, unless the author chose otherwise. */
async function createTrainer(host: KilnTrainer, data: DatasetSource,
  options: Record<string, string>, { signal, sharers }: Surroundings): Promise<Trainer> {
  const threads = host.getAttribute('threads');
  const variant = host.getAttribute('variant') as Build['variant'] | null;
  const own = {
    ...(threads === null ? {} : { threads: Number(threads) }),
    ...(variant === null ? {} : { variant }),
  };
  const init = { data, options, signal };
  const shared = threads === null && variant === null ? await sharedBuild(sharers) : null;
  if (!shared) return Trainer.create({ ...init, ...own });
  try {
    return await Trainer.create({ ...init, ...shared });
  } catch (error) {
    if ((error as { code?: string }).code !== 'E_WASM_LOAD') throw error;
    return Trainer.create(init); // by its own feature tests
  }
}

/** An archive that several want is fetched once, and each worker reads the same bytes. */
async function sharedData(data: DatasetSource, sharers: number): Promise<DatasetSource> {
  if (sharers < 2 || typeof data !== 'object' || !('url' in data) || data.store) return data;
  const { archiveOf } = await import('./shared-archive.js');
  return { files: [await archiveOf(String(data.url))] };
}
