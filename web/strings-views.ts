/** What views and controls say, in the page and in <kiln-trainer> alike. */

import { count, percent, plural, sentence } from './format.js';
import { pictures } from './strings-pictures.js';

export const viewStrings = {
  images: { train: 'Training image', validation: 'Validation image', test: 'Test image' },

  viewFailed: (why: string): string => `This view does not work here: ${sentence(why)}`,

  run: {
    label: 'Run',
    start: 'Start',
    pause: 'Pause',
    resume: 'Continue',
    step: 'Step',
    reset: 'Reset',
    explain: 'What the buttons do',
    terms:
      'Start trains to the end of the last epoch, Continue goes on from where the run is. Step ' +
      'takes one training step: one batch of images, one update of the weights. Reset begins a ' +
      'new run with the settings shown; the run before can be brought back.',
    unavailable: 'not available',
    states: {
      ready: 'ready',
      running: 'training',
      paused: 'paused',
      done: 'finished',
      failed: 'stopped',
    },
    state: 'State',
    epoch: 'Epoch',
    stepNumber: 'Step',
    speed: 'Images/s',
    eta: 'Time left',
    progress: 'Progress of the training',
    backend: (variant: string, mode: string, threads: number): string =>
      `WebAssembly ${variant.startsWith('relaxed') ? 'relaxed SIMD' : 'SIMD'}, ${mode}, ` +
      plural(threads, 'thread', 'threads'),
    why: 'Why this build',
    announceEpoch: (epoch: number, train: number, validation: number): string =>
      `Epoch ${epoch}: training ${percent(train, 0)}, validation ${percent(validation, 0)}.`,
  },

  readout: {
    label: 'Present values',
    loss: 'Loss',
    lossParts: (data: string, reg: string): string => `data ${data}, reg. ${reg}`,
    batch: 'Batch accuracy',
    lr: 'Learning rate',
    gradient: 'Gradient norm',
    ratio: 'Update : weights',
    ratioHint: 'rule of thumb: 1e-3',
    ratioLow: 'low: raise the rate?',
    ratioHigh: 'too high: lower the rate',
    diverging: 'diverging: see above',
    explain: 'What these values mean',
    terms:
      'Loss: how wrong the network was on the last batch, in all; 0 is perfect, guessing among ' +
      'ten classes gives about 2.3. Batch accuracy: the share of that batch that was right. ' +
      'Best validation: the best share right among images that are never trained on. Gradient ' +
      'norm: how steep the loss is. Update : weights: how far a step moves the weights, against ' +
      'their size; with plain SGD about a thousandth is usual, Adam moves more at first.',
    best: 'Best validation',
    bestEpoch: (epoch: number): string => `at epoch ${epoch}`,
    smoothed: 'of the last batch',
    lrNote: 'by the schedule',
    gradientNote: 'of all parameters',
    bestNone: 'after the first epoch',
  },

  openData: 'Open data…',

  options: {
    title: 'Training',
    atReset: 'at reset',
    explain: 'What the settings mean',
    helps: {
      augment: 'Changed copies of the training images: mirrored, moved, partly covered.',
    } as Record<string, string>,
    /** The library says how the command line writes “as usual”; here a field is left empty. */
    help: (help: string): string => sentence(help.replace(/; -1: /, '; left empty: ')),
    more: 'More settings',
    logarithmic: (name: string): string => `${name}, logarithmic slider`,
    range: (name: string, min: string, max: string): string => `${name}: from ${min} to ${max}`,
    sized: (name: string, unit: string): string => `${name}, ${unit}`,
    blank: {
      dropout: 'as in the net', train: 'all', validation: 'usual', test: 'all',
      'whiten-epochs': 'all',
    } as Record<string, string>,
    live: 'Settings act at once, also while training, except those marked “at reset”.',
    labels: {
      optimizer: 'Update rule',
      lr: 'Learning rate',
      schedule: 'Schedule',
      batch: 'Batch size',
      epochs: 'Epochs',
      reg: 'L2 regularisation',
      momentum: 'Momentum',
      dropout: 'Dropout',
      seed: 'Seed',
      flip: 'Random flip',
      altflip: 'Alternating flip',
      crop: 'Padded crop',
      cutout: 'Cutout',
      reflect: 'Mirrored padding of crops',
      clip: 'Gradient clipping',
      augment: 'Augmentation',
      warmup: 'Warm-up',
      patience: 'Patience',
      recover: 'Recover by itself',
      init: 'Initialisation',
      freeze: 'Layers not trained',
      normalize: 'Normalisation',
      'weight-decay': 'Weight decay',
      train: 'Training images',
      validation: 'Validation images',
      test: 'Test images',
      'data-seed': 'Built-in set’s seed',
      draw: 'Drawing',
      'max-steps': 'Most steps',
      'whiten-epochs': 'Whitening’s bias, epochs',
      'bias-lr': 'Rate of biases, times',
      'head-lr': 'Rate of the last layer, times',
      'filter-lr': 'Rate of filters, times',
      'bias-decay': 'Decay of biases, times',
      'head-decay': 'Decay of the last layer, times',
      'filter-decay': 'Decay of filters, times',
      lookahead: 'Lookahead every, steps',
      'lookahead-decay': 'Lookahead’s decay',
      brightness: 'Brightness',
      contrast: 'Contrast',
      'decay-rate': 'Decay of rmsprop',
      beta1: 'β₁ of adam',
      beta2: 'β₂ of adam',
      eps: 'ε',
      'lr-decay': 'Decay factor',
      'decay-every': 'Decay every',
      'start-lr': 'First factor',
      'final-lr': 'Last factor',
      'check-first': 'Check first step',
      'check-train': 'Images checked, train',
      'check-val': 'Images checked, val.',
      'eval-views': 'Views averaged',
      'eval-share': 'Share that gets them',
      memory: 'Memory for checkpoints, MB',
    } as Record<string, string>,
  },

  charts: {
    loss: 'Loss',
    lossCaption:
      'Loss of each batch (dots) and its moving average, by step. Fine rules mark the ends ' +
      'of epochs.',
    accuracy: 'Accuracy',
    accuracyCaption:
      'Moving average over batches, by step; at the end of each epoch, accuracy on training ' +
      'and validation images.',
    batches: 'batch',
    smoothed: 'average',
    train: 'training',
    validation: 'validation',
    step: 'step',
    empty: 'Nothing yet: press Start.',
    lossLabel: (step: string, loss: string): string =>
      `Curve of the loss. At step ${step}: ${loss}.`,
    accuracyLabel: (text: string): string => `Curves of the accuracy. ${text}`,
    lossData: 'Loss as numbers',
    accuracyData: 'Accuracy as numbers',
    head: ['Epoch', 'Step', 'Training loss', 'Training', 'Validation', 'Learning rate'],
    lossHead: ['Step', 'Loss', 'Average'],
    lossFile: 'kiln-loss',
    accuracyFile: 'kiln-accuracy',
    lastRun: 'last run',
    hint: 'Point at the chart, or choose it and press ← →, for its values.',
    at: (step: string, values: string): string => `Step ${step}: ${values}`,
    saveAs: (title: string, kind: string): string => `${title}, ${kind}`,
    diverging: (first: string, now: string): string =>
      `The loss grows: ${now} now, ${first} at first. The learning rate is too large for this ` +
      'network: lower it, to a tenth say, and reset.',
    broken:
      'The loss grew until it was no number any more. The learning rate is too large for this ' +
      'network: lower it, to a tenth say, and reset.',
  },

  ...pictures,

  confusion: {
    title: 'Confusions',
    split: 'Images',
    evaluate: 'Evaluate now',
    caption: 'Row: the true class. Column: what the network said.',
    table: (split: string): string => `Confusion matrix of the ${split} images`,
    splits: { validation: 'validation', test: 'test' } as Record<string, string>,
    summary: (correct: number, total: number): string =>
      `${count(correct)} of ${count(total)} right, ${percent(correct / total)}`,
    left: (n: number): string =>
      `. Shown are the classes with the most mistakes, ${count(n)} are left out`,
    truth: 'True class',
    empty: 'Appears after the first epoch.',
    working: 'Evaluating…',
    recall: 'right, %',
    cell: (truth: string, said: string, n: number, share: number): string =>
      truth === said
        ? `${truth}: ${count(n)} right, ${percent(share, 0)}`
        : `${truth} taken for ${said}: ${count(n)}, ${percent(share, 0)}`,
    hint: 'Point at a cell, tap it, or go through the cells with the arrow keys.',
    look: 'Show its images',
  },

  timing: {
    title: 'Time by layer',
    caption: 'Milliseconds of a step, forward (dark) and backward.',
    layer: 'Layer',
    forward: 'Forward',
    backward: 'Backward',
    share: 'Share',
    empty: 'Appears while it trains.',
    table: 'Time by layer in milliseconds a step',
  },
} as const;
