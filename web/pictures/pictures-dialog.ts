/**
 * Own pictures before they become a data set: a dialog with what was found, as the network will see
 * it. Tells `kiln-data` with the set's file when it is to be trained on.
 */

import css from './own-pictures.css?inline';
import baseCss from '../styles/base.css?inline';
import { download, h, setText, sheet, show } from '../dom.js';
import { bytes as size } from '../format.js';
import { ownWords as words } from './strings-own.js';
import { ClassRow } from './class-row.js';
import type { Found } from './file-kinds.js';
import type { Group, Item } from './picture-list.js';
import type { Form } from './picture-protocol.js';
import { PictureSet } from './picture-set.js';
import type { Fit } from './read-picture.js';

const ROWS = 20; // classes at a time
const PROBLEMS = 200; // that are listed

/** Opens the dialog, or adds to the open one. */
export async function takePictures(root: ShadowRoot, found: readonly Found[]): Promise<void> {
  const open = root.querySelector<PicturesDialog>('kiln-own-pictures');
  const dialog = open ?? new PicturesDialog();
  if (!open) root.append(dialog);
  await dialog.add(found);
}

class PicturesDialog extends HTMLElement {
  readonly #set = new PictureSet();
  readonly #marked = new Set<Item>();
  readonly #rows: ClassRow[] = [];
  #rowsShown = ROWS;
  #queued = false;
  #listed = 0; // problems
  #offered = ''; // names of classes

