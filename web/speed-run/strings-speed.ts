/** What the speed run says. */

import { count, duration, epochCount, percent, plural } from '../format.js';

/** What the line to share tells. */
interface Outcome {
  preset: string;
  epochs: number;
  /** Its settings were not the preset's all through. */
  changed: boolean;
  seed: string;
  /** Of the test images. */
  accuracy: string;
  data: string;
  images: number;
  views: number;
  /** Of the test images, the least sure, that get them. */
  share: number;
  seconds: number;
  threads: number;
  mode: string;
  hash: string;
  link: string;
  rehearsal: boolean;
}

export const speedWords = {
  title: 'Speed run',
  lead:
    'How many of CIFAR-10’s test images does a tab get right in the time you have? kiln measures ' +
    'what its recipes need on this machine, picks one and its epochs, and trains against the ' +
    'clock.',
  aim: 'Aim',
  budget: 'as much as fits into a time',
  minutes: 'Minutes',
  badMinutes: (least: number, most: number): string =>
    `Minutes: from ${least} to ${count(most)}, please.`,
  go: 'Run against the clock',
  cancel: 'Stop measuring',
  builtin: 'the built-in set',
  rehearsal: (name: string): string =>
    `On ${name} it is a rehearsal: what it reaches there says nothing about CIFAR-10. For the ` +
    'real thing drop cifar-10-binary.tar.gz anywhere on this page (or open it under “Data”). ' +
    '“make data” fetches it from',
  ready: 'The clock starts when you press, and also counts the measuring.',

  measuring: (titles: readonly string[]): string =>
    `Measuring what ${titles.map((title) => `“${title}”`).join(' and ')} ` +
    `${titles.length > 1 ? 'need' : 'needs'} here…`,
  plan: (title: string, n: number, own: number, seconds: number): string =>
    `“${title}”, ${epochCount(n)}` +
    `${n === own ? ', its own number' : ` in place of its own ${own}`}: ` +
    `over after ${duration(seconds)} if this machine keeps its pace.`,
  less: (title: string, whole: number): string =>
    ` The whole recipe wants ${duration(whole)} here, so expect less than “${title}” says.`,
  published: ({ mean, seeds }: { mean: number; seeds: number }): string =>
    ` With its own epochs it reached ${percent(mean)} of the test images, the mean of ` +
    `${plural(seeds, 'seed', 'seeds')}.`,
  short: (budget: number, title: string, n: number, least: number, whole: number): string =>
    `${duration(budget)} is too short for any recipe here: ${epochCount(n)} of “${title}”, with ` +
    `measuring and the test images, takes ${duration(least)}, the whole of it ${duration(whole)}.`,
  stopped: 'Stopped. The set-up is as it was.',
  replaced: 'Another run has taken the place of this one.',
  failed: (why: string): string => `It ended early: ${why}.`,

  elapsed: 'Time',
  of: 'Planned',
  ends: 'Ends at',
  reached: 'Validation',
  step: 'Step',
  onTime: 'on time',
  early: (seconds: number): string => `${duration(seconds)} early`,
  late: (seconds: number): string => `${duration(seconds)} late`,
  paused: 'The run is paused. The clock is not.',
  slower: (times: number): string =>
    `A step takes ${times.toFixed(1)} times as long as measured: the end moves with it.`,
  hidden:
    'This tab was in the background, where browsers give it less of the processor: the end ' +
    'moves with it.',
  testing: (images: number, looks: number): string =>
    `The last of it: ${count(images)} test images, ${looks} looks each, averaged over their views…`,

  chart: 'Validation accuracy against time',
  chartLabel: (text: string): string => `Curve of the validation accuracy by seconds. ${text}`,
  mine: 'this run',
  theirs: 'published',
  caption: (title: string, seed: number, shorter: boolean): string =>
    `Grey: validation accuracy of the published run of “${title}” (seed ${seed}), epoch by ` +
    `epoch, at the times forecast for this machine.${shorter
      ? ' This run has fewer epochs, and lowers its rate sooner.' : ''} ` +
    'Rules: planned ends of epochs.',
  noCurve: (title: string): string =>
    `There is no published curve of “${title}” on these data. Rules: planned ends of epochs.`,
  splits: 'Splits',
  splitHead: ['Epoch', 'Planned', 'Time', '±', 'Validation', 'Published'],

  result: (correct: string, images: number, name: string): string =>
    `${correct} of the ${count(images)} test images of ${name}`,
  ended: (seconds: number, planned: number): string =>
    `after ${duration(seconds)}, planned ${duration(planned)}`,
  share: 'To share',
  line: (of: Outcome): string =>
    `kiln, in a browser tab${of.rehearsal ? ' (a rehearsal)' : ''}: ${of.accuracy} of ` +
    `${of.data}’s ${count(of.images)} test images in ${duration(of.seconds)}. ${of.preset}, ` +
    `${of.changed ? 'changed on the way, ' : ''}${epochCount(of.epochs)}, ` +
    `seed ${of.seed}, ${plural(of.views, 'view', 'views')}` +
    `${of.share < 1 ? ` of the least sure ${percent(of.share, 0)}` : ''}, ` +
    `${plural(of.threads, 'thread', 'threads')}, ${of.mode} mode, parameters ${of.hash}. ` +
    of.link,
  copy: 'Copy the line',
  copied: 'It was copied.',
  notCopied: 'The browser did not allow copying: the text is selected, copy it by hand.',
  receipt: 'Receipt',
  receiptHint: (mode: string, data: string): string =>
    'With the receipt anybody can check this run: ' +
    `kiln verify --mode ${mode} kiln-receipt.json${data ? ` --data ${data}` : ''}`,
};
