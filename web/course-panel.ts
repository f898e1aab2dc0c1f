/**
 * “Put it in your course”: the set-up that is shown as lines to copy, and a preview of the frame.
 * Nothing is loaded before a preview is asked for.
 */

import css from './styles/course-panel.css?inline';
import snippetCss from './styles/snippet.css?inline';
import { copyText, explainer, h, setText, show } from './dom.js';
import type { SetUp } from './set-up.js';
import type { Shown } from './link.js';
import { commandOf, embedAddress, frameOf, linkOf, programOf, tagOf } from './spellings.js';
import { courseWords as words } from './strings-course.js';
import { View } from './view.js';

const WAYS = ['frame', 'tag', 'program', 'command', 'link'] as const;
type Way = (typeof WAYS)[number];

/** Of the preview, in pixels: a phone, and the column of a course page. */
const WIDTHS = [320, 720];

/** Characters of a link that every program takes; beyond, some cut it off. */
const SAFE_LINK = 2000;

/** The element's files, beside the page. */
const FOLDER = 'element/';

export class CoursePanel extends View {
  readonly #texts = new Map<Way, HTMLElement>();
  readonly #said = h('p', { class: 'note', role: 'status' });
  readonly #long = h('p', { class: 'note', hidden: true });
  readonly #stale = h('p', { class: 'note', hidden: true }, words.stale);
  readonly #close = h('button', { type: 'button', hidden: true,
    onclick: () => this.#endPreview() }, words.close);
  readonly #stage = h('div', { class: 'stage', hidden: true });
  readonly #persist = h('input', { type: 'checkbox', id: 'persist',
    onchange: () => this.#fill() });
  readonly #box = h('details', { ontoggle: () => this.#fill() });
  #setUp: SetUp | null = null;
  #previewed = '';

  constructor() {
    super(snippetCss + css);
  }

  /** What is shown, whenever that is asked for. */
  set setUp(setUp: SetUp) {
    this.#setUp = setUp;
    setUp.heed(() => this.#fill());
  }

  protected override build(): void {
    this.upgradeProperty('setUp');
    const terms = h('p', { class: 'note' }, words.terms);
    this.#box.append(
      h('summary', {}, words.title),
      h('div', { class: 'title' }, explainer(words.explain, terms)),
      terms,
      h('div', { class: 'row' }, this.#persist, h('label', { for: 'persist' }, words.persist)),
      ...WAYS.flatMap((way) => this.#way(way)),
      this.#long,
      this.#said,
      h('h3', {}, words.preview),
      h('div', { class: 'row' }, ...WIDTHS.map((width) => h('button', {
        type: 'button', onclick: () => this.#preview(width) }, words.wide(width))), this.#close),
      this.#stale,
      this.#stage,
    );
    this.root.append(this.#box);
  }

  #way(way: Way): HTMLElement[] {
    const text = h('pre', { tabindex: '0', role: 'region', 'aria-label': words.ways[way] });
    this.#texts.set(way, text);
    const copy = h('button', { type: 'button', onclick: () => void this.#copy(way) },
      words.copy(words.kinds[way]));
    return [h('div', { class: 'head' }, h('h3', {}, words.ways[way]), copy), text];
  }

  /** The set-up for an element, which keeps its run where that is wished. */
  #ofElement({ shown }: SetUp): Shown {
    return { ...shown, persist: this.#persist.checked };
  }

  /** Writes the lines, while they are open. */
  #fill(): void {
    const setUp = this.#setUp;
    if (!setUp || !this.#box.open) return;
    const { shown, table } = setUp;
    const { href } = location;
    const folder = new URL(FOLDER, href).href;
    const element = this.#ofElement(setUp);
    const lines: Record<Way, string> = {
      frame: frameOf(element, table, folder, words.frameTitle),
      tag: tagOf(element, table, folder),
      program: programOf(shown, table),
      command: commandOf(shown, table),
      link: linkOf(shown, table, href),
    };
    for (const way of WAYS) setText(this.#texts.get(way)!, lines[way]);
    setText(this.#long, words.long(lines.link.length, SAFE_LINK));
    show(this.#long, lines.link.length > SAFE_LINK);
    show(this.#stale, this.#previewed !== '' &&
      this.#previewed !== embedAddress(element, table, folder));
  }

  async #copy(way: Way): Promise<void> {
    const copied = await copyText(this.#texts.get(way)!);
    setText(this.#said, copied ? words.copied(words.kinds[way]) : words.notCopied);
  }

  #preview(width: number): void {
    if (!this.#setUp) return;
    const folder = new URL(FOLDER, location.href).href;
    const src = embedAddress(this.#ofElement(this.#setUp), this.#setUp.table, folder);
    const frame = h('iframe', { src, title: words.previewOf(width) });
    frame.style.width = `${width}px`;
    this.#stage.replaceChildren(frame);
    this.#previewed = src;
    this.#fill();
    show(this.#stage, true);
    show(this.#close, true);
  }

  #endPreview(): void {
    this.#stage.replaceChildren();
    this.#previewed = '';
    for (const node of [this.#stage, this.#close, this.#stale]) show(node, false);
  }
}
