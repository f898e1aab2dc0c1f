/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const NONE = '–';

/** From here on numbers are written with an exponent. */
const HUGE = 1e5;

export function count(n: number): string {
  return whole.format(n);
}

/** A number with so many significant digits and a prefix: 2.41 M, 812. */
export function si(n: number, digits = 3): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let value = n;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit === 0 && Number.isInteger(value) ? String(value) : trimmed(value, digits);
  return units[unit] ? `${text} ${units[unit]}` : text;
}

function trimmed(value: number, digits: number): string {
  const before = Math.max(1, Math.floor(Math.log10(Math.abs(value) || 1)) + 1);
  return value.toFixed(Math.max(0, digits - before));
}

export function bytes(n: number): string {
  return `${si(n)}B`.replace(/(\d)B$/, '$1 B');
}

/** 0..1 as a percentage. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined || !Number.isFinite(share)
    ? NONE
    : `${(100 * share).toFixed(digits)} %`;
}

export function fixed(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  return Math.abs(value) < HUGE ? value.toFixed(digits) : exponential(value, digits);
}

function exponential(value: number, digits: number): string {
  return value.toExponential(digits - 1).replace('e+', 'e');
}

/** Small and large alike: 0.0123, 4.2e-5. */
export function general(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size < 1e-3 || size >= HUGE
      ? exponential(size, digits)
      : String(Number(size.toPrecision(digits)));
  return value < 0 ? `−${text}` : text;
}

/** Seconds as 42 s, 3:07 or 1:02:09. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${pad(s % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(s % 60)}`;
}

export function shape(sizes: readonly number[]): string {
  return sizes.join('×');
}

/** Epochs, which may end in a part of one: 8, 1.19. */
export function epochNumber(n: number): string {
  return String(Number(n.toFixed(2)));
}

/** "1.19 epochs", "1 epoch". */
export function epochCount(n: number): string {
  return `${epochNumber(n)} ${n === 1 ? 'epoch' : 'epochs'}`;
}

/** "5 images", "1 image". */
export function plural(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/**
 * The library's sentences begin small and end without a stop, for what may stand around them. What
 * begins with the name of a file keeps it as it is.
 */
export function sentence(text: string): string {
  const word = /^[a-z]+(?![\w./-])/.test(text);
  const begun = word ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return `${begun}${/[.?!]$/.test(text) ? '' : '.'}`;
}
