/**
 * A kind of task that core knows nothing of: it is all in this file, and goes the whole way of the others. Real peers over
 * links of memory; the control plane is scripted.
 */
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { untilAborted } from '../base/abort.ts';
import { MeshError } from '../base/errors.ts';
import type { ModelId } from '../base/ids.ts';
import { joinReceipt } from '../receipts/receipt.ts';
import { fromBase32 } from '../base/base32.ts';
import type { Mesh } from '../mesh.ts';
import type { RunEvent } from '../ask/running.ts';
import { taskKindSuite } from '../suites/task-kind.ts';
import { never, World } from '../testing/mesh-world.ts';
import { advert } from '../testing/scripted-server.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { TaskKind } from './task-kind.ts';

interface EchoInput {
  words: string[];
}
interface EchoPiece {
  word: string;
}
interface EchoResult {
  shouted: boolean;
}

/** Does the work: words come back in capitals. Fails after so many, where it is told to. */
class Parrot {
  readonly said: string[] = [];
  failAfter = Infinity;
  hold: Promise<void> | null = null;
  say(word: string): string {
    if (this.said.length >= this.failAfter) throw new MeshError('engine_failed', 'The parrot is asleep.');
    this.said.push(word);
    return word.toUpperCase();
  }
}

const short = v.pipe(v.string(), v.maxLength(64));
const echo: TaskKind<EchoInput, EchoPiece, EchoResult, null> = {
  name: 'echo',
  offeredAs: 'echo',
  input: v.object({ words: v.pipe(v.array(short), v.maxLength(64)) }),
  piece: v.object({ word: short }),
  result: v.object({ shouted: v.boolean() }),
  fault: ({ words }) => (words.length > 0 ? null : new MeshError('empty_prompt', 'There is nothing to repeat.')),
  needs: () => ({}),
  complexity: ({ words }) => (words.some((word) => word.length > 32) ? 2_000 : 1_000),
  maxInputUnits: ({ words }) => words.length,
  bytesToRead: () => 0,
  risk: () => null,
  prepare: () => null,
  run(engine, { input: { words }, maxUnits }, signal) {
    if (!(engine instanceof Parrot)) throw new MeshError('unsupported', 'This is not a parrot.');
    return (async function* () {
      const some = words.slice(0, maxUnits);
      for (const word of some) {
        await untilAborted(engine.hold ?? Promise.resolve(), signal);
        yield { piece: { word: engine.say(word) }, units: 1 };
      }
      return { result: { shouted: true }, inputUnits: words.length, units: some.length };
    })();
  },
  check({ words }) {
    let at = 0;
    return {
      piece({ piece: { word }, units }) {
        if (units !== 1 || word !== words[at++]?.toUpperCase()) {
          throw new MeshError('bad_message', 'That is not what was said.');
        }
      },
      end() {
        if (at < words.length) throw new MeshError('bad_message', 'Some of it is missing.');
      },
    };
  },
  rest: ({ words }, come) => ({ words: words.slice(come.length) }),
  lighter: () => null,
};

const PARROT = 'parrot' as ModelId;
const offered: ModelAdvert = { ...advert, task: 'echo', id: PARROT, name: 'Parrot', format: 'none' };
const words = ['one', 'two', 'three', 'four'];

taskKindSuite('echo, made outside of core', {
  kind: echo,
  engine: () => new Parrot(),
  offered,
  input: { words },
  maxUnits: 4,
  faulty: [{ words: [] }],
  lies: [{ word: 'ONE!' }],
});

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

type Event = RunEvent<EchoPiece, EchoResult>;

function ask(user: Mesh, kind = echo) {
  const outcome = { events: [] as Event[], said: '', error: null as MeshError | null };
  const request = { model: PARROT, input: { words }, maxUnits: words.length, only: null };
  void (async () => {
    try {
      for await (const event of user.run(kind, request, never)) {
        outcome.events.push(event);
        if (event.type === 'restarted') outcome.said = '';
        if (event.type === 'piece') outcome.said += `${event.piece.word} `;
      }
    } catch (thrown) {
      outcome.error = thrown as MeshError;
    }
  })();
  return outcome;
}

const lend = (w: World, parrot: Parrot) => w.provide(parrot, 1, null, offered, undefined, [echo]);

describe('a task of a kind from outside', () => {
  it('is leased by its kind, done, and receipted by both ends in its units', async () => {
    const w = world.current;
    const { mesh, statuses } = await lend(w, new Parrot());
    const outcome = ask(await w.join());
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ said: 'ONE TWO THREE FOUR ', error: null });
    const bill = { units: 4, price: 0, cost: 0 };
    const done = { type: 'done', result: { shouted: true }, inputUnits: 4 };
    expect(outcome.events.at(-1)).toMatchObject({ ...done, bill });
    const [filed] = w.server.filed;
    if (filed?.filing.proof.kind !== 'receipt') throw new Error('no receipt');
    const { provider, requester } = filed.filing.proof;
    expect(joinReceipt(fromBase32(provider)!, fromBase32(requester)!)).toMatchObject({
      provider: mesh.self,
      task: 'echo',
      model: PARROT,
      units: 4,
      inputUnits: 4,
    });
    expect(statuses.at(-1)).toMatchObject({ answers: 1, busySlots: 0 });
  });

  it('outlives its provider: the next one is asked for the rest alone', async () => {
    const w = world.current;
    const [first, second] = [new Parrot(), new Parrot()];
    first.failAfter = 2;
    await lend(w, first);
    await lend(w, second);
    const outcome = ask(await w.join());
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ said: 'ONE TWO THREE FOUR ', error: null });
    expect([first.said, second.said]).toEqual([
      ['one', 'two'],
      ['three', 'four'],
    ]);
  });

  it('begins again where its kind cannot be continued, and says so', async () => {
    const w = world.current;
    const [first, second] = [new Parrot(), new Parrot()];
    first.failAfter = 2;
    await lend(w, first);
    await lend(w, second);
    const outcome = ask(await w.join(), { ...echo, rest: () => null });
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ said: 'ONE TWO THREE FOUR ', error: null });
    expect(outcome.events.map(({ type }) => type)).toContain('restarted');
    expect(second.said).toEqual(words);
  });

  it('is refused by whoever does not know its kind, and by who lends something else under its name', async () => {
    const w = world.current;
    await w.provide(new Parrot(), 1, null, offered);
    const outcome = ask(await w.join());
    await w.clock.advance(1_000);
    expect(outcome.error).toMatchObject({ code: 'unsupported' });
    const alone = new World();
    await alone.provide(new Parrot(), 1, null, { ...offered, task: 'chat' }, undefined, [echo]);
    const other = ask(await alone.join());
    await alone.clock.advance(1_000);
    expect(other.error).toMatchObject({ code: 'no_provider' });
    await Promise.all(alone.meshes.map((mesh) => mesh.close()));
  });

  it('is not taken from a provider that makes it up', async () => {
    const w = world.current;
    const liar = new Parrot();
    liar.say = () => 'NEVERMORE';
    await lend(w, liar);
    const outcome = ask(await w.join());
    await w.clock.advance(1_000);
    expect(outcome.error).toMatchObject({ code: 'bad_message' });
  });
});
