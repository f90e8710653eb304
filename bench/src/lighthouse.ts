/** The four scores of Lighthouse for each page, on a phone and a desktop as it imitates them; the middle of several looks. */
import { judge, type Category, type Report } from '@llmesh/e2e/lighthouse';
import { startMesh } from '@llmesh/e2e/mesh';
import { percentile } from './statistics.ts';

const CATEGORIES: readonly Category[] = ['performance', 'accessibility', 'best-practices', 'seo'];
const PAGES = ['/', '/donate', '/network'];

export interface LighthouseScores {
  bench: 'lighthouse';
  looks: number;
  /** "phone /": the middle of what was scored for each category, 0 to 100. */
  scores: Record<string, Partial<Record<Category, number>>>;
  /** How fast Lighthouse found this machine, from the slowest look to the fastest. It takes a computer of 1,500 for granted, and makes it four times slower for a phone. */
  machine: [number, number];
  /** The lowest of all of these. */
  least: number;
}

export async function lighthouse({ looks }: { looks: number }): Promise<LighthouseScores> {
  const mesh = await startMesh();
  try {
    await mesh.addWorker();
    const scores: LighthouseScores['scores'] = {};
    const machine: number[] = [];
    for (const form of ['phone', 'desktop'] as const) {
      for (const path of PAGES) {
        const seen: Report[] = [];
        for (let i = 0; i < looks; i++) seen.push(await judge(mesh.url + path, form, CATEGORIES));
        machine.push(...seen.map((one) => one.machine));
        const middle = (category: Category) =>
          percentile(
            seen.map((one) => one.scores[category] ?? 0),
            50,
          );
        scores[`${form} ${path}`] = Object.fromEntries(CATEGORIES.map((one) => [one, middle(one)]));
        const faults = [...new Set(seen.flatMap((one) => one.faults))].map((fault) => `\n  ${fault}`).join('');
        process.stdout.write(`${form} ${path} ${JSON.stringify(scores[`${form} ${path}`])}${faults}\n`);
      }
    }
    return {
      bench: 'lighthouse',
      looks,
      scores,
      machine: [Math.min(...machine), Math.max(...machine)],
      least: Math.min(...Object.values(scores).flatMap((of) => Object.values(of))),
    };
  } finally {
    await mesh.stop();
  }
}