  readonly #name = h('input', {
    type: 'text', id: 'name', oninput: () => { this.#set.name = this.#name.value; } });
  readonly #size = this.#choice('size', words.sizes, '32');
  readonly #fit = this.#choice('fit', words.fits, 'crop');
  readonly #channels = this.#choice('colours', words.channels, '3');
  readonly #files = this.#input('files', {});
  readonly #folder = this.#input('folder', { webkitdirectory: true });
  readonly #progress = h('progress', { 'aria-label': words.looking });
  readonly #phase = h('span', { class: 'note' });
  readonly #reading = h('div', { class: 'reading' }, this.#progress, this.#phase);
  readonly #remarks = h('div', { role: 'status' });
  readonly #problemHead = h('summary', {});
  readonly #problemList = h('ul', {});
  readonly #problems = h('details', { class: 'problems' }, this.#problemHead, this.#problemList);
  readonly #classes = h('div', { class: 'classes' });
  readonly #moreRows = this.#button('', () => { this.#rowsShown += ROWS; this.#changed(); });
  readonly #markedCount = h('span', {});
  readonly #target = h('input', { type: 'text', id: 'target', list: 'classes' });
  readonly #marks = this.#markBar();
  readonly #names = h('datalist', { id: 'classes' });
  readonly #use = this.#button(words.use, () => void this.#done());
  readonly #save = this.#button(words.save, () => void this.#saveFile());
  readonly #said = h('p', { class: 'note', role: 'status' });
  readonly #dialog = this.#build();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet(baseCss), sheet(css)];
    root.append(this.#dialog);
    this.#use.classList.add('main');
    this.#use.disabled = this.#save.disabled = true; // there is nothing yet
    this.#set.onChange = () => this.#changed();
    this.#dialog.addEventListener('close', () => {
      removeEventListener('beforeunload', this.#ask);
      this.#set.close();
      this.remove();
    });
    // Esc and a slip of the finger shall not lose what was sorted by hand.
    this.#dialog.addEventListener('cancel', (event) => {
      if (this.#set.total > 0 && !confirm(words.stop)) event.preventDefault();
    });
  }

  connectedCallback(): void {
    addEventListener('beforeunload', this.#ask);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** What was sorted by hand goes with the page. */
  readonly #ask = (event: Event): void => {
    if (this.#set.total > 0) event.preventDefault();
  };

  async add(found: readonly Found[]): Promise<void> {
    await this.#set.add(found);
  }

  #button(text: string, act: () => void): HTMLButtonElement {
    return h('button', { type: 'button', onclick: act }, text);
  }

  #choice(id: string, choices: Record<string, string>, value: string): HTMLSelectElement {
    const options = Object.entries(choices).map(([name, text]) =>
      h('option', { value: name, selected: name === value }, text));
    return h('select', { id, onchange: () => this.#formed() }, ...options);
  }

  #input(id: string, more: object): HTMLInputElement {
    const input = h('input', {
      type: 'file',
      id,
      class: 'unseen',
      multiple: true,
      tabindex: '-1',
      'aria-hidden': 'true',
      onchange: () => {
        const files = [...(input.files ?? [])];
        input.value = '';
        void this.add(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      },
      ...more,
    });
    return input;
  }

  #markBar(): HTMLElement {
    const move = (): void => {
      if (this.#target.value.trim() === '') return this.#target.focus();
      this.#set.move(this.#marked, this.#target.value.trim());
      this.#unmark();
    };
    const leave = (): void => {
      this.#set.leaveOut(this.#marked);
      this.#unmark();
    };
    return h(
      'div',
      { class: 'row marks' },
      this.#markedCount,
      h('label', { for: 'target' }, words.move),
      this.#target,
      this.#button(words.moveIt, move),
      this.#button(words.leaveOut, leave),
      this.#button(words.unmark, () => this.#unmark()),
    );
  }

  #build(): HTMLDialogElement {
    const field = (text: string, node: HTMLElement): HTMLElement =>
      h('span', { class: 'field' }, h('label', { for: node.id }, text), node);
    const cancel = this.#button(words.cancel, () => {
      if (this.#set.total === 0 || confirm(words.stop)) this.#dialog.close();
    });
    return h(
      'dialog',
      { 'aria-labelledby': 'title' },
      h('h2', { id: 'title' }, words.title),
      h('p', { class: 'note' }, words.lead),
      h(
        'div',
        { class: 'row' },
        field(words.name, this.#name),
        field(words.size, this.#size),
        field(words.fit, this.#fit),
        field(words.colours, this.#channels),
      ),
      this.#reading,
      this.#remarks,
      this.#problems,
      h('div', { class: 'scrolls' }, this.#classes, this.#moreRows, this.#names),
      h(
        'div',
        { class: 'foot' },
        this.#marks,
        h(
          'div',
          { class: 'row' },
          this.#button(words.add, () => this.#files.click()),
          this.#button(words.addFolder, () => this.#folder.click()),
          this.#files,
          this.#folder,
          h('span', { class: 'note' }, words.addHint),
        ),
        h('div', { class: 'row' }, this.#use, this.#save, cancel),
        this.#said,
      ),
    );
  }

  #unmark(): void {
    this.#marked.clear();
    this.#changed();
  }

  #formed(): void {
    const side = Number(this.#size.value);
    const shape = [Number(this.#channels.value), side, side];
    const form: Form = { shape, fit: this.#fit.value as Fit };
    this.#set.form = form;
    this.#changed();
  }

  /** Drawn once a frame, however fast pictures come. */
  #changed(): void {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      this.#show();
    });
  }

  #show(): void {
    const set = this.#set;
    const { total, read } = set;
    const busy = set.looking > 0 || (read < total && !set.over);
    if (this.#name.value === '' && set.name !== '') this.#name.value = set.name;
    show(this.#reading, busy);
    setText(this.#phase, set.looking > 0 ? words.looking : words.read(read, total));
    if (set.looking > 0) this.#progress.removeAttribute('value');
    else this.#progress.value = total > 0 ? read / total : 1;
    const obstacle = busy ? null : set.obstacle;
    this.#use.disabled = this.#save.disabled = busy || obstacle !== null;
    this.#showTexts(busy, obstacle);
    this.#showRows();
    show(this.#marks, this.#marked.size > 0);
    setText(this.#markedCount, words.marked(this.#marked.size));
  }

  #showTexts(busy: boolean, obstacle: string | null): void {
    const texts = busy ? [] : [...(obstacle === null ? [] : [obstacle]), ...this.#set.remarks];
    const nodes = texts.map((text) => h('p', { class: text === obstacle ? 'problem' : '' }, text));
    this.#remarks.replaceChildren(...nodes);
    const { problems } = this.#set;
    show(this.#problems, problems.length > 0);
    setText(this.#problemHead, words.leftOut(problems.length));
    if (problems.length === this.#listed) return;
    this.#listed = problems.length;
    if (this.#set.total === 0) this.#problems.open = true; // they are all that there is to see
    const shown = problems.slice(0, PROBLEMS);
    if (problems.length > PROBLEMS) shown.push(words.more(problems.length - PROBLEMS));
    this.#problemList.replaceChildren(...shown.map((text) => h('li', {}, text)));
  }

  #showRows(): void {
    const { groups, form } = this.#set;
    const shown = groups.slice(0, this.#rowsShown);
    const acts = {
      renamed: (group: Group, name: string): void => {
        group.name = name;
        this.#changed();
      },
      marked: (item: Item, on: boolean): void => {
        if (on) this.#marked.add(item);
        else this.#marked.delete(item);
        this.#changed();
      },
      removed: (group: Group): void => {
        this.#set.leaveOut(new Set(group.items));
        this.#changed();
      },
    };
    while (this.#rows.length < shown.length) {
      const row = new ClassRow(shown[this.#rows.length]!, acts);
      this.#rows.push(row);
      this.#classes.append(row.node);
    }
    this.#rows.forEach((row, i) => {
      show(row.node, i < shown.length);
      if (i < shown.length) row.show(shown[i]!, form.shape, this.#marked);
    });
    show(this.#moreRows, groups.length > shown.length);
    setText(this.#moreRows, words.moreClasses(groups.length - shown.length));
    const names = [...new Set(groups.map(({ name }) => name))].filter((name) => name !== '');
    const offered = names.slice(0, 200);
    if (offered.join('\n') === this.#offered) return;
    this.#offered = offered.join('\n');
    this.#names.replaceChildren(...offered.map((value) => h('option', { value })));
  }

  async #done(): Promise<void> {
    this.#use.disabled = true;
    const files = [await this.#set.file()];
    this.dispatchEvent(new CustomEvent('kiln-data', {
      detail: { files, store: true }, bubbles: true, composed: true }));
    this.#dialog.close();
  }

  async #saveFile(): Promise<void> {
    const file = await this.#set.file();
    download(file.name, new Uint8Array(await file.arrayBuffer()), 'application/octet-stream');
    setText(this.#said, words.saved(file.name, size(file.size)));
  }
}

customElements.define('kiln-own-pictures', PicturesDialog);
