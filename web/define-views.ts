/** The views by their element names, and registering elements once: a page may load this twice. */

import { AccuracyView } from './accuracy-view.js';
import { ConfusionView } from './confusion-view.js';
import { FilterView } from './filter-view.js';
import { LayerView } from './layer-view.js';
import { LossView } from './loss-view.js';
import { PredictionView } from './prediction-view.js';
import { ReadoutView } from './readout-view.js';
import { TimingView } from './timing-view.js';

export type Elements = Record<string, CustomElementConstructor>;

/** What looks at a trainer and needs nothing but it. */
export const VIEW_ELEMENTS = {
  'kiln-readout': ReadoutView,
  'kiln-loss-view': LossView,
  'kiln-accuracy-view': AccuracyView,
  'kiln-filter-view': FilterView,
  'kiln-prediction-view': PredictionView,
  'kiln-layer-view': LayerView,
  'kiln-confusion-view': ConfusionView,
  'kiln-timing-view': TimingView,
} satisfies Elements;

export function define(elements: Elements): void {
  for (const [name, element] of Object.entries(elements)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }
}
