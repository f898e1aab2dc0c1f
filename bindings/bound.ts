/**
 * Objects that work behind a Proxy. A reactive store (Vue's, and others) hands out a proxy of what
 * it is given; a method that is called on the proxy has it for `this`, and a proxy has none of the
 * private fields. So every method and accessor is bound to the object itself, when it is made.
 */

type Bindable = (...args: unknown[]) => unknown;

/**
 * Gives `object` a bound copy of each method and accessor of its classes, symbols included. To be
 * called once, in the constructor. The copies are not enumerable: nothing is seen of them.
 */
export function bindMethods(object: object): void {
  for (let from = proto(object); from !== null && from !== Object.prototype; from = proto(from)) {
    for (const key of Reflect.ownKeys(from)) {
      if (key === 'constructor' || Object.hasOwn(object, key)) continue;
      const { value, get, set } = Object.getOwnPropertyDescriptor(from, key)!;
      const bound = get || set
        ? { get: get?.bind(object), set: set?.bind(object) }
        : typeof value === 'function' && { value: (value as Bindable).bind(object) };
      if (bound) {
        Object.defineProperty(object, key, { ...bound, configurable: true, enumerable: false });
      }
    }
  }
}

function proto(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}
