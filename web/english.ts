/**
 * Comes before uPlot, which makes a number format of the browser's language while it loads. Some
 * browsers name one that is none: WebKitGTK says "C" where LANG is C.UTF-8. English it is, there.
 */

try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { configurable: true, value: 'en' });
}

export {};
