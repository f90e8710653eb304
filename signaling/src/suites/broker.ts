/** What every broker must do. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { MAX_BROKERED_BYTES, MAX_IN_HAND, type Topic } from '../cluster/broker.ts';
import type { TwoInstances } from './two-instances.ts';

const WITHIN_MS = 1_000;

export function brokerSuite(name: string, open: () => Promise<TwoInstances>): void {
  describe(name, () => {
    let two: TwoInstances;
    let here: Topic;
    beforeEach(async () => {
      two = await open();
      here = `instance.${two.one.instance}`;
    });
    afterEach(() => two.close());

    /** Resolves when all earlier messages to `here` have arrived: they come in order, and this is the last. */
    async function settled(): Promise<void> {
      await two.other.broker.ask(here, 'the last', WITHIN_MS);
    }

    it('brings messages to whoever listens, at this instance and at others, in their order', async () => {
      const heard: string[] = [];
      await two.one.broker.listen(here, (message) => {
        heard.push(message);
        return '';
      });
      const said = Array.from({ length: 200 }, (_, i) => `${i} € "\u0000"`);
      await Promise.all(said.map((message) => two.other.broker.tell(here, message)));
      await settled();
      expect(heard).toEqual([...said, 'the last']);
      await two.one.broker.tell(here, 'by itself');
      await two.one.broker.ask(here, 'and asked', WITHIN_MS);
      expect(heard.slice(-2)).toEqual(['by itself', 'and asked']);
    });

    it('brings what all are told to each who listens, and nothing of other topics', async () => {
      const heard: string[] = [];
      for (const { broker, instance } of [two.one, two.other]) {
        await broker.listen('departed', (message) => {
          heard.push(`${instance} ${message}`);
          return null;
        });
        await broker.listen(`instance.${instance}`, () => 'heard');
      }
      await two.one.broker.tell('departed', 'a peer');
      for (const { instance } of [two.one, two.other]) {
        for (const { broker } of [two.one, two.other]) await broker.ask(`instance.${instance}`, '', WITHIN_MS);
      }
      await expect
        .poll(() => heard.toSorted())
        .toEqual([two.one, two.other].map((at) => `${at.instance} a peer`).toSorted());
    });

    it('loses what nobody listens for, and tells whoever asks that nobody does', async () => {
      await two.other.broker.tell(here, 'too early');
      expect(await two.other.broker.ask(here, 'anybody?', WITHIN_MS)).toBeNull();
      const heard: string[] = [];
      const stop = await two.one.broker.listen(here, (message) => {
        heard.push(message);
        return 'yes';
      });
      expect(await two.other.broker.ask(here, 'anybody?', WITHIN_MS)).toBe('yes');
      await stop();
      await stop();
      expect(await two.other.broker.ask(here, 'still?', WITHIN_MS)).toBeNull();
      expect(heard).toEqual(['anybody?']);
    });

    it('hands nothing over any more once it was stopped, even if it was said before', async () => {
      let stopped = false;
      const late: string[] = [];
      const stop = await two.one.broker.listen(here, (message) => {
        if (stopped) late.push(message);
        return 'yes';
      });
      const asked = Array.from({ length: 20 }, (_, i) => two.other.broker.ask(here, `${i}`, WITHIN_MS));
      await stop();
      stopped = true;
      const answers = await Promise.all(asked);
      expect(answers.every((answer) => answer === 'yes' || answer === null)).toBe(true);
      expect(late).toEqual([]);
    });

    it('brings each answer to its question, whichever comes first, and a fault to its asker alone', async () => {
      const held = new Map<string, (answer: string) => void>();
      await two.one.broker.listen(here, (message) => {
        if (message === 'broken') throw new Error('it broke');
        if (message === 'at once') return 'quick';
        return new Promise((resolve) => held.set(message, resolve));
      });
      const { broker } = two.other;
      const slow = ['a', 'b', 'c'].map((question) => broker.ask(here, question, WITHIN_MS));
      await expect(broker.ask(here, 'broken', WITHIN_MS)).rejects.toMatchObject({ code: 'busy' });
      expect(await broker.ask(here, 'at once', WITHIN_MS)).toBe('quick');
      await expect.poll(() => held.size).toBe(3);
      for (const question of ['c', 'a', 'b']) held.get(question)!(`about ${question}`);
      expect(await Promise.all(slow)).toEqual(['about a', 'about b', 'about c']);
    });

    it('lets nobody wait for ever', async () => {
      let answer: ((answer: string) => void) | null = null;
      await two.one.broker.listen(here, () => new Promise((resolve) => (answer = resolve)));
      const asked = expect(two.other.broker.ask(here, 'well?', WITHIN_MS)).rejects.toMatchObject({ code: 'busy' });
      await expect.poll(() => answer).not.toBeNull();
      await two.pass(WITHIN_MS);
      await asked;
      answer!('too late');
      answer = null;
      const again = two.other.broker.ask(here, 'and now?', WITHIN_MS);
      await expect.poll(() => answer).not.toBeNull();
      answer!('in time');
      expect(await again).toBe('in time');
    });

    test.each([
      ['tell', () => two.other.broker.tell(here, 'x'.repeat(MAX_BROKERED_BYTES + 1))],
      ['ask', () => two.other.broker.ask(here, '€'.repeat(MAX_BROKERED_BYTES / 2), WITHIN_MS)],
    ])('refuses to %s what is too long, and takes what is just not', async (_, say) => {
      const sizes: number[] = [];
      await two.one.broker.listen(here, (message) => `${sizes.push(message.length)}`);
      await expect(say()).rejects.toMatchObject({ code: 'message_too_large' });
      expect(await two.other.broker.ask(here, 'x'.repeat(MAX_BROKERED_BYTES), WITHIN_MS)).toBe('1');
      expect(sizes).toEqual([MAX_BROKERED_BYTES]);
    });

    it('has one listener busy with so many, and refuses more until some are answered', async () => {
      const held: ((answer: string) => void)[] = [];
      await two.one.broker.listen(here, () => new Promise((resolve) => held.push(resolve)));
      const { broker } = two.other;
      const asked = Array.from({ length: MAX_IN_HAND }, () => broker.ask(here, 'work', WITHIN_MS));
      await expect.poll(() => held.length).toBe(MAX_IN_HAND);
      await expect(broker.ask(here, 'one more', WITHIN_MS)).rejects.toMatchObject({ code: 'busy' });
      for (const answer of held.splice(0)) answer('done');
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['done']));
      const next = broker.ask(here, 'one more', WITHIN_MS);
      await expect.poll(() => held.length).toBe(1);
      held[0]!('done');
      expect(await next).toBe('done');
    });

    it('stops listening when its instance ends, and goes on for the others', async () => {
      await two.one.broker.listen(here, () => 'one');
      await two.other.broker.listen(`instance.${two.other.instance}`, () => 'other');
      await two.one.broker.close();
      await two.one.broker.close();
      expect(await two.other.broker.ask(here, 'there?', WITHIN_MS)).toBeNull();
      expect(await two.other.broker.ask(`instance.${two.other.instance}`, 'there?', WITHIN_MS)).toBe('other');
    });
  });
}
