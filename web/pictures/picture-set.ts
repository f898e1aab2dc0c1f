/**
 * A set of own pictures that is being put together: files come, are sorted into classes and read by
 * a worker, a few at a time; what cannot be read is named and left out.
 */

import { turn } from '../../bindings/turn.js';
import { ownWords as words } from './strings-own.js';
import { isZip, type Found } from './file-kinds.js';
import { recordBytes, writeSet } from './kilnset.js';
import {
  arrange, classesOf, fitName, isWanted, sizesOf, splitCounts, type Group, type Item,
} from './picture-list.js';
import type { Form } from './picture-protocol.js';
import { PictureReader } from './picture-reader.js';

const AT_ONCE = 32; // pictures of one message to the worker
const LOOKED_AT = 1000; // files between two turns
const MOST_BYTES = 200_000_000; // of a set, as the library has it
const MOST_CLASSES = 1000;
const FEW = 20; // pictures of a class
/** Of every class so many are read first, which are the ones that are seen. */
export const SEEN = 12;

export class PictureSet {
  name = '';
  groups: Group[] = [];
  /** A sentence for each file that is left out, as it came. */
  readonly problems: string[] = [];
  /** Files are being looked through. */
  looking = 0;
  /** Something was added or read. */
  onChange: () => void = () => {};
  #form: Form = { shape: [3, 32, 32], fit: 'crop' };
  #reader: PictureReader | null = null;
  #reading = false;
  #closed = false;
  #done = 0; // pictures that are read

  get form(): Form {
    return this.#form;
  }

  /** Pictures are read anew where they shall look otherwise. */
  set form(form: Form) {
    this.#form = form;
    for (const group of this.groups) {
      group.next = 0;
      for (const item of group.items) item.pixels = null;
    }
    this.#done = 0;
    void this.#read();
  }

  /** Takes files in, those of zips too. What is no picture is passed over. */
  async add(found: readonly Found[]): Promise<void> {
    this.looking++;
    this.onChange();
    const before = this.total + this.problems.length;
    try {
      const items: Item[] = [];
      for (const [i, { file, path }] of found.entries()) {
        if (i % LOOKED_AT === 0) await turn();
        if (this.#closed) return;
        if (isZip(file)) await this.#addZip(file);
        else if (isWanted(path, file.type)) items.push({ path, source: file, pixels: null });
      }
      const [first = '', , third] = items[0]?.path.split('/') ?? [];
      await this.#take(items, third === undefined ? '' : first);
      if (this.total + this.problems.length === before) this.problems.push(words.none);
    } finally {
      this.looking--;
      this.onChange();
    }
    await this.#read();
  }

  async #addZip(file: File): Promise<void> {
    try {
      const { entries, problems, zip } = await this.#worker.list(file);
      this.problems.push(...problems.slice(0, LOOKED_AT));
      const items = entries.map(({ path, entry }): Item =>
        ({ path, source: { zip, entry }, pixels: null }));
      await this.#take(items, file.name.replace(/\.zip$/i, ''));
    } catch (error) {
      this.problems.push((error as Error).message);
    }
  }

  async #take(items: readonly Item[], name: string): Promise<void> {
    const groups = await arrange(items);
    if (this.#closed || items.length === 0) return;
    this.name ||= fitName(name);
    const there = new Map(this.groups.map((group) => [group.name, group]));
    for (const group of groups) {
      const same = group.name === '' ? undefined : there.get(group.name);
      if (same) same.items = same.items.concat(group.items);
      else this.groups.push(group);
    }
  }

  get #worker(): PictureReader {
    return (this.#reader ??= new PictureReader());
  }

  /** First those that are seen, then all others. One reading at a time, which takes what comes. */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      for (;;) {
        const some = this.#next();
        if (some.length === 0 || this.#closed) break;
        await this.#readSome(some);
        this.onChange();
      }
    } catch (error) {
      if (!this.#closed) this.problems.push((error as Error).message);
    } finally {
      this.#reading = false;
      if (!this.#closed) this.onChange();
    }
  }

  #next(): Item[] {
    const some: Item[] = [];
    const look = (item: Item): void => {
      if (item.pixels === null) some.push(item);
    };
    for (const { items } of this.groups) {
      for (let i = 0; i < Math.min(SEEN, items.length) && some.length < AT_ONCE; i++) {
        look(items[i]!);
      }
    }
    if (this.over) return some;
    for (const group of this.groups) {
      group.next = Math.max(group.next, SEEN);
      while (group.next < group.items.length && some.length < AT_ONCE) {
        look(group.items[group.next++]!);
      }
    }
    return some;
  }

