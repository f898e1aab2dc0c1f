// A classic worker that measures TensorFlow.js's WASM backend: { net, seconds } in, { times, loss }
// out: milliseconds of each step, the losses of the first and the last.
//
// The backend has no gradient for a convolution's filters (tensorflow/tfjs issue 8474), so it
// cannot train a conv net as shipped. Here that kernel is filled in from operations it has: the
// filter gradient is a convolution of the transposed input with the transposed output gradient.
// It cannot train the nets of presets, for it has no whitening layer and no Muon; asked for one of
// them, it says so.
importScripts('/node_modules/@tensorflow/tfjs/dist/tf.min.js',
  '/node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js');
const workloads = {};
let ready;

function filterGradient({ inputs: { x, dy }, attrs: { filterShape } }) {
  const [height, width] = filterShape;
  const top = (height - 1) >> 1;
  const left = (width - 1) >> 1;
  return tf.tidy(() => {
    const padded = tf.pad(x, [[0, 0], [top, height - 1 - top], [left, width - 1 - left], [0, 0]]);
    const images = tf.transpose(padded, [3, 1, 2, 0]);
    const filters = tf.transpose(dy, [1, 2, 0, 3]);
    return tf.transpose(tf.conv2d(images, filters, 1, 'valid'), [1, 2, 0, 3]);
  });
}

async function start() {
  tf.wasm.setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
  await tf.setBackend('wasm');
  await tf.ready();
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter', backendName: 'wasm', kernelFunc: filterGradient });
}

function add(model, { kind, size, filters }, input) {
  const { layers } = tf;
  const shape = input ? { inputShape: [32, 32, 3] } : {};
  switch (kind) {
    case 'conv':
      return model.add(layers.conv2d({ filters, kernelSize: size, padding: 'same', ...shape }));
    case 'batchnorm': return model.add(layers.batchNormalization({ axis: -1 }));
    case 'relu': return model.add(layers.reLU());
    case 'maxpool': return model.add(layers.maxPooling2d({ poolSize: size, strides: size }));
    case 'avgpool': return model.add(layers.globalAveragePooling2d({}));
    case 'affine':
      if (model.outputs[0].shape.length > 2) model.add(layers.flatten());
      return model.add(layers.dense({ units: size }));
    case 'softmax': return model.add(layers.softmax());
    default: throw new Error(`it cannot train a net with a ${kind} layer`);
  }
}

function make({ batch, layers }) {
  const model = tf.sequential();
  layers.forEach((layer, i) => add(model, layer, i === 0));
  model.compile({ optimizer: tf.train.momentum(1e-3, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([batch, 32, 32, 3]);
  const y = tf.oneHot(tf.range(0, batch, 1, 'int32').mod(tf.scalar(10, 'int32')), 10).toFloat();
  return () => model.trainOnBatch(x, y); // reads the loss back, so it waits for the step
}

self.onmessage = async ({ data: { net, seconds } }) => {
  try {
    await (ready ??= start());
    workloads[net.name] ??= { step: make(net), losses: [] };
    const { step, losses } = workloads[net.name];
    while (losses.length < 2) losses.push(await step()); // warms up
    const times = [];
    const begin = performance.now();
    do {
      const began = performance.now();
      losses.push(await step());
      times.push(performance.now() - began);
    } while (performance.now() - begin < seconds * 1e3);
    self.postMessage({ times, loss: [losses[0], losses.at(-1)] });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
