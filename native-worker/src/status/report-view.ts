/** The status of a worker, for a person at a terminal. Pure. */
import { megabytes } from '../cli/output.ts';
import { oneLine } from '../cli/terminal-text.ts';
import { LIFE_WORDS, type Report } from './worker-report.ts';

const BAR = 24;

/** Lines of at most `columns` characters. */
export function reportLines(report: Report, nowMs: number, columns: number): string[] {
  const { models, pause, life, slots, busySlots, queued, answers, tokens, tokensPerSecond } = report;
  const { signedTokens, unfiledTokens, audits, standings } = report;
  const lines = [
    `${report.name ?? 'This computer'} on ${report.mesh}, for ${duration(nowMs - report.startedAt)}`,
    pause === null ? LIFE_WORDS[life] : `Paused. ${pause.words}`,
    ...(models.length === 0 ? ['The model is getting ready.'] : models.map(modelLine)),
    `Slots    ${bar(busySlots, slots)} ${busySlots} of ${slots} answering, ${queued} waiting`,
    `Speed    ${tokensPerSecond.toFixed(1)} tokens a second`,
    `So far   ${answers} ${answers === 1 ? 'answer' : 'answers'}, ${tokens} tokens`,
    `Receipts ${signedTokens} tokens signed for${unfiledTokens === 0 ? '' : `, ${unfiledTokens} more not yet handed in`}`,
    `Audits   ${audits} ${audits === 1 ? 'answer' : 'answers'} of others checked`,
    ...seedingLines(report.seeding),
    ...keepingLines(report.keeping),
    ...standings.flatMap(standingLines),
  ];
  return lines.map((line) => cut(oneLine(line), columns));
}

/** The status in one line. */
export function reportSentence({ life, pause, slots, busySlots, answers }: Report): string {
  const sentence = `This computer: ${LIFE_WORDS[life]}, ${busySlots} of ${slots} slots busy, ${answers} answers so far.`;
  return oneLine(pause === null ? sentence : `${sentence} Paused. ${pause.words}`);
}

export function duration(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function modelLine({ id, name, quant, backend, contextTokens, unloaded }: Report['models'][number]): string {
  const where = unloaded ? 'not in memory until somebody asks' : `on ${backend}, ${contextTokens} tokens of context`;
  return `${name} ${quant} (${id}) ${where}`;
}

function seedingLines(seeding: Report['seeding']): string[] {
  if (seeding === null) return [];
  const { contents, sentToday, outRate, fromPeers, fromWeb } = seeding;
  const given = `${contents.length === 1 ? '1 model' : `${contents.length} models`} others may download`;
  const came =
    fromPeers + fromWeb === 0 ? '' : ` · ${megabytes(fromPeers)} came from peers, ${megabytes(fromWeb)} from the web`;
  return [`Files    ${given}, ${megabytes(sentToday)} given today, ${megabytes(outRate)} a second now${came}`];
}

function keepingLines(keeping: Report['keeping']): string[] {
  if (keeping === null) return [];
  const { contents, roomBytes } = keeping;
  const kept = contents.length === 0 ? 'nothing yet' : contents.length === 1 ? '1 model' : `${contents.length} models`;
  return [`Keeping  ${kept} that others need, in at most ${megabytes(roomBytes)}`];
}

function standingLines({ model, level, checked, agreed, reason }: Report['standings'][number]): string[] {
  const own = checked === agreed ? `${checked} checked, all agree` : `${checked} checked, ${agreed} agree`;
  return [
    `Answers  ${model}: ${own}${level === 'good' ? '' : ` · ${level}`}`,
    ...(reason === '' ? [] : [`         ${reason}`]),
  ];
}

function bar(busy: number, slots: number): string {
  const filled = slots === 0 ? 0 : Math.min(BAR, Math.round((busy / slots) * BAR));
  return '█'.repeat(filled).padEnd(BAR, '░');
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
