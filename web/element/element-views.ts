/**
 * The views that an author can choose, by their names in `views`. Each comes when it is wanted:
 * a page that shows one curve does not load the confusion matrix.
 */

import { define } from '../dom.js';
import { explain } from '../live-trainer.js';
import { viewStrings as strings } from '../strings-views.js';

interface Loader {
  tag: string;
  load: () => Promise<CustomElementConstructor>;
}

const LOADERS: Readonly<Record<string, Loader>> = {
  loss: { tag: 'kiln-loss-view',
    load: async () => (await import('../loss-view.js')).LossView },
  accuracy: { tag: 'kiln-accuracy-view',
    load: async () => (await import('../accuracy-view.js')).AccuracyView },
  readout: { tag: 'kiln-readout',
    load: async () => (await import('../readout-view.js')).ReadoutView },
  filters: { tag: 'kiln-filter-view',
    load: async () => (await import('../filter-view.js')).FilterView },
  predictions: { tag: 'kiln-prediction-view',
    load: async () => (await import('../prediction-view.js')).PredictionView },
  layers: { tag: 'kiln-layer-view',
    load: async () => (await import('../layer-view.js')).LayerView },
  confusion: { tag: 'kiln-confusion-view',
    load: async () => (await import('../confusion-view.js')).ConfusionView },
  timing: { tag: 'kiln-timing-view',
    load: async () => (await import('../timing-view.js')).TimingView },
};

export const VIEW_NAMES = Object.keys(LOADERS);

/** The element of a view; undefined where there is no view of that name. */
export function tagOf(name: string): string | undefined {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]!.tag : undefined;
}

/**
 * Defines the elements of those names that are views. Says which does not load, and why; the
 * others come all the same.
 */
export async function loadViews(names: readonly string[]): Promise<string | undefined> {
  const failures = await Promise.all(names.map(async (name) => {
    try {
      const tag = tagOf(name);
      if (tag && !customElements.get(tag)) define({ [tag]: await LOADERS[name]!.load() });
      return undefined;
    } catch (error) {
      return `${name}: ${strings.viewFailed(explain(error).message)}`;
    }
  }));
  return failures.find((failure) => failure !== undefined);
}
