/** What Lighthouse says about a page, in a Chromium of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig, type RunnerResult } from 'lighthouse';
import { OF_CHROMIUM } from './browsers.ts';
import { freePort } from './processes.ts';

export type Category = 'performance' | 'accessibility' | 'best-practices' | 'seo';

export interface Report {
  /** 0 to 100. */
  scores: Partial<Record<Category, number>>;
  /** What cost points, each with what Lighthouse found. */
  faults: string[];
  /** What does not depend on how fast the machine is; null without `performance`. */
  weight: Weight | null;
  /** How fast Lighthouse found this machine: https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md */
  machine: number;
}

export interface Weight {
  /** Cumulative layout shift: https://web.dev/articles/cls */
  layoutShift: number;
  /** Of all that the page fetched by itself, as it came over the line. */
  transferredBytes: number;
  requests: number;
}

/** `form`: as a phone on a slow network, or a desktop. Throws where Lighthouse could not look at the page. */
export async function judge(url: string, form: 'phone' | 'desktop', categories: readonly Category[]): Promise<Report> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-lighthouse-'));
  const args = [...OF_CHROMIUM.args, `--remote-debugging-port=${port}`];
  const browser = await chromium.launchPersistentContext(folder, { executablePath: OF_CHROMIUM.executablePath, args });
  try {
    const flags = { port, logLevel: 'error' as const, onlyCategories: [...categories] };
    const result = await lighthouse(url, flags, form === 'desktop' ? desktopConfig : undefined);
    if (result === undefined) throw new Error('Lighthouse did not look at the page.');
    const { lhr } = result;
    if (lhr.runtimeError !== undefined) throw new Error(lhr.runtimeError.message);
    const scores: Report['scores'] = {};
    const faults: string[] = [];
    for (const category of categories) {
      const found = lhr.categories[category];
      scores[category] = Math.round((found?.score ?? 0) * 100);
      for (const { id, weight } of found?.auditRefs ?? []) {
        const audit = lhr.audits[id];
        if (weight > 0 && typeof audit?.score === 'number' && audit.score < 0.9)
          faults.push(`${category}: ${audit.title} ${audit.displayValue ?? ''}`);
      }
    }
    const weight = categories.includes('performance') ? weightOf(lhr.audits) : null;
    return { scores, faults, weight, machine: lhr.environment.benchmarkIndex };
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function weightOf(audits: RunnerResult['lhr']['audits']): Weight {
  const { 'cumulative-layout-shift': shift, 'total-byte-weight': bytes, 'network-requests': requests } = audits;
  if (requests?.details?.type !== 'table') throw new Error('Lighthouse did not count what was fetched.');
  const { numericValue: layoutShift } = shift ?? {};
  const { numericValue: transferredBytes } = bytes ?? {};
  if (layoutShift === undefined || transferredBytes === undefined)
    throw new Error('Lighthouse did not weigh the page.');
  return { layoutShift, transferredBytes, requests: requests.details.items.length };
}
