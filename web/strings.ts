/** Every word the page says, in one table; those of the views stand in strings-views.ts. */

import { count, epochCount, epochNumber, plural, sentence } from './format.js';
import { viewStrings } from './strings-views.js';

export const strings = {
  ...viewStrings,

  title: 'kiln',
  lead: 'A convolutional network learns to see, here in this tab.',
  leadMore: 'C, compiled to WebAssembly SIMD. Nothing leaves this computer.',
  loading: 'Loading the library…',
  setUp: 'Set-up',
  setUpAll: 'Set-up: network, training, data, checkpoint',
  views: 'The network while it learns',
  dismiss: 'Dismiss',
  dropHere:
    'Drop a picture, a folder or zip of pictures, a data set (.tar.gz, .bin, .gz) or a checkpoint',

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
    explain: 'What the columns mean',
    terms:
      'Output: channels × height × width, or a number of values. Param.: numbers that are ' +
      'learned. FLOPs: floating-point operations of one image forward. Memory: what the layer ' +
      'takes at this batch size.',
    atReset: 'Not in use yet: takes effect at reset.',
    use: 'Reset with this net',
    trains: 'In use is:',
    column: (column: number): string => `Column ${column}: `,
    frozen: ({ frozen, parameters }: { frozen: number; parameters: number }): string =>
      frozen < parameters ? `${count(frozen)} not trained` : 'not trained',
    unread: (n: number): string =>
      `${plural(n, 'row and column', 'rows and columns')} at the border never read`,
  },

  data: {
    title: 'Data',
    counts: (train: number, validation: number, test: number): string =>
      `${count(train)} training, ${count(validation)} validation, ${count(test)} test images`,
    builtin: 'Built-in set',
    stored: (name: string): string => `${name}, kept here`,
    pick: viewStrings.openData,
    pickFolder: 'Open a folder…',
    dropHint:
      'The official files of CIFAR-10 or CIFAR-100 (the binary version), MNIST or Fashion-MNIST, ' +
      'packed or not, a .kilnset, or your own pictures: a zip, or a folder with one for each ' +
      'class. Dropping them anywhere on the page works too.',
    url: 'Or fetch from an address',
    urlLabel: 'Address of a data set’s file',
    fetch: 'Fetch',
    urlHint: 'The server must allow it (CORS). Nothing is fetched until you ask.',
    kept: (name: string, files: string, size: string): string =>
      `${name} is kept in this browser’s private storage: ${files}, ${size}.`,
    keptNot: 'Opened data are kept in this browser’s private storage, for this page alone.',
    noStorage: 'This browser gives the page no private storage: opened data are not kept.',
    insecure:
      'Over plain http browsers keep nothing for a page and give it one thread only. Open it by ' +
      'https, or from this computer as localhost, and opened data are kept.',
    where: 'CIFAR-10 and CIFAR-100 are to be had at',
    whereUrl: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    cancel: 'Cancel',
    askSplit: (name: string): string =>
      `“${name}” is none of the official names, which tell training from test images. What ` +
      'does it hold?',
    areTraining: 'Training images',
    areTest: 'Test images',
    forget: 'Forget it',
    forgotten: (name: string): string => `${name} was removed from the browser’s storage.`,
    reading: 'Reading the data',
    read: (loaded: string): string => `Reading the data: ${loaded}`,
    samples: 'Training images',
    sampleLabel: (name: string): string => `Training images of class ${name}`,
    names: {
      builtin: 'Built-in set, drawn by the library',
      cifar10: 'CIFAR-10',
      cifar100: 'CIFAR-100',
      mnist: 'MNIST',
      'fashion-mnist': 'Fashion-MNIST',
      pictures: 'Own pictures',
    } as Record<string, string>,
    restart: 'New data start a new run.',
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
    opened: {
      run: (name: string): string => `Opened ${name}: the run goes on where it was saved.`,
      weights: (name: string): string =>
        `Opened ${name}: it holds weights alone, no run. A new run begins with them.`,
    },
    imported: 'What went where',
    columns: ['Tensor', 'Shape', 'Array of the file', 'Taken'],
    how: { 'as it is': 'as it is', transposed: 'transposed', 'start value': 'start value' },
    restored: 'The parameters of the best validation accuracy are back.',
    file: (epoch: number, step: number): string => `kiln-epoch${epoch}-step${step}.safetensors`,
  },

  exported: {
    title: 'Take it with you',
    hint: 'The trained network, its curves or its table of layers, as a file of other programs.',
    receipt: 'Receipt',
    receiptHint: 'Of a run that is over: what “kiln verify” needs to train it again and compare.',
    receiptFile: 'kiln-receipt.json',
    making: 'Looks at the test images…',
    choose: 'Choose a format',
    format: 'Format',
    download: 'Download',
    holds: { parameters: 'The network', history: 'Its curves', summary: 'Its table of layers' },
    saved: (name: string, size: string): string => `Saved ${name} (${size}).`,
    /** Several formats share an ending. */
    file: (
      epoch: number,
      step: number,
      { name, ending, holds }: { name: string; ending: string; holds: string },
    ): string =>
      `kiln-epoch${epoch}-step${step}-${name === ending ? holds : name}.${ending}`,
  },

  share: {
    title: 'Share',
    copy: 'Copy link',
    copied: 'The link to this network and its settings was copied.',
    hint: 'The address carries the network, the name of the data set and every changed setting.',
    failed: 'The browser did not allow copying: the address bar holds the link.',
    badOption: (name: string, value: string, why: string): string =>
      `Link: ${name}=${value} ${why}.`,
    notANumber: 'is not a number',
    outside: (min: string, max: string): string => `is not within ${min} … ${max}`,
    notAChoice: (choices: string): string => `is none of ${choices}`,
    notAFlag: 'is neither 0 nor 1',
    badNet: (why: string): string => `Link: ${sentence(why)}`,
    noData: (name: string): string =>
      `The link’s run is on ${name}, which this browser does not keep: open it under “Data”. ` +
      'Until then the built-in set is used.',
    ask: 'The address has changed. Opening its network replaces the present run, which can be ' +
      'brought back afterwards.',
    take: 'Open it',
    leave: 'Keep this run',
  },

  notices: {
    failed: sentence,
    noStart: (why: string): string => `kiln could not start. ${sentence(why)}`,
    noWasm:
      'This browser has no WebAssembly, or it is switched off (a “lockdown” or high-security ' +
      'mode does that): kiln cannot compute here.',
    noSimd:
      'This browser’s WebAssembly has no SIMD, which kiln computes with. Chrome and Edge have ' +
      'it from version 91, Firefox from 89, Safari from 16.4.',
    notStarted: (why: string): string => `Nothing was started. ${sentence(why)}`,
    notReset: (why: string): string => `The run was left as it is. ${sentence(why)}`,
    kept: (epoch: number, step: number): string =>
      `A new run. The one before (epoch ${count(epoch)}, step ${count(step)}) is kept until ` +
      'another is replaced.',
    bringBack: 'Bring it back',
    done: (epochs: number, best: string): string =>
      `Finished ${epochCount(epochs)}; best validation accuracy ${best}.`,
    doneEarly: (epochs: number, best: string): string =>
      `Stopped after ${plural(epochs, 'epoch', 'epochs')}, as the settings say; best validation ` +
      `accuracy ${best}.`,
    more: (epochs: number): string =>
      `Train ${epochNumber(epochs)} more ${epochs === 1 ? 'epoch' : 'epochs'}`,
    diverging: (rate: string): string =>
      'The run diverges: its loss has risen to more than twice what it was at the start. ' +
      `The learning rate, ${rate}, is too high for it.`,
    recovered: (step: number, rate: string): string =>
      `The run diverged, and went on from step ${count(step)} with rate ${rate}, as the settings ` +
      'say.',
    lower: (rate: string): string => `Go on with rate ${rate}`,
    over: (rate: string): string => `Start over with rate ${rate}`,
    lost: (why: string, epoch: number, step: number): string =>
      `${sentence(why)} The run was kept as it was at epoch ${epoch}, step ${count(step)}.`,
    recover: 'Go on from there',
    save: 'Save it',
  },

  footer: {
    label: 'About',
    help: 'Help',
    helpText: [
      'Press Start: the network trains on the images under “Data”, in this tab, and the curves ' +
        'show how its loss falls and its accuracy rises. Try another preset, or change one ' +
        'setting at a time and compare.',
      'Each “?” explains what stands beside it. In number fields the arrow keys go up and down; ' +
        'everything can be reached with the Tab key.',
      'A run is kept in this browser, and offered again when the page is opened anew. Browsers ' +
        'may clear what they keep: save what matters as a file, under “Checkpoint”.',
    ],
    licence: 'Licence',
    credit:
      'CIFAR-10 is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton, and no part of kiln. ' +
      'Layers and their names are those of Stanford’s course cs231n.',
    source: 'Source (tar.gz)',
    sourceFile: './kiln-source.tar.gz',
    data: 'CIFAR-10',
    course: 'cs231n',
    courseUrl: 'https://cs231n.github.io/',
  },
} as const;
