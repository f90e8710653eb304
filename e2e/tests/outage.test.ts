/** Chatting while the control plane is away: it is killed, and comes back. */
import { expect, type Locator } from '@playwright/test';
import { answered, ask, lastAnswer } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const SIGNED = /receipt\ssigned\sby\sboth/;
const [short, shortest] = plain.toSorted((a, b) => a.answer.length - b.answer.length);
/** An answer that is long enough to be interrupted. */
const long = plain.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));

test('the control plane is killed in mid-answer: the answer ends whole, the next question is answered, and all come back', async ({
  mesh,
  visit,
}) => {
  const worker = await mesh.addWorker('--max-speed', '12');
  const { page } = await visit();
  const connection: Locator = page.getByRole('status', { name: 'Connection' });
  await ask(page, long.question);
  await expect(lastAnswer(page)).toContainText(long.answer.slice(0, 12));
  await mesh.killControlPlane();
  await expect(lastAnswer(page)).not.toContainText(long.answer.slice(-20));
  const whole = await answered(page);
  await expect(whole).toContainText(long.answer);
  await expect(whole).toContainText(SIGNED);
  await expect(connection).toContainText('Volunteers you know still answer');

  await ask(page, short?.question ?? '');
  const unsigned = await answered(page);
  await expect(unsigned).toContainText(short?.answer ?? '');
  await expect(unsigned).not.toContainText(SIGNED);

  await mesh.restartControlPlane();
  await expect(connection).toBeEmpty({ timeout: 20_000 });
  const peers = async () => (await fetch(`${mesh.url}/api/peers`)).text();
  await expect.poll(peers, { timeout: 20_000 }).toContain('llmesh-tiny');
  await ask(page, shortest?.question ?? '');
  const signed = await answered(page);
  await expect(signed).toContainText(shortest?.answer ?? '');
  await expect(signed).toContainText(SIGNED);

  // A ghost is out of every list within five seconds.
  worker.process.kill('SIGKILL');
  await expect.poll(peers, { timeout: 5_000 }).not.toContain('llmesh-tiny');
});
