/**
 * A recipe as the list of its pieces, each to be switched off and on: the set-up then shows the
 * recipe without it, or with one that it does without. What each is worth was measured
 * (tests/accuracy/pieces.mjs), or is said not to be.
 */

import measuredHere from 'virtual:measured';

import css from './recipe-view.css?inline';
import { define, h, link, setText, show } from '../dom.js';
import type { LiveTrainer } from '../live-trainer.js';
import type { RunDesk } from '../run-desk.js';
import { View } from '../view.js';
import type { Measured } from './build-measured.js';
import { compose, differences, PIECES, type Composed, type Piece } from './compose.js';
import { recipesOf, type Recipe } from './speed-plan.js';
import { VIEWS } from './speed-run.js';
import { recipeWords as words } from './strings-recipe.js';

export class RecipeView extends View {
  readonly #recipe = h('select', { id: 'recipe', onchange: () => this.#take(new Set()) });
  readonly #all = h('button', { type: 'button', onclick: () => this.#take(new Set()) }, words.all);
  readonly #said = h('p', { class: 'said', role: 'status' });
  readonly #lists = h('div');
  readonly #boxes = new Map<string, HTMLInputElement>();
  readonly #pieces: Measured['pieces'] = (measuredHere as Measured).pieces;
  #recipes: Recipe[] = [];
  #desk: RunDesk | null = null;

  constructor() {
    super(css);
  }

  /** Whose set-up the switches change. */
  set desk(desk: RunDesk) {
    this.#desk = desk;
    this.#enable();
  }

  protected override build(): void {
    this.upgradeProperty('desk');
    const groups = [
      [words.within, PIECES.filter(({ other }) => !other)],
      [words.others, PIECES.filter(({ other }) => other)],
    ] as const;
    this.#lists.append(...groups.flatMap(([title, pieces]) => [
      h('h3', {}, title), h('ul', {}, ...pieces.map((piece) => this.#item(piece)))]));
    this.root.append(
      h('h2', {}, words.title),
      h('p', { class: 'note' }, words.lead, ' ', link('./recipes.txt', words.page), '.'),
      h('div', { class: 'row' }, h('label', { for: 'recipe' }, words.recipe), this.#recipe,
        this.#all),
      h('p', { class: 'note' }, this.#pieces
        ? words.measured(this.#pieces.preset, this.#pieces.seeds) : words.nothingMeasured),
      this.#said,
      this.#lists,
    );
    this.#enable();
  }

  protected override attach(trainer: LiveTrainer): void {
    void this.attempt(async () => {
      this.#recipes = recipesOf(await trainer.presets());
      this.#recipe.replaceChildren(...this.#recipes.map(({ name, title }) =>
        h('option', { value: name }, title)));
      this.#enable();
    });
  }

  #item(piece: Piece): HTMLElement {
    const { name, sentence, instead, cost, other } = piece;
    const id = `piece-${name.replace(/\W/g, '-')}`;
    const box = h('input', {
      type: 'checkbox', id, 'aria-describedby': `${id}-text`, onchange: () => this.#switch(),
    });
    box.checked = !other;
    this.#boxes.set(name, box);
    return h('li', {}, box,
      h('label', { for: id }, name),
      h('p', { class: 'note', id: `${id}-text` },
        `${sentence} ${instead ? `${words.instead(instead)} ` : ''}${words.cost(cost)} `,
        h('span', { class: 'worth' }, this.#worth(piece))));
  }

  /** What was measured of a piece, in a sentence. */
  #worth({ name, other, look }: Piece): string {
    const pieces = this.#pieces;
    if (look) return pieces ? words.views(100 * pieces.views) : words.unknown;
    const row = pieces?.rows[name];
    if (!row) return words.unknown;
    return (other ? words.with : words.without)(100 * row.points, row.speed);
  }

  #enable(): void {
    const ready = this.#recipes.length > 0 && this.#desk !== null;
    for (const node of [this.#recipe, this.#all, ...this.#boxes.values()]) node.disabled = !ready;
  }

  /** Names of the pieces that are not as the recipe has them. */
  get #changed(): Set<string> {
    return new Set(PIECES.filter(({ name, other }) =>
      this.#boxes.get(name)!.checked === (other ?? false)).map(({ name }) => name));
  }

  #switch(): void {
    this.#take(this.#changed);
  }

  /** The set-up becomes the chosen recipe with these pieces changed. */
  #take(changed: ReadonlySet<string>): void {
    const recipe = this.#recipes.find(({ name }) => name === this.#recipe.value);
    if (!recipe || !this.#desk) return;
    for (const { name, other } of PIECES) {
      this.#boxes.get(name)!.checked = changed.has(name) === (other ?? false);
    }
    const whole: Composed = { net: recipe.net, options: { ...VIEWS, ...recipe.options } };
    const { net, options } = compose(whole, changed);
    this.#desk.show(net, options);
    const changes = differences(whole, { net, options });
    setText(this.#said, changes.length > 0 ? words.differs(recipe.title, changes.join('; '))
      : words.isWhole(recipe.title));
    show(this.#said, true);
  }
}

define({ 'kiln-recipe-view': RecipeView });
