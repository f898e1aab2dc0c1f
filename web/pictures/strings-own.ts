/** What the page says of people's own pictures as a data set. */

import { count, plural } from '../format.js';

const list = (names: readonly string[]): string => {
  const shown = names.slice(0, 5).map((name) => `“${name}”`).join(', ');
  return names.length > 5 ? `${shown} and ${count(names.length - 5)} more` : shown;
};

export const ownWords = {
  title: 'Your own pictures',
  lead:
    'As the network will see them. Each class has a name; classes of one name are one. Mark ' +
    'pictures to move them to another class, or to leave them out.',
  name: 'Name of the set',
  size: 'Size',
  sizes: { 32: '32×32, as CIFAR-10', 28: '28×28, as MNIST', 64: '64×64' },
  fit: 'Other proportions',
  fits: { crop: 'cut to a square', pad: 'keep all, with a border' },
  colours: 'Colours',
  channels: { 3: 'colour', 1: 'grey' },
  add: 'Add pictures…',
  addFolder: 'Add a folder…',
  addHint: 'Or drop more here: a folder for each class, a zip, or pictures of one class.',
  looking: 'Looking through the files',
  read: (done: number, all: number): string => `Read ${count(done)} of ${count(all)} pictures`,
  className: 'Class',
  noName: 'Name this class',
  pictures: (n: number): string => plural(n, 'picture', 'pictures'),
  showAll: (n: number): string => `Show all ${count(n)}`,
  moreClasses: (n: number): string => `Show ${plural(n, 'more class', 'more classes')}`,
  marked: (n: number): string => `${plural(n, 'picture', 'pictures')} marked`,
  move: 'These are of class',
  moveIt: 'Move',
  leaveOut: 'Leave out',
  unmark: 'Mark none',
  leaveOutClass: 'Leave out the class',
  leftOut: (n: number): string => `${plural(n, 'file', 'files')} left out`,
  more: (n: number): string => `and ${count(n)} more`,
  use: 'Train on these pictures',
  save: 'Save as a file',
  saved: (name: string, size: string): string =>
    `Saved ${name} (${size}): “Open data…” takes it, and kiln train --data ${name}.`,
  cancel: 'Cancel',
  stop: 'Discard these pictures?',
  split: (all: number, train: number, part: number): string =>
    `${plural(all, 'picture', 'pictures')}: ${count(train)} to train with, ${count(part)} to ` +
    `validate and ${count(part)} to test, of each class its share, drawn by the seed of the data.`,
  noneToTest: (names: readonly string[]): string =>
    `No picture to test with: ${list(names)}. How well they are known will not be measured.`,
  few: (names: readonly string[], least: number): string =>
    `Fewer than ${least} pictures: ${list(names)}. A network learns little from so few.`,
  fewClasses: 'A data set has at least two classes. Add pictures of another one, or move some.',
  fewPictures: 'A data set has at least three pictures.',
  manyClasses: (most: number): string => `A data set has at most ${count(most)} classes.`,
  tooMany: (all: number, most: number): string =>
    `${count(all)} pictures are too many: a set of this size has at most ${count(most)}. Leave ` +
    'a class out, or take a smaller size, or grey.',
  unnamed: (n: number): string =>
    `${plural(n, 'picture has', 'pictures have')} no class yet: name it, or they are left out.`,
  none: 'There are no pictures among these files.',
  zipBroken: (name: string): string =>
    `${name} cannot be unpacked: it is no zip, or is damaged or cut short.`,
  manyEntries: (name: string, most: number): string =>
    `${name} has more than ${count(most)} entries, which are too many.`,
  zipInside: (name: string): string => `${name} is a zip in a zip: unpack it, and add it then.`,
  locked: (name: string): string => `${name} is locked with a password.`,
  tooLarge: (name: string): string => `${name} is too large: pictures of up to 64 MB are read.`,
  entryBroken: (name: string): string => `${name} is damaged in the zip.`,
} as const;

/** Of the pictures behind a cell of the confusions. */
export const cellWords = {
  title: (truth: string, said: string): string =>
    truth === said ? `“${truth}”, recognised` : `“${truth}”, taken for “${said}”`,
  lead: 'Give a picture the class that it really shows, or leave it out of the set.',
  noSet: 'Only pictures of a .kilnset, such as your own, can be given other classes.',
  looking: 'Looking through the images',
  more: 'Look for more',
  save: 'Save the changed set as a file',
  close: 'Close',
  all: (n: number, before: number): string =>
    `${plural(n, 'image', 'images')} in all` + (n === before ? '.'
      : `; ${count(before)} when the table was made: the network has learned since.`),
  some: (n: number): string => `${plural(n, 'image', 'images')} so far.`,
  image: (split: string, index: number): string => `Image ${count(index)} of ${split}`,
  really: (image: string): string => `${image} is really`,
  leaveOut: '(leave out)',
  waiting: (n: number): string =>
    `${plural(n, 'picture is', 'pictures are')} changed at the next reset.`,
  reset: 'Reset with the changes',
  forget: 'Forget the changes',
} as const;
