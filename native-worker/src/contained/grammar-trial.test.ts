import { afterAll, describe, expect, it } from 'vitest';
import { ContainedFailure, ContainedProcess, type Failure } from './contained-process.ts';
import { GrammarTrial } from './grammar-trial.ts';

const never = new AbortController().signal;
/** llama.cpp counts down from -7, as it has no sign. */
const GROWS = 'root ::= [a-z]{9,2}';
/** The number of ways to read it doubles with each bracket. */
const DOUBLES = 'root ::= "[" root "]" | "[" root "]" | "1"';
/** On a busy computer llama.cpp takes its time to start. */
const STARTS_MS = 120_000;

describe('GrammarTrial', () => {
  const llama = new ContainedProcess('llama');
  afterAll(() => llama.close());

  it(
    'lets through what llama.cpp can enforce, and refuses what fills the memory or never ends, while this process continues',
    async () => {
      const trial = new GrammarTrial(llama);
      await trial.check('root ::= "a" | "b"', 'a', never);
      await expect(trial.check('root ::= nothing', '', never)).rejects.toMatchObject({ code: 'bad_schema' });
      await trial.check(DOUBLES, '[[1', never);
      let turns = 0;
      const turning = setInterval(() => (turns += 1), 20);
      await expect(trial.check(DOUBLES, '['.repeat(40), never)).rejects.toMatchObject({ code: 'bad_schema' });
      await expect(trial.check(GROWS, '', never)).rejects.toMatchObject({ code: 'bad_schema' });
      clearInterval(turning);
      expect(turns).toBeGreaterThan(3);
      const { pid } = llama;
      // The verdict is remembered: the process is not asked again.
      await expect(trial.check(GROWS, '', never)).rejects.toMatchObject({ code: 'bad_schema' });
      await trial.check('root ::= "a" | "b"', 'a', never);
      expect(llama.pid).toBe(pid);
    },
    STARTS_MS,
  );

  it.each<[Failure, string, number]>([
    ['too_much', 'bad_schema', 1],
    ['crashed', 'bad_schema', 1],
    ['too_long', 'busy', 2],
    ['not_started', 'busy', 2],
  ])('calls it %s: %s, and asks %j times when asked twice', async (why, code, times) => {
    let asked = 0;
    const trial = new GrammarTrial({
      run: async () => {
        asked += 1;
        throw new ContainedFailure(why);
      },
    });
    for (let i = 0; i < 2; i++) await expect(trial.check('root ::= "a"', '', never)).rejects.toMatchObject({ code });
    expect(asked).toBe(times);
  });

  it('tries a grammar once for all who ask for it at the same time, and each may leave', async () => {
    let asked = 0;
    let end: (texts: string[]) => void = () => {};
    const trial = new GrammarTrial({
      run: () => {
        asked += 1;
        return new Promise((resolve) => (end = resolve));
      },
    });
    const leaves = new AbortController();
    const [first, second] = [trial.check('root ::= "a"', '', leaves.signal), trial.check('root ::= "a"', '', never)];
    leaves.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    end([]);
    await second;
    expect(asked).toBe(1);
  });
});