  async #readSome(some: readonly Item[]): Promise<void> {
    const form = this.#form;
    const wanted = some.map(({ path, source }) => ({ name: path, source }));
    const found = await this.#worker.read(wanted, form);
    if (form !== this.#form || this.#closed) return; // asked for otherwise meanwhile
    const broken = new Set<Item>();
    found.forEach((one, i) => {
      if ('pixels' in one) this.#put(some[i]!, one.pixels);
      else {
        broken.add(some[i]!);
        this.problems.push(one.problem);
      }
    });
    if (broken.size > 0) this.leaveOut(broken);
  }

  /** It may have been left out meanwhile. */
  #put(item: Item, pixels: Uint8Array): void {
    if (!item.out && item.pixels === null) this.#done++;
    item.pixels = pixels;
  }

  leaveOut(items: ReadonlySet<Item>): void {
    for (const item of items) {
      if (!item.out) this.#done -= Number(item.pixels !== null);
      item.out = true;
    }
    for (const group of this.groups) {
      if (!group.items.some(({ out }) => out)) continue;
      group.items = group.items.filter(({ out }) => !out);
      group.next = 0;
    }
    this.groups = this.groups.filter((group) => group.items.length > 0);
    void this.#read(); // where there were too many, there may be few enough now
  }

  /** They are of this class, which may be a new one. */
  move(items: ReadonlySet<Item>, name: string): void {
    const moved = this.groups.flatMap((group) => group.items.filter((item) => items.has(item)));
    this.leaveOut(items);
    for (const item of moved) {
      item.out = false;
      this.#done += Number(item.pixels !== null);
    }
    const there = this.groups.find((group) => group.name === name);
    if (there) there.items = there.items.concat(moved);
    else this.groups.push({ name, items: moved, next: 0 });
  }

  /** The most pictures that a set of this form has. */
  get #most(): number {
    const { shape } = this.#form;
    const classes = [...new Set(this.groups.map(({ name }) => name))];
    return Math.floor(MOST_BYTES / recordBytes({ shape, classes })) - 1;
  }

  /**
   * These are more than a set may have. Only those that are seen are read then: minutes of reading
   * are for what can be trained on.
   */
  get over(): boolean {
    return this.total > this.#most;
  }

  get total(): number {
    return this.groups.reduce((sum, { items }) => sum + items.length, 0);
  }

  get read(): number {
    return this.#done;
  }

  /** Why they are no data set yet, once all are read; null where they are one. */
  get obstacle(): string | null {
    if (this.over) return words.tooMany(this.total, this.#most);
    const classes = sizesOf(this.groups);
    const all = [...classes.values()].reduce((sum, n) => sum + n, 0);
    if (classes.size < 2) return words.fewClasses;
    if (classes.size > MOST_CLASSES) return words.manyClasses(MOST_CLASSES);
    return all < 3 ? words.fewPictures : null;
  }

  /** What is to be known before training: how they are split, and of what there is too little. */
  get remarks(): string[] {
    if (this.over) return []; // not all of them were read
    const unnamed = this.groups.filter(({ name }) => fitName(name) === '')
      .reduce((sum, { items }) => sum + items.length, 0);
    const nameless = unnamed > 0 ? [words.unnamed(unnamed)] : [];
    if (this.obstacle !== null) return nameless;
    const classes = sizesOf(this.groups);
    const sizes = [...classes.values()];
    const all = sizes.reduce((a, b) => a + b, 0);
    const { test } = splitCounts(sizes);
    const part = test.reduce((a, b) => a + b, 0);
    const names = [...classes.keys()];
    const few = names.filter((_, k) => sizes[k]! < FEW);
    const untested = names.filter((_, k) => test[k] === 0);
    return [
      ...nameless,
      words.split(all, all - 2 * part, part),
      ...(few.length > 0 ? [words.few(few, FEW)] : []),
      ...(untested.length > 0 ? [words.noneToTest(untested)] : []),
    ];
  }

  file(): Promise<File> {
    return writeSet(
      fitName(this.name) || 'pictures', this.#form.shape, classesOf(this.groups));
  }

  /** Nothing more is read; the pictures go with the object. */
  close(): void {
    this.#closed = true;
    this.#reader?.dispose();
    this.onChange = () => {};
  }
}
