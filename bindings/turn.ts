/** Giving way: long work goes in slices, and between any two of them messages are handled. */

let gate: { port: MessagePort; waiting: (() => void)[] } | null = null;

/**
 * Resolves once what has arrived meanwhile was handled. By a message to oneself: timers are
 * slowed in hidden tabs and never take less than four milliseconds, messages are neither.
 */
export function turn(): Promise<void> {
  // Node hands out a thousand messages of one port before it looks at another.
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  if (gate === null) {
    const { port1, port2 } = new MessageChannel();
    const waiting: (() => void)[] = [];
    port1.onmessage = () => waiting.shift()?.();
    gate = { port: port2, waiting };
  }
  const { port, waiting } = gate;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port.postMessage(null);
  });
}
