/**
 * Gives each part of the page its words. The build reads the sentences out of the sources and puts `getRuntime` in their place;
 * nothing that people wrote calls it. Everything that says something waits for this file, so the words are there before.
 */
import addresses from 'virtual:translations';
import toRuntime, { type CatalogModule } from 'wuchale/runtime';
import { language } from './languages.ts';

type Translation = Readonly<Record<string, CatalogModule['c']>>;

/** Longer than it takes on a slow phone. A page that cannot have its translation is read in English rather than not at all. */
const PATIENCE_MS = 20_000;

const address = addresses[language];
const translation: Translation = address === undefined ? {} : await fetched(address).catch(() => ({}));

async function fetched(address: string): Promise<Translation> {
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return response.json();
}

/** `part`: the file that asks. `english`: what it says there. */
export function getRuntime(part: string, english: CatalogModule) {
  const words = translation[part];
  return toRuntime(words === undefined ? english : { c: words }, language);
}

export const getRuntimeRx = getRuntime;
