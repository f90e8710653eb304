/**
 * What the product around web-llm costs: the tiny model in a page that has nothing else, and from a volunteer's tab through the mesh
 * to a program, with the tab in front and behind another. Rounds alternate, so that a busy machine is as busy for each.
 */
import { join } from 'node:path';
import type { ModelId } from '@llmesh/core/base/ids';
import { launch } from '@llmesh/e2e/browsers';
import { startMesh } from '@llmesh/e2e/mesh';
import { ROOT } from '@llmesh/e2e/processes';
import { longest } from '@llmesh/e2e/questions';
import { openTinyGpuPage } from '@llmesh/e2e/tiny-gpu-page';
import { openWatchedTab } from '@llmesh/e2e/watched-tab';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { percentile } from './statistics.ts';

const MODEL = 'llmesh-tiny' as ModelId;
const MOST_TOKENS = 512;
const ASK_MS = 300_000;

export interface BrowserResult {
  bench: 'browser';
  engine: 'web-llm';
  visibleRatio: number;
  hiddenRatio: number;
  tokensPerSecondRaw: number;
}

export async function browser({ rounds }: { rounds: number }): Promise<BrowserResult> {
  const mesh = await startMesh();
  const opened = await launch('chromium');
  const node = await openMeshNode(new URL(mesh.url));
  const raw = await openTinyGpuPage(opened, join(ROOT, 'models/tiny/llmesh-tiny.gguf'), false);
  const tab = await openWatchedTab(async (page) => {
    await page.goto(`${mesh.url}/donate`);
    const pressedMs = performance.now();
    await page.getByRole('button', { name: 'Start donating' }).click();
    await page
      .getByRole('status', { name: 'Provider status' })
      .getByText('Ready. No requests')
      .waitFor({ timeout: ASK_MS });
    process.stdout.write(
      `ready ${((performance.now() - pressedMs) / 1000).toFixed(1)} s after the switch was pressed\n`,
    );
  });
  try {
    const speeds = { raw: [] as number[], visible: [] as number[], hidden: [] as number[] };
    // The first round of each warms up.
    for (let round = 0; round <= rounds; round++) {
      await tab.hide();
      const alone = (await raw.say(asked(longest.question), MOST_TOKENS)).tokensPerSecond;
      const hidden = await speedThroughMesh();
      await tab.show();
      const visible = await speedThroughMesh();
      if (round === 0) continue;
      speeds.raw.push(alone);
      speeds.hidden.push(hidden);
      speeds.visible.push(visible);
      process.stdout.write(
        `raw ${alone.toFixed(1)}, visible ${visible.toFixed(1)}, hidden ${hidden.toFixed(1)} tokens/s\n`,
      );
    }
    const tokensPerSecondRaw = percentile(speeds.raw, 50);
    return {
      bench: 'browser',
      engine: 'web-llm',
      visibleRatio: rounded(percentile(speeds.visible, 50) / tokensPerSecondRaw),
      hiddenRatio: rounded(percentile(speeds.hidden, 50) / tokensPerSecondRaw),
      tokensPerSecondRaw: rounded(tokensPerSecondRaw),
    };
  } finally {
    await node.close();
    releaseMeshNodes();
    await tab.close();
    await raw.close();
    await opened.close();
    await mesh.stop();
  }

  /** From the first word on, as the program that asked sees it. */
  async function speedThroughMesh(): Promise<number> {
    let tokens = 0;
    let first = 0;
    let last = 0;
    const turns = [{ role: 'user' as const, content: longest.question }];
    const request = { model: MODEL, turns, sampling: { temperature: 0 }, maxTokens: MOST_TOKENS, only: null };
    for await (const event of node.mesh.ask(request, AbortSignal.timeout(ASK_MS))) {
      // Where web-llm does not start, another engine takes over, and this would compare two engines.
      if (event.type === 'provider' && event.candidate.model.backend !== 'webgpu')
        throw new Error(`The volunteer runs the model on ${event.candidate.model.backend}.`);
      if (event.type !== 'piece') continue;
      last = performance.now();
      if (first === 0) first = last;
      else tokens += event.tokens;
    }
    return (tokens * 1000) / (last - first);
  }
}

function asked(question: string): string {
  return `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
