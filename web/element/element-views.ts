/**
 * The views that an author can choose, by their names in `views`. Each comes when it is wanted:
 * a page that shows one curve does not load the confusion matrix.
 */

import { define } from '../dom.js';
import { explain } from '../live-trainer.js';
import { viewStrings as strings } from '../strings-views.js';
import { VIEW_TAGS, type ViewName } from '../view-tags.js';

const LOADERS: Readonly<Record<ViewName, () => Promise<CustomElementConstructor>>> = {
  loss: async () => (await import('../loss-view.js')).LossView,
  accuracy: async () => (await import('../accuracy-view.js')).AccuracyView,
  readout: async () => (await import('../readout-view.js')).ReadoutView,
  filters: async () => (await import('../filter-view.js')).FilterView,
  predictions: async () => (await import('../prediction-view.js')).PredictionView,
  layers: async () => (await import('../layer-view.js')).LayerView,
  confusion: async () => (await import('../confusion-view.js')).ConfusionView,
  timing: async () => (await import('../timing-view.js')).TimingView,
};

export const VIEW_NAMES = Object.keys(LOADERS);

/** The element of a view; undefined where there is no view of that name. */
export function tagOf(name: string): string | undefined {
  return Object.hasOwn(VIEW_TAGS, name) ? VIEW_TAGS[name as ViewName] : undefined;
}

/**
 * Defines the elements of those names that are views. Says which does not load, and why; the
 * others come all the same.
 */
export async function loadViews(names: readonly string[]): Promise<string | undefined> {
  const failures = await Promise.all(names.map(async (name) => {
    try {
      const tag = tagOf(name);
      if (tag && !customElements.get(tag)) {
        define({ [tag]: await LOADERS[name as ViewName]() });
      }
      return undefined;
    } catch (error) {
      return `${name}: ${strings.viewFailed(explain(error).message)}`;
    }
  }));
  return failures.find((failure) => failure !== undefined);
}
