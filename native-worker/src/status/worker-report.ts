/** The status of the running worker, for its metrics and the commands that show it. */
import * as v from 'valibot';
import { MAX_KEPT } from '@llmesh/core/wire/candidate';
import { MAX_MODELS_PER_PEER } from '@llmesh/core/wire/control-protocol';
import { StandingSchema, type Standing } from '@llmesh/core/wire/audit-messages';
import { PlainAdvertSchema, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { contentId, count, positive, text } from '@llmesh/core/wire/fields';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { LifeState } from '@llmesh/core/control/node-life';
import type { KeptProof } from '@llmesh/core/receipts/receipt-keeper';
import type { SwarmFigures } from '@llmesh/core/models/swarm-port';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import { PAUSE_REASONS, type Pause } from '../lend/policy/lending-policy.ts';
import { SignedTokens } from '../node/signed-tokens.ts';

export const LIFE_WORDS: Record<LifeState, string> = {
  initializing: 'Starting',
  connecting: 'Connecting',
  connected: 'Connected',
  active: 'Ready to help',
  participating: 'Helping',
  validating: 'Checking an answer of another',
  voting: 'Voting',
  disconnected: 'Disconnected',
};

/** All models together have to fit into one line for other processes. */
const MAX_REASON_CHARS = 300;
const LIVES = Object.keys(LIFE_WORDS) as LifeState[];

const ReportModelSchema = v.object({
  ...v.pick(PlainAdvertSchema, ['id', 'name', 'quant', 'backend', 'contextTokens']).entries,
  /** Whether it is unloaded until somebody asks. */
  unloaded: v.boolean(),
});

const SeedingSchema = v.object({
  /** The content ids of models that others may have. */
  contents: v.array(contentId),
  sentToday: count,
  /** Since it began. */
  fromPeers: count,
  fromWeb: count,
  toPeers: count,
  /** A second, now. */
  inRate: positive,
  outRate: positive,
});

const KeepingSchema = v.object({
  /** The content ids of models that are here only because others need them. */
  contents: v.pipe(v.array(contentId), v.maxLength(MAX_KEPT)),
  roomBytes: count,
});

/** The status as it is told to other processes. */
export const ReportSchema = v.object({
  pid: count,
  /** Milliseconds since 1970. */
  startedAt: count,
  mesh: text(300),
  peerId: v.nullable(text(64)),
  name: v.nullable(text(64)),
  life: v.picklist(LIVES),
  pause: v.nullable(v.object({ why: v.picklist(PAUSE_REASONS), words: text(300) })),
  /** Empty until they are ready. */
  models: v.array(ReportModelSchema),
  slots: count,
  busySlots: count,
  queued: count,
  answers: count,
  tokens: count,
  /** Answers of others that were checked. */
  audits: count,
  /** How our own answers stand, with each model that the mesh has checked. */
  standings: v.array(v.omit(StandingSchema, ['type'])),
  /** The speed of all running answers together. */
  tokensPerSecond: positive,
  /** Tokens that others signed for: in receipts the mesh has taken since the worker began, and in those still to send. */
  signedTokens: count,
  unfiledTokens: count,
  /** What of its models comes from others and goes to them, in bytes; null: they are not shared. Older workers say nothing. */
  seeding: v.optional(v.nullable(SeedingSchema), null),
  /** What it keeps for others; null: nothing. Older workers say nothing. */
  keeping: v.optional(v.nullable(KeepingSchema), null),
});
export type Report = v.InferOutput<typeof ReportSchema>;

export class WorkerReport {
  onChange: (() => void) | null = null;
  #life: () => LifeState = () => 'initializing';
  #seeds: () => SwarmFigures | null = () => null;
  #keeps: () => Report['keeping'] = () => null;
  #report: Report;

  constructor(mesh: URL, nowMs: number) {
    const nothing = { slots: 0, busySlots: 0, queued: 0, answers: 0, tokens: 0, audits: 0, tokensPerSecond: 0 };
    const signed = { signedTokens: 0, unfiledTokens: 0 };
    const nobody = { peerId: null, name: null, models: [], standings: [], pause: null };
    const self = { pid: process.pid, startedAt: nowMs, mesh: mesh.origin };
    this.#report = { ...self, ...nobody, life: 'initializing', ...nothing, ...signed, seeding: null, keeping: null };
  }

  get now(): Report {
    return { ...this.#report, life: this.#life(), seeding: seedingOf(this.#seeds()), keeping: this.#keeps() };
  }

  /** What the swarm counts, which changes on its own. */
  set seeds(read: () => SwarmFigures | null) {
    this.#seeds = read;
  }

  /** What is kept for others, which changes on its own. */
  set keeps(read: () => Report['keeping']) {
    this.#keeps = read;
  }

  get isPaused(): boolean {
    return this.#report.pause !== null;
  }

  /** The life state of the node, which changes on its own. */
  set life(read: () => LifeState) {
    this.#life = read;
  }

  loaded({ id, name, quant, backend, contextTokens }: ModelAdvert, slots: number): void {
    const model = { id, name, quant, backend, contextTokens, unloaded: false };
    this.#set({ models: [...this.#report.models, model], slots: this.#report.slots + slots });
  }

  turnedModel(id: ModelId, loaded: boolean): void {
    const models = this.#report.models.map((model) => (model.id === id ? { ...model, unloaded: !loaded } : model));
    this.#set({ models });
  }

  known(peerId: string, name: string): void {
    this.#set({ peerId, name });
  }

  turned(pause: Pause | null): void {
    this.#set({ pause });
  }

  /** The mesh told how our answers with a model stand. */
  stands({ model, level, checked, agreed, reason }: Standing): void {
    const others = this.#report.standings.filter((one) => one.model !== model);
    const standing = { model, level, checked, agreed, reason: reason.slice(0, MAX_REASON_CHARS) };
    this.#set({ standings: [...others, standing].slice(-MAX_MODELS_PER_PEER) });
  }

  status({ slots, busySlots, queued, answers, audits, tokens, tokensPerSecond }: WorkerStatus): void {
    const speed = Math.round(tokensPerSecond * 10) / 10;
    this.#set({ slots, busySlots, queued, answers, audits, tokens, tokensPerSecond: speed });
  }

  /** The filer of receipts reports this peer's numbers here. */
  signedBy(self: PeerId): (taken: KeptProof | null, waiting: Iterable<KeptProof>) => void {
    const signed = new SignedTokens(self);
    return (taken, waiting) => {
      signed.changed(taken, waiting);
      this.#set({ signedTokens: signed.taken, unfiledTokens: signed.waiting });
    };
  }

  #set(change: Partial<Report>): void {
    this.#report = { ...this.#report, ...change };
    this.onChange?.();
  }
}

function seedingOf(figures: SwarmFigures | null): Report['seeding'] {
  if (figures === null) return null;
  const { totals, seeded, sentToday, fromPeers, fromWeb, toPeers } = figures;
  return {
    contents: seeded.slice(0, MAX_MODELS_PER_PEER),
    sentToday,
    fromPeers: totals.fromPeers,
    fromWeb: totals.fromWeb,
    toPeers: totals.toPeers,
    inRate: Math.round(fromPeers + fromWeb),
    outRate: Math.round(toPeers),
  };
}
