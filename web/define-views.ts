/** The views by their element names. */

import { AccuracyView } from './accuracy-view.js';
import { ConfusionView } from './confusion-view.js';
import type { Elements } from './dom.js';
import { FilterView } from './filter-view.js';
import { LayerView } from './layer-view.js';
import { LossView } from './loss-view.js';
import { PredictionView } from './prediction-view.js';
import { ReadoutView } from './readout-view.js';
import { TimingView } from './timing-view.js';

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
