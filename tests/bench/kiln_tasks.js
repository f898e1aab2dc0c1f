// What kiln is asked to do in a worker and in Node: one function a task, of the class Wasm of the
// bindings and a message. Steps are timed whole, with the decoding of the batch that peers are
// spared; those that end an epoch also measure accuracy and are left out.
const EPOCH_ENDS = 2;
const WARM_SECONDS = 2;
const workloads = new Map();

const epochSteps = ({ large }) => (large ? 4 : 20);

/** The options of a run of a net, key=value lines, and what else is asked. */
function runOptions({ notation, batch, options }, more) {
  return Object.entries({ net: notation, batch, ...options, ...more })
    .map(([key, value]) => `${key}=${value}\n`).join('');
}

function makeTrainer(wasm, net, images) {
  const data = wasm.call('kiln_data_builtin', `train=${images}\nvalidation=8\ntest=8\n`);
  const trainer = wasm.call('kiln_trainer_create', data,
    runOptions(net, { epochs: 10000, 'check-train': 8, 'check-val': 8 }));
  return { data, trainer };
}

function destroy(wasm, { data, trainer }) {
  wasm.call('kiln_trainer_destroy', trainer);
  wasm.call('kiln_data_destroy', data);
}

/** Milliseconds of each step for so many seconds; all of them, or without those of epoch ends. */
function timeSteps(wasm, { trainer, losses }, seconds, { all = false, least = 2 } = {}) {
  const times = [];
  const start = performance.now();
  do {
    const began = performance.now();
    const flags = wasm.call('kiln_trainer_step', trainer);
    if (all || !(flags & EPOCH_ENDS)) times.push(performance.now() - began);
    losses?.push(wasm.json('kiln_trainer_metrics', trainer).loss);
  } while (times.length < least || performance.now() - start < seconds * 1e3);
  return times;
}

function open(wasm, net) {
  const key = `${net.notation}/${net.batch}`;
  if (!workloads.has(key)) {
    const made = makeTrainer(wasm, net, epochSteps(net) * net.batch);
    made.losses = [];
    timeSteps(wasm, made, WARM_SECONDS); // engines compile while it runs
    workloads.set(key, made);
  }
  return workloads.get(key);
}

/** Of the first epoch and of the last so many steps: about the same images, for batches differ. */
function fall(losses, steps) {
  if (losses.length < 2 * steps) return undefined;
  const mean = (list) => list.reduce((sum, loss) => sum + loss, 0) / list.length;
  return [mean(losses.slice(0, steps)), mean(losses.slice(-steps))];
}

export const tasks = {
  step(wasm, { net, seconds }) {
    const made = open(wasm, net);
    const times = timeSteps(wasm, made, seconds);
    return { times, loss: fall(made.losses, epochSteps(net)), backend: wasm.backend };
  },

  /** A run through many short epochs: does it slow down? */
  epochs(wasm, { net, seconds }) {
    const made = makeTrainer(wasm, net, 8 * net.batch);
    timeSteps(wasm, made, 0.5);
    const times = timeSteps(wasm, made, seconds, { all: true });
    destroy(wasm, made);
    return { times };
  },

  /** Within one epoch: the passes that measure accuracy at its end are none of a step's. */
  layers(wasm, { net, seconds }) {
    const { trainer } = open(wasm, net);
    const handle = wasm.call('kiln_trainer_net', trainer);
    while (!(wasm.call('kiln_trainer_step', trainer) & EPOCH_ENDS));
    const most = epochSteps(net) / 2;
    wasm.call('kiln_net_profile', handle, 1);
    const times = [];
    const start = performance.now();
    do {
      const began = performance.now();
      wasm.call('kiln_trainer_step', trainer);
      times.push(performance.now() - began);
    } while (times.length < most && performance.now() - start < seconds * 1e3);
    return { times, layers: wasm.json('kiln_net_profile', handle, 0) };
  },

  /** The first task of a fresh instance: its memory only grows. */
  memory(wasm, { net }) {
    const data = wasm.call('kiln_data_builtin', 'train=512\nvalidation=8\ntest=8\n');
    const before = wasm.memoryBytes;
    const used = wasm.call('kiln_memory_used');
    const trainer = wasm.call('kiln_trainer_create', data, runOptions(net, { epochs: 100 }));
    wasm.call('kiln_trainer_step', trainer);
    const bytes = wasm.memoryBytes;
    const usedKib = wasm.call('kiln_memory_used') - used;
    for (let i = 0; i < (net.large ? 1 : 5); i++) wasm.call('kiln_trainer_step', trainer);
    return { bytes, beside: bytes - before, usedKib, grown: wasm.memoryBytes - bytes };
  },

  /** Milliseconds until a net is there; the first one of an instance, whose memory has to grow. */
  create(wasm, { net }) {
    const start = performance.now();
    wasm.call('kiln_net_create', net.notation, `batch=${net.batch}\n`);
    return { ms: performance.now() - start };
  },

  /** A net of another input than CIFAR-10's, forward and backward on zeros. */
  pass(wasm, { net, input }) {
    const [channels, height, width] = input;
    const images = new Float32Array(net.batch * channels * height * width);
    const labels = new Int32Array(net.batch);
    const handle = wasm.call('kiln_net_create', net.notation,
      `input=${input.join('x')}\nbatch=${net.batch}\n`);
    const result = { array: new Float64Array(1), copyIn: false };
    const start = performance.now();
    wasm.call('kiln_net_loss_and_gradients', handle, result, images, labels, net.batch, 0);
    const ms = performance.now() - start;
    wasm.call('kiln_net_destroy', handle);
    return { ms, loss: result.array[0], bytes: wasm.memoryBytes };
  },
};
