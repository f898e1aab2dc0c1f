// A module worker, ?VARIANT, that answers requests to kernels.c: { line } in, { answer } out.
const variant = self.location.search.slice(1);
const loading = import(`/bench/kernels-${variant}.mjs`).then((module) => module.default());

self.onmessage = async ({ data: { line } }) => {
  try {
    const kernels = await loading;
    const answer = JSON.parse(kernels.ccall('bench_ask', 'string', ['string'], [line]));
    self.postMessage(answer.error ? answer : { answer });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
