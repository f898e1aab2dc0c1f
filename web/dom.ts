/**
 * Building nodes without markup strings, which the page's content policy would not allow to carry
 * styles.
 */

type Child = Node | string | null | undefined;
type Props = Record<string, unknown>;

/**
 * Makes an element. A property that starts with "on" is a listener, true and false set or leave out
 * an attribute, anything else is an attribute.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== undefined && value !== null) {
      node.setAttribute(name, String(value));
    }
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/** A link to another site, which opens beside a run that goes on. */
export function link(url: string, text = url.replace(/^https:\/\/(www\.)?/, '')): HTMLElement {
  return h('a', { href: url, target: '_blank', rel: 'noopener' }, text);
}

/**
 * Sets the text only where it differs, so that nothing is laid out or read aloud again for nothing.
 */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows or hides, likewise. */
export function show(node: HTMLElement, shown: boolean): void {
  if (node.hidden === shown) node.hidden = !shown;
}

export type Elements = Record<string, CustomElementConstructor>;

/** Gives elements their names, once: a page may load a file twice. */
export function define(elements: Elements): void {
  for (const [name, element] of Object.entries(elements)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }
}

const sheets = new Map<string, CSSStyleSheet>();

/** A constructable style sheet of this text, made once a page. */
export function sheet(css: string): CSSStyleSheet {
  let found = sheets.get(css);
  if (!found) {
    found = new CSSStyleSheet();
    found.replaceSync(css);
    sheets.set(css, found);
  }
  return found;
}

/**
 * A custom property of an element as a colour that a canvas takes. Authors may write light-dark(),
 * color-mix() or a system colour, which style resolves where it is a colour's own value.
 */
export function colourOf(element: Element, property: string): string {
  const probe = h('span', { hidden: true });
  probe.style.color = `var(${property})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * A <details> whose content is a table of the given head and rows, for those who cannot see a
 * picture.
 */
export function dataTable(
  summary: string,
  caption: string,
): {
  node: HTMLDetailsElement;
  fill(head: string[], rows: string[][]): void;
} {
  const table = h('table', { class: 'data' });
  const node = h(
    'details',
    { class: 'numbers' },
    h('summary', {}, summary),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, table),
  );
  return {
    node,
    fill(head, rows) {
      table.replaceChildren(
        h('caption', { class: 'unseen' }, caption),
        h('thead', {}, h('tr', {}, ...head.map((text) => h('th', { scope: 'col' }, text)))),
        h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map((text) => h('td', {}, text))))),
      );
    },
  };
}

/**
 * A question mark that shows and hides explanations: what a pointer that hovers, a finger and a
 * keyboard reach alike, which a tooltip is not.
 */
export function explainer(of: string, ...texts: HTMLElement[]): HTMLButtonElement {
  const set = (open: boolean): void => {
    button.setAttribute('aria-expanded', String(open));
    for (const text of texts) show(text, open);
  };
  const toggle = (): void => set(button.getAttribute('aria-expanded') !== 'true');
  const button = h(
    'button',
    { type: 'button', class: 'explainer', 'aria-label': of, onclick: toggle },
    '?',
  );
  set(false);
  return button;
}

/** Hands a file to the browser's downloads. */
export function download(
  name: string,
  bytes: Uint8Array<ArrayBuffer> | Blob | string,
  type: string,
): void {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The text of a node into the clipboard. False where that is not allowed: then it is selected. */
export async function copyText(node: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(node.textContent ?? '');
    return true;
  } catch {
    getSelection()?.selectAllChildren(node);
    return false;
  }
}

/** The words in it are English on every page; those of an author, in slots, are of the page. */
export function english(node: HTMLElement): HTMLElement {
  for (const child of node.querySelectorAll<HTMLElement>(':scope > :not(slot)')) {
    child.lang = 'en';
    child.dir = 'ltr';
  }
  return node;
}
