/** The words of the views that show pictures: weights, predictions, layers. */

import { count } from './format.js';

export const pictures = {
  enlarge: {
    open: 'Enlarge',
    close: 'Close',
    label: (what: string): string => `Enlarge: ${what}`,
  },

  filters: {
    title: 'Weights',
    layer: 'Layer',
    caption: (what: string): string =>
      `${what}, each scaled to its own full range. They start as noise; edges and colour ` +
      'blobs appear as the network learns.',
    conv: (f: number, h: number, w: number): string => `The ${f} filters of ${h}×${w} pixels`,
    whiten: (f: number, h: number, w: number): string =>
      `The ${f} filters of ${h}×${w} pixels, each scaled to its own full range: the directions ` +
      'in which the images’ patches vary, each with both signs. They are computed, not learned.',
    affine: (shown: number, all: number): string =>
      shown < all
        ? `The weights of ${shown} of ${all} units as images`
        : `The weights of ${all} units as images`,
    deep: (rows: string, columns: string, what: string): string =>
      `A row for each ${rows}, a column for each ${columns}${what}. Blue below zero, orange above.`,
    filter: (shown: number, all: number): string => `filter (${part(shown, all)})`,
    unit: (shown: number, all: number): string => `unit (${part(shown, all)})`,
    channel: (shown: number, all: number): string => `channel before it (${part(shown, all)})`,
    input: (shown: number, all: number): string => `number before it (${part(shown, all)})`,
    taps: (h: number, w: number): string => `, ${h}×${w} weights each`,
    none: 'This network has no filters and no weights to draw.',
    label: (name: string): string => `Weights of ${name}`,
    save: 'Save the weights alone',
    file: (step: number): string => `kiln-weights-step${step}.safetensors`,
  },

  predictions: {
    title: 'What it sees',
    caption:
      'Test images and the three likeliest classes. ✓ right, ✗ wrong. Choose one for the ' +
      'layers below.',
    scores:
      ' A hinge loss knows no probabilities: beside the classes stands how far each score lies ' +
      'below the best.',
    chosen: 'The chosen image',
    previous: 'Previous',
    next: 'Next',
    image: (
      what: string,
      index: number,
      label: string,
      guess: string,
      share: string,
      right: boolean,
    ): string =>
      `${what} ${index}: ${label}, taken for ${guess} (${share}), ${right ? 'right' : 'wrong'}`,
    right: '✓',
    wrong: '✗',
    range: (first: number, last: number, total: number): string =>
      `${count(first)}–${count(last)} of ${count(total)}`,
    score: (right: number, total: number): string => `${right} of ${total} right`,
  },

  layers: {
    title: 'Through the layers',
    caption:
      'The chosen image on its way through the network: what each layer puts out, and the ' +
      'gradient of the loss by it.',
    image: (what: string, index: number, label: string): string => `${what} ${index}, ${label}`,
    photo: (name: string, said: string): string =>
      `${name}, taken for ${said}; gradients as if it were`,
    outputs: 'Outputs',
    gradients: 'Gradients',
    range: (low: string, high: string): string => `${low} … ${high}`,
    of: (shown: number, all: number): string => `${shown} of ${all} shown`,
    outputLabel: (name: string, shape: string): string => `Outputs of ${name}, ${shape}`,
    gradientLabel: (name: string, shape: string): string => `Gradients at ${name}, ${shape}`,
    scale:
      'Outputs from black (lowest) to white (highest); gradients blue below zero, orange above.',
  },
} as const;

function part(shown: number, all: number): string {
  return shown < all ? `${count(shown)} of ${count(all)} shown` : count(all);
}
