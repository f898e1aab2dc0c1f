/**
 * What was measured of recipes, for the page: tests/accuracy/*.json, as far as a reader sees it.
 * The build of the page makes a module of it, so that there is one source of every figure.
 */

import { existsSync, readFileSync } from 'node:fs';

interface Runs { runs: { sixViews: number }[]; oneView: number; sixViews: number }
type Row = Runs & { name: string; speed: number };

/** A preset's test accuracy over seeds, and the validation accuracies of one run of it. */
export interface MeasuredRecipe {
  seeds: number;
  mean: number;
  deviation: number;
  views: number;
  curve?: { seed: number; epochs: number[]; validation: number[] };
}

/** Against the whole recipe: accuracies in six views and images a second, without a piece. */
export interface MeasuredPiece {
  points: number;
  speed: number;
}

export interface Measured {
  recipes: Record<string, MeasuredRecipe>;
  /**
   * By name; of the preset and as many seeds as they say. chance: what two means of so many seeds
   * differ by, one standard deviation, where nothing but the seeds differs.
   */
  pieces: { preset: string; seeds: number; views: number; chance: number;
    rows: Record<string, MeasuredPiece>; } | null;
}

/** Of the accuracies of single seeds. */
function deviation({ runs, sixViews }: Runs): number {
  const squares = runs.map((run) => (run.sixViews - sixViews) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (runs.length - 1));
}

const FOLDER = new URL('../../tests/accuracy/', import.meta.url);

function read(name: string): Record<string, unknown> {
  const file = new URL(name, FOLDER);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> : {};
}

export function measured(): Measured {
  const recipes = read('recipes.json') as Record<string, {
    averaged: { mean: number; deviation: number }; runs: unknown[]; views: number;
    curve?: MeasuredRecipe['curve'];
  }>;
  const pieces = read('pieces.json') as { preset?: string; whole?: Runs;
    without?: Row[]; added?: Row[] };
  const { preset, whole } = pieces;
  const rows = [...(pieces.without ?? []), ...(pieces.added ?? [])];
  return {
    recipes: Object.fromEntries(Object.entries(recipes).map(([name, one]) => [name, {
      seeds: one.runs.length, mean: one.averaged.mean, deviation: one.averaged.deviation,
      views: one.views, ...(one.curve ? { curve: one.curve } : {}),
    }])),
    pieces: preset && whole ? {
      preset, seeds: whole.runs.length, views: whole.sixViews - whole.oneView,
      chance: Math.sqrt(2 / whole.runs.length) * deviation(whole),
      rows: Object.fromEntries(rows.map((row) => [row.name,
        { points: row.sixViews - whole.sixViews, speed: row.speed }])),
    } : null,
  };
}
