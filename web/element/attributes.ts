/** The attributes of <kiln-trainer>: the library's options by their names, and its own. */

import { camelNames, OPTION_NAMES } from '../../bindings/option-names.js';

/** What is not an option of the library: which data and parts, and when they load. */
export const OWN_ATTRIBUTES = [
  'preset', 'data', 'views', 'controls', 'layout', 'theme', 'loading', 'autostart', 'persist',
  'threads', 'variant',
] as const;

export const ATTRIBUTES: readonly string[] = [...OPTION_NAMES, ...OWN_ATTRIBUTES];

/** Property by attribute: weightDecay is weight-decay. `data` has an accessor of its own. */
export const PROPERTIES = new Map<string, string>([
  ...OPTION_NAMES.map((name, i) => [camelNames()[i]!, name] as const),
  ...OWN_ATTRIBUTES.filter((name) => name !== 'data').map((name) => [name, name] as const),
]);

/** Those that stand or do not stand, whatever their value. */
export const FLAGS: readonly string[] = ['autostart', 'persist'];

/** Those of which only these words have a meaning. */
export const CHOICES: Readonly<Record<string, readonly string[]>> = {
  layout: ['compact', 'wide'],
  theme: ['light', 'dark', 'system'],
  loading: ['lazy', 'eager', 'press'],
};

/** What the author set of the library's options, by the names of the command line. */
export function optionsOf(element: Element): Record<string, string> {
  return Object.fromEntries(OPTION_NAMES.flatMap((name) => {
    const value = element.getAttribute(name);
    return value === null ? [] : [[name, value.trim()]];
  }));
}

/** The names of a list in the author's order, each once; `usual` where there is no attribute. */
export function listOf(element: Element, attribute: string, usual: string): string[] {
  const text = element.getAttribute(attribute) ?? usual;
  return [...new Set(text.trim().toLowerCase().split(/[\s,]+/).filter(Boolean))];
}
