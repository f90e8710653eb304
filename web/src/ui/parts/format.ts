/** Numbers as the page writes them. Where a number is a guess, the page itself adds "about". */
import { locale } from '../../language/languages.ts';

/** Made when it is first needed, which is after the page is there. */
let whole: Intl.NumberFormat | null = null;

/** 18420 → "18,420" */
export function count(value: number): string {
  whole ??= new Intl.NumberFormat(locale);
  return whole.format(value);
}

/** 1, "volunteer" → "1 volunteer"; 2 → "2 volunteers" */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A speed with one decimal, below ten only. */
export function speed(tokensPerSecond: number): string {
  const shown = tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : count(Math.round(tokensPerSecond));
  return `${shown} tok/s`;
}

/** 312 → "0.31 s"; 4210 → "4.2 s"; 64000 → "64 s" */
export function seconds(ms: number): string {
  const s = ms / 1000;
  return `${s < 1 ? s.toFixed(2) : s < 10 ? s.toFixed(1) : Math.round(s)} s`;
}

/** 270000000 → "270 MB"; 4900000000 → "4.9 GB" */
export function bytes(value: number): string {
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  if (value < 1e9) return `${value < 1e7 ? (value / 1e6).toFixed(1) : Math.round(value / 1e6)} MB`;
  return `${(value / 1e9).toFixed(1)} GB`;
}

/** The time of the reader's clock: "14:30" */
export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
}

/** 75 → "1 min"; 7300 → "2 h" */
export function since(secondsAgo: number): string {
  if (secondsAgo < 60) return `${secondsAgo} s`;
  if (secondsAgo < 3600) return `${Math.floor(secondsAgo / 60)} min`;
  if (secondsAgo < 172_800) return `${Math.floor(secondsAgo / 3600)} h`;
  return `${Math.floor(secondsAgo / 86_400)} days`;
}
