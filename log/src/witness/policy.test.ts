import { describe, expect, it } from 'vitest';
import { signWith } from '../base/ed25519.ts';
import { LogError } from '../base/log-error.ts';
import { utf8 } from '../base/text.ts';
import { noteKey, writeKey, type KeyType } from '../note/key.ts';
import { judge } from './judge.ts';
import { isQuorum, MAX_POLICY_BYTES, readPolicy } from './policy.ts';
import * as vector from '../testing/vectors.ts';

const keyOf = (name: string, seed: number, type: KeyType = 'cosignature') =>
  writeKey(noteKey(name, type, signWith(new Uint8Array(32).fill(seed)).publicKey));
const LOG = keyOf('example.com/log', 99, 'note');

/** C2SP tlog-policy, "Example policy", with keys. */
const EXAMPLE = `log ${LOG}

witness X1 ${keyOf('x1', 1)}
witness X2 ${keyOf('x2', 2)}
witness X3 ${keyOf('x3', 3)}
group X-witnesses 2 X1 X2 X3

witness Y1 ${keyOf('y1', 4)}
witness Y2 ${keyOf('y2', 5)}
witness Y3 ${keyOf('y3', 6)}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;
const read = (text: string) => readPolicy(utf8(text));

describe('a policy', () => {
  it.each([
    ['X1 X2 Y1', true],
    ['X1 X2 X3 Y1 Y2 Y3', true],
    ['X1 X3 Y3', true],
    ['X1 Y1 Y2 Y3', false],
    ['X1 X2 X3', false],
    ['', false],
  ])("of the specification's example, with %s: %s", (names, enough) => {
    const policy = read(EXAMPLE);
    const signed = new Set(policy.witnesses.filter(({ name }) => names.split(' ').includes(name)));
    expect(isQuorum(policy.quorum, signed)).toBe(enough);
  });

  it('may ask for one witness, or for none', () => {
    expect(isQuorum(read('quorum none\n').quorum, new Set())).toBe(true);
    const policy = read(`witness w ${keyOf('w', 1)} https://w.example/\nquorum w\n`);
    expect(policy.witnesses[0]).toMatchObject({ url: 'https://w.example/' });
    expect(isQuorum(policy.quorum, new Set())).toBe(false);
    expect(isQuorum(policy.quorum, new Set(policy.witnesses))).toBe(true);
  });

  it('may have comments, spaces, tabs, and names in any script or encoding', () => {
    const policy = read(`\n  # é\n\t witness \t été   ${keyOf('w', 1)}  \n\tquorum été`);
    expect(policy.witnesses[0]?.name).toBe('été');
    // What looks alike is another name: K, and the Kelvin sign.
    expect(() => read(`witness K ${keyOf('w', 1)}\nquorum \u212a\n`)).toThrow(LogError);
  });

  const w = (name: string, seed: number) => `witness ${name} ${keyOf(name, seed)}\n`;
  it.each([
    ['no quorum', w('a', 1)],
    ['an empty file', ''],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['an unknown quorum', 'quorum unknown\n'],
    ['a quorum before its witness', `quorum a\n${w('a', 1)}`],
    ['a name twice', `${w('a', 1)}${w('a', 2)}quorum a\n`],
    ['a group with the name of a witness', `${w('a', 1)}group a 1 a\nquorum a\n`],
    ['a key twice under two names', `witness a ${keyOf('a', 1)}\nwitness b ${keyOf('b', 1)}\nquorum none\n`],
    ['a log twice', `log ${LOG}\nlog ${keyOf('example.com/other', 99, 'note')}\nquorum none\n`],
    ['a member twice', `${w('a', 1)}group g 1 a a\nquorum g\n`],
    ['a member of two groups', `${w('a', 1)}group g 1 a\ngroup h 1 a\nquorum h\n`],
    ['a group that has itself', `${w('a', 1)}group g any a g\nquorum g\n`],
    ['a group without members', 'group g any\nquorum g\n'],
    ['none as a member', 'group g any none\nquorum g\n'],
    ['none as a name', w('none', 1) + 'quorum none\n'],
    ['a threshold of zero', `${w('a', 1)}group g 0 a\nquorum g\n`],
    ['a threshold above all', `${w('a', 1)}group g 2 a\nquorum g\n`],
    ['a negative threshold', `${w('a', 1)}group g -1 a\nquorum g\n`],
    ['a threshold with a sign', `${w('a', 1)}group g +1 a\nquorum g\n`],
    ['a threshold with a zero before it', `${w('a', 1)}group g 01 a\nquorum g\n`],
    ['a witness that signs any note', `witness a ${keyOf('a', 1, 'note')}\nquorum a\n`],
    ['a key that is none', 'witness a a+00000000+AAAA\nquorum a\n'],
    ['an unknown word', 'witnes a b\nquorum none\n'],
    ['a comment after something', 'quorum none # why\n'],
    ['a carriage return', 'quorum none\r\n'],
    ['a form feed', '\fquorum none\n'],
    ['a delete character', 'quorum none\u007f\n'],
    ['a space of another kind', 'quorum\u00a0none\n'],
    ['too many witnesses', `${Array.from({ length: 65 }, (_, i) => w(`w${i}`, i)).join('')}quorum none\n`],
    ['too many bytes', `${'#'.repeat(MAX_POLICY_BYTES)}\nquorum none\n`],
  ])('is refused with %s', (_, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'bad_policy' }));
  });

  it('says which line is wrong', () => {
    expect(() => read('# one\n\nquorum x\n')).toThrow(/^Line 3 of the policy: /);
  });

  it('may have 32 of each, however deep', () => {
    const names = Array.from({ length: 32 }, (_, i) => `w${i}`);
    const groups = names.map((name, i) => `group g${i} all ${name}${i > 0 ? ` g${i - 1}` : ''}\n`);
    const policy = read(`${names.map((name, i) => w(name, i)).join('')}${groups.join('')}quorum g31\n`);
    expect(isQuorum(policy.quorum, new Set(policy.witnesses))).toBe(true);
    expect(isQuorum(policy.quorum, new Set(policy.witnesses.slice(1)))).toBe(false);
  });
});

