/**
 * The views of a run by the names that authors of <kiln-trainer> give them, in the order of the
 * page. The page and the element are two faces of one implementation: both show these views, by
 * these tags, give them a trainer, and make their controls with run-controls.ts and controls.ts
 * from the library's table of options. The page has all views at once and what wants room beside
 * them (editor, data, files); the element has what its author chose, and loads no more.
 */
export const VIEW_TAGS = {
  readout: 'kiln-readout',
  loss: 'kiln-loss-view',
  accuracy: 'kiln-accuracy-view',
  filters: 'kiln-filter-view',
  predictions: 'kiln-prediction-view',
  layers: 'kiln-layer-view',
  confusion: 'kiln-confusion-view',
  timing: 'kiln-timing-view',
} as const;

export type ViewName = keyof typeof VIEW_TAGS;
