/**
 * The course's layer functions, gathered as `layers`: use after `await ready()`. A module, not an
 * object, so that a bundler leaves out those that a program does not call.
 */

export {
  affineForward, affineBackward, reluForward, reluBackward, convForward, convBackward,
  maxPoolForward, maxPoolBackward,
} from './layers.js';
export * from './losses.js';
export * from './norms.js';