describe('what a policy makes of a checkpoint', () => {
  const policy = (rest: string) => read(`log ${vector.CT_KEY}\nwitness remora ${vector.WITNESS_KEY}\n${rest}`);

  it('is the same for one of a running log with witnesses that are at work', () => {
    const judged = judge(policy('quorum remora\n'), utf8(vector.CT_NOTE));
    expect(judged.checkpoint).toMatchObject({ size: 1_432_088_532 });
    expect(judged.witnesses).toMatchObject([{ witness: { name: 'remora' }, timeS: 0x6a122120 }]);
    expect(judged.final).toBe(true);
    const more = policy(`witness b ${keyOf('b', 1)}\ngroup both all remora b\nquorum both\n`);
    expect(judge(more, utf8(vector.CT_NOTE)).final).toBe(false);
  });

  it('is nothing without the log', () => {
    const code = (text: string, rest = 'quorum none\n') => {
      try {
        judge(policy(rest), utf8(text));
        return null;
      } catch (error) {
        return error instanceof LogError ? error.code : error;
      }
    };
    const lines = vector.CT_NOTE.split('\n');
    expect(code(vector.CT_NOTE)).toBeNull();
    // The log's own line is the sixth. A witness alone is no log.
    expect(code(lines.toSpliced(5, 1).join('\n'))).toBe('unsigned');
    expect(code(vector.CT_NOTE.replace('1432088532', '1432088533'))).toBe('unsigned');
    // One wrong signature by a known key spoils the note.
    expect(code(vector.CT_NOTE.replace('DrAWfBw==', 'DrAWfBQ=='))).toBe('unsigned');
    // A key does not speak for a log with another name.
    expect(code(vector.SUMDB_NOTE, `log ${vector.SUMDB_KEY}\nquorum none\n`)).toBe('unsigned');
    expect(code(vector.SPEC_NOTE)).toBe('malformed');
    expect(code('')).toBe('malformed');
  });
});
