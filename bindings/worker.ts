/**
 * The worker's entry. Nothing else may come to lie in it: what bundlers put into the script that a
 * worker starts with, they let parts that come later import from there, and WebKit then runs this
 * script a second time, beside the first, with a state of its own.
 */

import('./worker-main.js').catch((error: unknown) => {
  setTimeout(() => { throw error; }); // as an error of the script, which the page hears of
});

export {};
