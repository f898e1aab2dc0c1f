/**
 * A recipe as the list of its pieces, each to be switched off and on: the set-up then shows the
 * recipe without it, or with one that it does without. What each is worth was measured
 * (tests/accuracy/pieces.mjs), or is said not to be.
 */

import measuredHere from 'virtual:measured';

import css from './recipe-view.css?inline';
import { define, h, link, setText } from '../dom.js';
import type { LiveTrainer } from '../live-trainer.js';
import type { RunDesk } from '../run-desk.js';
import { holds, sameNet } from '../presets.js';
import { strings } from '../strings.js';
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
  /** What was chosen here last. */
  #chosen: { recipe: Recipe; changed: ReadonlySet<string> } | null = null;
  /** Choices that the set-up does not have yet. */
  #asked = 0;
  #desk: RunDesk | null = null;

  constructor() {
    super(css);
  }

  /** Whose set-up the switches change. */
  set desk(desk: RunDesk) {
    this.#desk = desk;
    desk.setUp.heed(() => this.#enable());
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
        ? words.measured(this.#pieces) : words.nothingMeasured),
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
      type: 'checkbox', id, 'aria-describedby': `${id}-text`,
      onchange: () => this.#take(this.#changed),
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
    if (this.#boxes.size === 0) return; // not built yet
    const ready = this.#recipes.length > 0 && this.#desk !== null;
    if (ready && this.#asked === 0) this.#recognise();
    this.#recipe.disabled = this.#all.disabled = !ready;
    for (const { name, needs } of PIECES) {
      this.#boxes.get(name)!.disabled = !ready || (needs !== undefined && !this.#there(needs));
    }
  }

  /** Whether the piece is ticked. */
  #there(name: string): boolean {
    return this.#boxes.get(name)!.checked;
  }

  /** Names of the pieces that are not as the recipe has them. */
  get #changed(): Set<string> {
    return new Set(PIECES.filter(({ name, other }) =>
      this.#there(name) === (other ?? false)).map(({ name }) => name));
  }

  /** The set-up becomes the chosen recipe with these pieces changed. */
  #take(changed: ReadonlySet<string>): void {
    const recipe = this.#recipes.find(({ name }) => name === this.#recipe.value);
    if (!recipe || !this.#desk) return;
    this.#chosen = { recipe, changed };
    const { net, options } = compose(wholeOf(recipe), changed);
    this.#asked++;
    this.#enable();
    void this.#desk.show(net, options).then(() => {
      this.#asked--;
      this.#enable();
    });
  }

  /**
   * The list shows what the set-up is, however it became so: what was chosen here, another recipe,
   * or none. Of those with its net one that has its options, too, comes first, then what is shown.
   */
  #recognise(): void {
    const { net, options } = this.#desk!.setUp.shown;
    const look = PIECES.filter(({ look: only }) => only).map(({ name }) => name);
    const shown = this.#recipes.filter(({ name }) => name === this.#recipe.value);
    const known = [
      ...(this.#chosen ? [this.#chosen] : []),
      ...[...shown, ...this.#recipes].flatMap((recipe) =>
        [[], look].map((names) => ({ recipe, changed: new Set(names) }))),
    ].map((choice) => ({ choice, made: compose(wholeOf(choice.recipe), choice.changed) }))
      .filter(({ made }) => sameNet(made.net, net));
    const found = known.find(({ made }) => holds(made.options, options)) ?? known[0];
    if (!found) {
      setText(this.#said, words.another);
      return;
    }
    const { choice: { recipe, changed }, made } = found;
    const whole = wholeOf(recipe);
    const names = Object.keys({ ...whole.options, ...made.options });
    const of = (values: Record<string, string>): Record<string, string> =>
      Object.fromEntries(names.map((name) =>
        [name, values[name] ?? this.#desk!.setUp.defaults[name] ?? '']));
    const changes = differences({ ...whole, options: of(whole.options) },
      { net: made.net, options: of(options) }, (name) => strings.options.labels[name] ?? name);
    setText(this.#said, changes.length > 0 ? words.differs(recipe.title, changes.join('; '))
      : words.isWhole(recipe.title));
    this.#recipe.value = recipe.name;
    for (const { name, other } of PIECES) {
      this.#boxes.get(name)!.checked = changed.has(name) === (other ?? false);
    }
  }
}

/** As the speed run has it: views are averaged at its end. */
function wholeOf({ net, options }: Recipe): Composed {
  return { net, options: { ...VIEWS, ...options } };
}

define({ 'kiln-recipe-view': RecipeView });
