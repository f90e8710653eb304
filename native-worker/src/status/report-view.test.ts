import { expect, it } from 'vitest';
import type { ContentId, ModelId } from '@llmesh/core/base/ids';
import { duration, reportLines, reportSentence } from './report-view.ts';
import type { Report } from './worker-report.ts';

const report: Report = {
  pid: 1,
  startedAt: 0,
  mesh: 'http://mesh:7070',
  peerId: 'p',
  name: 'kind-weasel',
  life: 'participating',
  pause: null,
  models: [{ id: 'm' as ModelId, name: 'M', quant: 'q8', backend: 'cpu', contextTokens: 2048, unloaded: false }],
  slots: 4,
  busySlots: 1,
  queued: 2,
  answers: 1,
  tokens: 900,
  tokensPerSecond: 12.3,
  signedTokens: 850,
  unfiledTokens: 0,
  audits: 2,
  standings: [
    { model: 'm' as ModelId, level: 'suspected', checked: 9, agreed: 5, reason: 'Four answers are not of M.' },
  ],
  seeding: null,
  keeping: null,
};

it('says in a few lines how a worker stands', () => {
  expect(reportLines(report, 3_900_000, 100)).toEqual([
    'kind-weasel on http://mesh:7070, for 1 h 5 min',
    'Helping',
    'M q8 (m) on cpu, 2048 tokens of context',
    'Slots    ██████░░░░░░░░░░░░░░░░░░ 1 of 4 answering, 2 waiting',
    'Speed    12.3 tokens a second',
    'So far   1 answer, 900 tokens',
    'Receipts 850 tokens signed for',
    'Audits   2 answers of others checked',
    'Answers  m: 9 checked, 5 agree · suspected',
    '         Four answers are not of M.',
  ]);
  expect(reportLines({ ...report, unfiledTokens: 50 }, 0, 100)).toContain(
    'Receipts 850 tokens signed for, 50 more not yet handed in',
  );
});

it('says why it does not lend, and what it waits for', () => {
  const pause = { why: 'battery' as const, words: 'This computer runs on its battery.' };
  expect(reportLines({ ...report, life: 'connected', pause }, 0, 100)[1]).toBe(
    'Paused. This computer runs on its battery.',
  );
  expect(reportSentence({ ...report, pause })).toContain('Paused. This computer runs on its battery.');
  const loading = reportLines({ ...report, models: [], name: null, slots: 0, busySlots: 0 }, 0, 100);
  expect(loading[0]).toContain('This computer on');
  expect(loading[2]).toBe('The model is getting ready.');
});

it('stays within the screen, and lets no model write on it', () => {
  const models = report.models.map((model) => ({ ...model, name: 'A\u001b[2J\nB' }));
  const lines = reportLines({ ...report, models }, 0, 20);
  expect(lines.every((line) => line.length <= 20)).toBe(true);
  expect(lines[2]).toBe('A[2J B q8 (m) on cp…');
});

it('says which models are out of memory', () => {
  const models = [...report.models, { ...report.models[0]!, id: 'n' as ModelId, unloaded: true }];
  expect(reportLines({ ...report, models }, 0, 100).slice(2, 4)).toEqual([
    'M q8 (m) on cpu, 2048 tokens of context',
    'M q8 (n) not in memory until somebody asks',
  ]);
});

it('says how long', () => {
  expect([-1, 59_999, 3_540_000, 3_600_000, 172_800_000].map(duration)).toEqual([
    ...['0 min', '0 min', '59 min', '1 h 0 min', '2 days'],
  ]);
});

it('says what of the models others may have, and what came from them', () => {
  const contents = ['a', 'b'].map((digit) => digit.repeat(64) as ContentId);
  const seeding = {
    contents: contents.slice(1),
    sentToday: 3e6,
    fromPeers: 0,
    fromWeb: 0,
    toPeers: 2e6,
    inRate: 0,
    outRate: 5e5,
  };
  expect(reportLines({ ...report, seeding }, 0, 200)).toContain(
    'Files    1 model others may download, 3.0 MB given today, 0.5 MB a second now',
  );
  const fetched = { ...seeding, contents, fromPeers: 4e8, fromWeb: 9e6 };
  expect(reportLines({ ...report, seeding: fetched }, 0, 200)).toContain(
    'Files    2 models others may download, 3.0 MB given today, 0.5 MB a second now · 400 MB came from peers, 9.0 MB from the web',
  );
});

it('says what is kept for others, and in how much room', () => {
  const keeping = (contents: string[]) => ({ contents: contents as ContentId[], roomBytes: 5_000_000_000 });
  const lines = (contents: string[]) => reportLines({ ...report, keeping: keeping(contents) }, 0, 200);
  expect(lines([])).toContain('Keeping  nothing yet that others need, in at most 5.0 GB');
  expect(lines(['ab'.repeat(32)])).toContain('Keeping  1 model that others need, in at most 5.0 GB');
});
