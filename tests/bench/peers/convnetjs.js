// A classic worker that measures ConvNetJS: { net, seconds } in, { times, loss } out: milliseconds
// of each step, the losses of the first and the last. Its own SGD with momentum on random images,
// one image after the other and an update after a batch of them. It has neither batchnorm nor what
// the nets of presets are made of; asked for one of these, it says so.
self.window = self;
importScripts('/node_modules/convnetjs/build/convnet.js');
const { Net, SGDTrainer, Vol } = self.convnetjs;
const workloads = {};

function definition(layers) {
  const list = [{ type: 'input', out_sx: 32, out_sy: 32, out_depth: 3 }];
  layers.forEach(({ kind, size, filters }, i) => {
    const next = layers[i + 1]?.kind;
    const activation = next === 'relu' ? { activation: 'relu' } : {};
    if (kind === 'conv') {
      list.push({ type: 'conv', sx: size, filters, stride: 1, pad: size >> 1, ...activation });
    } else if (kind === 'maxpool') {
      list.push({ type: 'pool', sx: size, stride: size });
    } else if (kind === 'affine') {
      list.push(next === 'softmax' ? { type: 'softmax', num_classes: size }
        : { type: 'fc', num_neurons: size, ...activation });
    } else if (kind !== 'relu' && kind !== 'softmax') {
      throw new Error(`it cannot train a net with a ${kind} layer`);
    }
  });
  return list;
}

function make({ batch, layers }) {
  const net = new Net();
  net.makeLayers(definition(layers));
  const trainer = new SGDTrainer(net, {
    method: 'sgd', learning_rate: 1e-3, momentum: 0.9, batch_size: batch, l2_decay: 0 });
  const images = Array.from({ length: batch }, () => {
    const image = new Vol(32, 32, 3, 0);
    for (let i = 0; i < 3072; i++) image.w[i] = Math.random() - 0.5;
    return image;
  });
  return () => images.reduce(
    (sum, image, i) => sum + trainer.train(image, i % 10).loss, 0) / batch;
}

self.onmessage = ({ data: { net, seconds } }) => {
  try {
    workloads[net.name] ??= { step: make(net), losses: [] };
    const { step, losses } = workloads[net.name];
    if (losses.length === 0) losses.push(step()); // warms up
    const times = [];
    const start = performance.now();
    do {
      const began = performance.now();
      losses.push(step());
      times.push(performance.now() - began);
    } while (performance.now() - start < seconds * 1e3);
    self.postMessage({ times, loss: [losses[0], losses.at(-1)] });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
