/** Which preset a set-up is. Several may have one net, and differ in their options. */

import type { Preset } from '../bindings/types.js';

type Values = Readonly<Record<string, string>>;

/** Notations are the same net where they differ in white space or capitals alone. */
export function sameNet(a: string, b: string): boolean {
  const plain = (net: string): string => net.replace(/\s+/g, '').toLowerCase();
  return plain(a) === plain(b);
}

/** Whether each of these options has its value among others. */
export function holds(options: Values, values: Values): boolean {
  return Object.entries(options).every(([name, value]) => sameValue(values[name], value));
}

/** 1e-3 is 0.001; an option that is not there has no value. */
export function sameValue(a = '', b = ''): boolean {
  return a === b || (a !== '' && b !== '' && Number(a) === Number(b));
}

/** That of this net: of several the one whose options these are, else `usual`, else the first. */
export function presetOf(
  presets: readonly Preset[], net: string, values: Values, usual = ''): Preset | undefined {
  const same = presets.filter((preset) => sameNet(preset.net, net));
  return same.find(({ options }) => holds(options, values)) ??
    same.find(({ name }) => name === usual) ?? same[0];
}
