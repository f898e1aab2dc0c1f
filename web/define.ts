/** Gives the views their names, once: a page may load this file twice. */

import { AccuracyView } from './accuracy-view.js';
import { CheckpointPanel } from './checkpoint-panel.js';
import { ConfusionView } from './confusion-view.js';
import { DataPanel } from './data-panel.js';
import { FilterView } from './filter-view.js';
import { LayerView } from './layer-view.js';
import { LossView } from './loss-view.js';
import { NetEditor } from './net-editor.js';
import { OptionPanel } from './option-panel.js';
import { KilnPage } from './page.js';
import { PhotoView } from './photo-view.js';
import { PredictionView } from './prediction-view.js';
import { ReadoutView } from './readout-view.js';
import { RunBar } from './run-bar.js';
import { TimingView } from './timing-view.js';

const ELEMENTS: Record<string, CustomElementConstructor> = {
  'kiln-run-bar': RunBar,
  'kiln-net-editor': NetEditor,
  'kiln-option-panel': OptionPanel,
  'kiln-data-panel': DataPanel,
  'kiln-checkpoint-panel': CheckpointPanel,
  'kiln-readout': ReadoutView,
  'kiln-loss-view': LossView,
  'kiln-accuracy-view': AccuracyView,
  'kiln-filter-view': FilterView,
  'kiln-prediction-view': PredictionView,
  'kiln-photo-view': PhotoView,
  'kiln-layer-view': LayerView,
  'kiln-confusion-view': ConfusionView,
  'kiln-timing-view': TimingView,
  'kiln-page': KilnPage,
};

export function defineElements(): void {
  for (const [name, element] of Object.entries(ELEMENTS)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }
}
