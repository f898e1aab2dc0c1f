/** Every word the page says, in one table. */

import { count, percent, plural, sentence } from './format.js';

export const strings = {
  title: 'kiln',
  lead: 'A convolutional network learns to see, here in this tab.',
  leadMore: 'C, compiled to WebAssembly SIMD. Nothing leaves this computer.',
  loading: 'Loading the library…',
  setUp: 'Set-up',
  setUpAll: 'Set-up: network, training, data, checkpoint',
  views: 'The network while it learns',
  images: { train: 'Training image', validation: 'Validation image', test: 'Test image' },
  dismiss: 'Dismiss',
  dropHere: 'Drop CIFAR-10 (.tar.gz, .bin) or a checkpoint (.safetensors)',

  run: {
    label: 'Run',
    start: 'Start',
    pause: 'Pause',
    resume: 'Continue',
    again: 'Train again',
    step: 'Step',
    reset: 'Reset',
    stepHint: 'Take one training step',
    resetHint: 'Start over with the settings shown',
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
    announceState: (state: string): string => `Training ${state}.`,
  },

  readout: {
    label: 'Present values',
    loss: 'Loss',
    lossParts: (data: string, reg: string): string => `data ${data}, reg. ${reg}`,
    batch: 'Batch accuracy',
    lr: 'Learning rate',
    gradient: 'Gradient norm',
    ratio: 'Update : weights',
    ratioHint: '≈ 1e-3 is healthy',
    ratioLow: 'low: raise the rate?',
    ratioHigh: 'high: lower the rate?',
    best: 'Best validation',
    bestEpoch: (epoch: number): string => `at epoch ${epoch}`,
    smoothed: 'of the last batch',
    lrNote: 'by the schedule',
    gradientNote: 'of all parameters',
    bestNone: 'after the first epoch',
  },

  net: {
    title: 'Network',
    preset: 'Preset',
    custom: 'your own',
    notation: 'Notation',
    help:
      'Layers from left to right, joined by “-”. Repeat with [ … ]x3, ' +
      'go round with residual( … ).',
    table: 'Layers of the network',
    layer: 'Layer',
    output: 'Output',
    parameters: 'Param.',
    flops: 'FLOPs',
    memory: 'Memory',
    total: 'Sum',
    flopsHint: 'Floating-point operations of one image forward',
    memoryHint: 'Memory of the layer at this batch size',
    atReset: 'Not in use yet: takes effect at reset.',
    use: 'Reset with this net',
    column: (column: number): string => `Column ${column}: `,
    unread: (n: number): string =>
      `${plural(n, 'row and column', 'rows and columns')} at the border never read`,
  },

  data: {
    title: 'Data',
    counts: (train: number, validation: number, test: number): string =>
      `${count(train)} training, ${count(validation)} validation, ${count(test)} test images`,
    builtin: 'Built-in set',
    stored: 'CIFAR-10, kept here',
    pick: 'Open CIFAR-10…',
    dropHint:
      'The official cifar-10-binary.tar.gz or its .bin files; dropping them anywhere on the ' +
      'page works too.',
    url: 'Or fetch from an address',
    urlLabel: 'Address of cifar-10-binary.tar.gz',
    fetch: 'Fetch',
    urlHint: 'The server must allow it (CORS). Nothing is fetched until you ask.',
    kept: (size: string): string =>
      `CIFAR-10 is kept in this browser’s private storage${size ? ` (${size})` : ''}.`,
    keptNot: 'Opened data are kept in this browser’s private storage, for this page alone.',
    forget: 'Forget it',
    forgotten: 'CIFAR-10 was removed from the browser’s storage.',
    reading: 'Reading the data',
    read: (loaded: string): string => `Reading the data: ${loaded}`,
    samples: 'Training images',
    sampleLabel: (name: string): string => `Training images of class ${name}`,
    names: {
      builtin: 'Built-in set, drawn by the library',
      cifar10: 'CIFAR-10',
    } as Record<string, string>,
    restart: 'New data start a new run.',
  },

  options: {
    title: 'Training',
    atReset: 'at reset',
    atResetLong: 'takes effect at reset',
    more: 'More settings',
    logarithmic: (name: string): string => `${name}, logarithmic slider`,
    range: (name: string, min: string, max: string): string => `${name}: from ${min} to ${max}`,
    pixels: (name: string): string => `${name}, pixels`,
    blank: { dropout: 'as in the net', train: 'all', validation: 'usual', test: 'all' } as Record<
      string,
      string
    >,
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
      crop: 'Padded crop',
      cutout: 'Cutout',
      clip: 'Gradient clipping',
      augment: 'Augmentation',
      warmup: 'Warm-up',
      patience: 'Patience',
      init: 'Initialisation',
      normalize: 'Normalisation',
      'weight-decay': 'Weight decay',
      train: 'Training images',
      validation: 'Validation images',
      test: 'Test images',
      'data-seed': 'Built-in set’s seed',
      draw: 'Drawing',
      'max-steps': 'Most steps',
      'decay-rate': 'Decay of rmsprop',
      beta1: 'β₁ of adam',
      beta2: 'β₂ of adam',
      eps: 'ε',
      'lr-decay': 'Decay factor',
      'decay-every': 'Decay every',
      'final-lr': 'Last factor',
      'check-first': 'Check first step',
      'check-train': 'Images checked, train',
      'check-val': 'Images checked, val.',
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
    csv: (title: string): string => `${title}, CSV`,
    png: (title: string): string => `${title}, PNG`,
    diverging: (first: string, now: string): string =>
      `The loss grows: ${now} now, ${first} at first. The learning rate is too large for this ` +
      'network: lower it, to a tenth say, and reset.',
    broken:
      'The loss grew until it was no number any more. The learning rate is too large for this ' +
      'network: lower it, to a tenth say, and reset.',
  },

  filters: {
    title: 'First-layer filters',
    caption: (what: string): string =>
      `${what}, each scaled to its own full range. They start as noise; edges and colour ` +
      'blobs appear as the network learns.',
    conv: (f: number, h: number, w: number): string => `The ${f} filters of ${h}×${w} pixels`,
    affine: (m: number): string => `The weights of ${m} units as images`,
    none: 'This network’s first layer does not look at pixels.',
    label: (what: string): string => `${what} of the first layer, drawn as small images`,
  },

  predictions: {
    title: 'What it sees',
    caption:
      'Test images and the three likeliest classes. ✓ right, ✗ wrong. Choose one for the ' +
      'layers below.',
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
    outputs: 'Outputs',
    gradients: 'Gradients',
    range: (low: string, high: string): string => `${low} … ${high}`,
    of: (shown: number, all: number): string => `${shown} of ${all} shown`,
    outputLabel: (name: string, shape: string): string => `Outputs of ${name}, ${shape}`,
    gradientLabel: (name: string, shape: string): string => `Gradients at ${name}, ${shape}`,
    scale:
      'Outputs from black (lowest) to white (highest); gradients blue below zero, orange above.',
  },

  confusion: {
    title: 'Confusions',
    split: 'Images',
    evaluate: 'Evaluate now',
    caption: 'Row: the true class. Column: what the network said.',
    table: (split: string): string => `Confusion matrix of the ${split} images`,
    splits: { validation: 'validation', test: 'test' } as Record<string, string>,
    summary: (correct: number, total: number): string =>
      `${count(correct)} of ${count(total)} right, ${percent(correct / total)}`,
    truth: 'True class',
    empty: 'Appears after the first epoch.',
    working: 'Evaluating…',
    recall: 'right, %',
    cell: (truth: string, said: string, n: number): string => `${n} × ${truth} taken for ${said}`,
  },

  timing: {
    title: 'Time by layer',
    caption: 'Milliseconds of a step, forward and backward.',
    layer: 'Layer',
    forward: 'Forward',
    backward: 'Backward',
    share: 'Share',
    empty: 'Appears while it trains.',
    table: 'Time by layer in milliseconds a step',
  },

  checkpoint: {
    title: 'Checkpoint',
    save: 'Save',
    load: 'Open…',
    best: 'Restore best',
    hint:
      'One safetensors file: parameters, optimizer and place in the run. It goes on exactly ' +
      'where it stopped, here or on the command line.',
    saved: (name: string, size: string): string => `Saved ${name} (${size}).`,
    loaded: (name: string): string => `Opened ${name}: the run goes on where it was saved.`,
    restored: 'The parameters of the best validation accuracy are back.',
    file: (epoch: number, step: number): string => `kiln-epoch${epoch}-step${step}.safetensors`,
  },

  share: {
    title: 'Share',
    copy: 'Copy link',
    copied: 'The link to this network and its settings was copied.',
    hint: 'The address carries the network and every changed setting.',
    failed: 'The browser did not allow copying: the address bar holds the link.',
    badOption: (name: string, value: string, why: string): string =>
      `Link: ${name}=${value} ${why}.`,
    notANumber: 'is not a number',
    outside: (min: string, max: string): string => `is not within ${min} … ${max}`,
    notAChoice: (choices: string): string => `is none of ${choices}`,
    notAFlag: 'is neither 0 nor 1',
    badNet: (why: string): string => `Link: ${why}`,
  },

  notices: {
    failed: sentence,
    noStart: (why: string): string => `kiln could not start. ${sentence(why)}`,
  },
} as const;
