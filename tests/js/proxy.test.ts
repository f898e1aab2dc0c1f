// The classes behind a Proxy, as reactive stores make one, and options that come out of one.

import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { Dataset, Model, ready, tensor, Trainer } from '../../bindings/index.js';
import { batchFiles } from './helpers.js';

/** What Vue's reactive() does: objects within are handed out as proxies too, when they are read. */
function reactive<T extends object>(target: T): T {
  return new Proxy(target, {
    get(from, key, receiver) {
      const value: unknown = Reflect.get(from, key, receiver);
      const plain = ['Object', 'Array', 'Map', 'Set'];
      const kind = Object.prototype.toString.call(value).slice(8, -1);
      return plain.includes(kind) ? reactive(value as object) : value;
    },
    set: (into, key, value, receiver) => Reflect.set(into, key, value, receiver),
  });
}

/** A membrane: what functions return is wrapped as well. */
function membrane<T extends object>(target: T): T {
  return new Proxy(target, {
    get(from, key, receiver) {
      const value: unknown = Reflect.get(from, key, receiver);
      return typeof value === 'function' ? membrane(value) : value;
    },
    apply: (f, self, args) => Reflect.apply(f as never, self, args) as unknown,
  });
}

const kinds: [string, <T extends object>(object: T) => T][] = [
  ['a reactive proxy', reactive],
  ['a membrane', membrane],
  ['a revocable proxy', (object) => Proxy.revocable(object, {}).proxy],
  ['a proxy of a proxy', (object) => reactive(reactive(object))],
];

const SMALL = { net: 'affine 10 - softmax', variant: 'simd', train: 60, validation: 10, test: 10,
  batch: 20, epochs: 2 } as const;

beforeAll(() => ready({ variant: 'simd' }));
const trainers: Trainer[] = [];
afterEach(() => trainers.splice(0).forEach((trainer) => trainer.dispose()));

test.each(kinds)('Trainer as %s', async (_, wrap) => {
  const trainer = wrap(await Trainer.create(reactive({ ...SMALL })));
  trainers.push(trainer);
  const seen: number[] = [];
  const listen = ({ detail }: CustomEvent<{ epoch: number }>): number => seen.push(detail.epoch);
  trainer.addEventListener('epoch', listen);
  await trainer.start();
  let last = 0;
  for await (const { step } of trainer) last = step;
  expect(last).toBe(6);
  expect(seen).toEqual([1, 2]);
  trainer.removeEventListener('epoch', listen);
  expect(trainer.state).toBe('done');
  expect(trainer.metrics!.step).toBe(6);
  expect(trainer.summary.parameters).toBe(30730);
  expect((await trainer.predict('test', reactive([0, 1])))).toHaveLength(2);
  expect(await trainer.parameters(reactive(['affine1.b']))).toHaveLength(1);
  await trainer.reset(reactive({ data: { files: batchFiles(8) }, options: { train: 20 } }));
  expect(trainer.dataset.name).toBe('cifar10');
  await trainer.load(await trainer.save());
  trainer.dispose();
});

test.each(kinds)('Model as %s', (_, wrap) => {
  const model = wrap(new Model('affine 3 - softmax', reactive({ input: [1, 2, 2] })));
  model.reg = 0.5;
  const x = reactive(tensor([1, 2, 3, 4], [1, 4]));
  const { loss, gradients } = model.lossAndGradients(x, [1]);
  expect(model.loss(x, [1])).toBe(loss);
  expect(model.reg).toBe(0.5);
  model.setParameter('affine1.w', gradients['affine1.w']!);
  expect(Object.keys(model.parameters())).toEqual(['affine1.w', 'affine1.b']);
  expect(Object.keys({ ...model })).not.toContain('loss'); // nothing is seen of what is bound
  model.dispose();
});

test.each(kinds)('Dataset as %s', async (_, wrap) => {
  const data = wrap(await Dataset.builtin(reactive({ train: 20, validation: 2, test: 4 })));
  expect(data.batch('train', 0, 3).x.shape).toEqual([3, 3, 32, 32]);
  expect(data.knn({ k: 1, train: 20, test: 4 }).predictions).toHaveLength(4);
  expect(data.handle).toBeGreaterThan(0);
  data.dispose();
  expect(() => data.handle).toThrow('disposed');
});

test('what is inherited and overridden stays overridden', () => {
  class Loud extends Model {
    override hash(): string { return `${super.hash()}!`; }
  }
  const model = reactive(new Loud('affine 3 - softmax', { input: [1, 2, 2] }));
  expect(model.hash()).toMatch(/^[0-9a-f]{16}!$/);
  expect(model).toBeInstanceOf(Model);
  model.dispose();
});
