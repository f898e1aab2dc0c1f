/** The views by their element names. */

import { AccuracyView } from './accuracy-view.js';
import { ConfusionView } from './confusion-view.js';
import { FilterView } from './filter-view.js';
import { LayerView } from './layer-view.js';
import { LossView } from './loss-view.js';
import { PredictionView } from './prediction-view.js';
import { ReadoutView } from './readout-view.js';
import { TimingView } from './timing-view.js';
import { VIEW_TAGS, type ViewName } from './view-tags.js';

/** What looks at a trainer and needs nothing but it. */
export const VIEW_ELEMENTS = {
  [VIEW_TAGS.readout]: ReadoutView,
  [VIEW_TAGS.loss]: LossView,
  [VIEW_TAGS.accuracy]: AccuracyView,
  [VIEW_TAGS.filters]: FilterView,
  [VIEW_TAGS.predictions]: PredictionView,
  [VIEW_TAGS.layers]: LayerView,
  [VIEW_TAGS.confusion]: ConfusionView,
  [VIEW_TAGS.timing]: TimingView,
} satisfies Record<(typeof VIEW_TAGS)[ViewName], CustomElementConstructor>;
