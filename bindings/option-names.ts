/** The names of options alone: a page knows its attributes by them before it loads the library. */

/** The options of a training run, as the command line names them (src/train/options.c). */
export const OPTION_NAMES = [
  'net', 'init', 'freeze', 'seed', 'data-seed', 'train', 'validation', 'test', 'normalize', 'draw',
  'augment', 'epochs', 'whiten-epochs', 'batch', 'max-steps', 'optimizer', 'lr', 'bias-lr',
  'head-lr', 'filter-lr', 'momentum', 'decay-rate', 'beta1', 'beta2', 'eps', 'schedule', 'warmup',
  'lr-decay', 'decay-every', 'start-lr', 'final-lr', 'lookahead', 'lookahead-decay', 'reg',
  'weight-decay', 'bias-decay', 'head-decay', 'filter-decay', 'clip', 'dropout', 'check-first',
  'check-train', 'check-val', 'eval-views', 'eval-share', 'patience', 'recover', 'memory',
] as const;

/** OPTION_NAMES as JavaScript writes them. */
export function camelNames(): string[] {
  return OPTION_NAMES.map((name) => name.replace(/-./g, (dash) => dash[1]!.toUpperCase()));
}
