// A module worker that measures kiln's training steps: {variant, net, seconds} in, {imagesPerSecond} out. The whole of
// a step is timed, with the decoding of the batch, which the peers are spared.
import { load } from '/dist/wasm.js';

let loading;
const workloads = {};

function make(wasm, { batch, notation }) {
  const data = wasm.call('kiln_data_builtin', `train=${4 * batch}\nvalidation=8\ntest=8\n`);
  const options = `net=${notation}\nbatch=${batch}\noptimizer=momentum\nlr=0.001\nepochs=100000\n`
    + 'check-train=8\ncheck-val=8\n';
  const trainer = wasm.call('kiln_trainer_create', data, options);
  return () => wasm.call('kiln_trainer_step', trainer);
}

self.onmessage = async ({ data: { variant, net, seconds } }) => {
  try {
    const wasm = await (loading ??= load({ variant }));
    if (!workloads[net.name]) {
      workloads[net.name] = make(wasm, net);
      for (let i = 0; i < 5; i++) workloads[net.name]();
    }
    const step = workloads[net.name];
    const start = performance.now();
    let steps = 0;
    do {
      step();
      steps++;
    } while (performance.now() - start < seconds * 1e3);
    const imagesPerSecond = (net.batch * steps * 1e3) / (performance.now() - start);
    self.postMessage({ imagesPerSecond, backend: wasm.backend });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
