/** Offers loaded models while their owner can spare the computer, and says what happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { onAbort } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import type { MeshError } from '@llmesh/core/base/errors';
import type { Offers } from '@llmesh/core/wire/control-protocol';
import type { Standing } from '@llmesh/core/wire/audit-messages';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { Identity } from '@llmesh/core/identity/identity';
import { peerName } from '@llmesh/core/identity/names';
import { lifeOf, type LifeFacts, type LifeState } from '@llmesh/core/control/node-life';
import type { When } from '@llmesh/core/policy/lending-hours';
import { DEFAULT_CALM_MS, LendingPolicy, type Pause } from './policy/lending-policy.ts';
import { Lending } from './lending.ts';
import { askShadows } from './ask-shadows.ts';
import { realCpuTimes } from '../sensors/cpu-load.ts';
import { runCommand } from '../sensors/machine-command.ts';
import { MachineFiles } from '../sensors/machine-files.ts';
import { MachineSensors } from '../sensors/machine-sensors.ts';
import type { LentModel } from './lent-model.ts';
import { LoadAhead } from './load-ahead.ts';
import { readyOnMesh } from '../node/mesh-connection.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { Output } from '../cli/output.ts';
import { LIFE_WORDS, type Report, type WorkerReport } from '../status/worker-report.ts';

/** The last words to the requesters get this long before their links are cut. */
const FLUSH_MS = 150;

export interface GuestOptions {
  mesh: URL;
  when?: When;
  onBattery?: boolean;
  /** How many quiet seconds come before a return. */
  calm?: number;
  /** The most tokens a second of each answer. */
  maxSpeed?: number;
}

export interface LentHow {
  /** At least one. */
  models: readonly LentModel[];
  /** Whether the identity outlives the process. */
  lasting: boolean;
  /** That of the node. */
  identity: Identity;
  hung: () => void;
  report: WorkerReport;
}

/** The words of a server for the owner, each told once. */
const MAX_REFUSALS = 16;

/** Lends until `signal` aborts. When it resolves the requesters have been told, and the engine is at rest. */
export async function lendModels(
  node: OpenPeer,
  { models, lasting, identity, hung, report }: LentHow,
  { mesh, maxSpeed, ...guest }: GuestOptions,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const name = peerName(node.mesh.self);
  let ready = false;
  let working = 0;
  let busySlots = 0;
  let auditing = false;
  const adverts = models.map(({ advert }) => advert);
  const [first] = adverts;
  if (first === undefined) return;
  const names = adverts.map((advert) => advert.name).join(', ');
  const sayWaiting = (reason: string) => {
    const message = `${names} is loaded, and waits for the mesh at ${mesh.origin}. ${reason}`;
    if (output.json) output.print('', { waiting: { mesh: mesh.origin, message } });
    else output.note(message);
  };
  const sayReady = () => {
    output.print(`Serving ${names} on ${mesh.origin} as ${name}. Ctrl-C stops.`, {
      ready: true,
      peerId: node.mesh.self,
      name,
      identity: lasting ? 'lasting' : 'temporary',
      mesh: mesh.origin,
      model: first.id,
      models: adverts.map(({ id }) => id),
      adapters: adverts.flatMap(({ id, adapters = [] }) => adapters.map((one) => ({ ...one, model: id }))),
      backend: first.backend,
      contextTokens: first.contextTokens,
      slots: models.reduce((sum, { slots }) => sum + slots, 0),
      tokensPerSecond: first.tokensPerSecond,
    });
  };
  let onOffered = () => {};
  const offered = new Promise<void>((resolve) => {
    onOffered = resolve;
  });
  const tell = () => printReport(report.now, output);
  const lending: Lending = new Lending({
    provide: (onStatus) =>
      node.mesh.provide({
        models: [...models],
        maxTokensPerSecond: maxSpeed ?? null,
        onOffered,
        onStatus,
        onFailure: (error) => output.error(error),
        onHang: hung,
      }),
    ...guestOf(guest),
    clock: realClock,
    now: Date.now,
    turned: (pause) => {
      report.turned(pause);
      if (ready || pause !== null) sayTurned(pause, output);
      tell();
      if (ready || pause !== null) return;
      ready = true;
      const listed = ({ models: offers }: Offers) => offers.some(({ id }) => id === first.id);
      void readyOnMesh({ node, listed, offered, waits: sayWaiting }, signal).then(() => {
        if (!signal.aborted) sayReady();
      });
    },
    onStatus: (status) => {
      ({ busySlots, auditing } = status);
      working = busySlots + status.queued;
      report.status(status);
      tell();
    },
  });
  const ahead = new LoadAhead({
    models,
    clock: realClock,
    mayLoad: () => lending.lent,
    loading: (expected) => sayExpected(expected, output),
    failed: (error) => output.error(error),
  });
  const refusals = new Set<string>();
  const refused = (error: MeshError) => {
    // Adverts are sent again with each change, and after each new connection.
    if (refusals.size < MAX_REFUSALS && refusals.size !== refusals.add(error.message).size) output.error(error);
  };
  report.known(node.mesh.self, name);
  report.life = () => lifeOfNode(node, { busySlots, auditing, ready: lending.lent });
  const stops = [
    node.control.on('state', tell),
    node.control.on('standing', (standing) => stands(standing, report, output)),
    node.control.on('expect', (offer) => ahead.expect(offer)),
    node.control.on('refused', refused),
  ];
  const isIdle = () => working === 0 && lending.lent;
  const shadows = askShadows(models, { mesh, identity, control: node.control, isIdle }, output, signal);
  let workingAtTheEnd = 0;
  onAbort(signal, () => (workingAtTheEnd = working));
  try {
    await lending.run(signal);
  } finally {
    for (const stop of stops) stop();
    await shadows;
  }
  if (workingAtTheEnd > 0) await delay(FLUSH_MS);
}

function guestOf({ when = 'always', onBattery = false, calm }: Pick<GuestOptions, 'when' | 'onBattery' | 'calm'>) {
  const machine = new MachineSensors({
    platform: process.platform,
    watchesOwner: when === 'idle',
    // Tests make a real worker look at files of their own.
    files: new MachineFiles(process.env['LLMESH_MACHINE_ROOT'] || '/'),
    run: runCommand,
    cpuTimes: realCpuTimes,
    nowMs: () => realClock.now(),
    dateMs: Date.now,
  });
  const calmMs = calm === undefined ? DEFAULT_CALM_MS : calm * 1000;
  return {
    look: (signal: AbortSignal) => machine.look(signal),
    policy: new LendingPolicy({ when, onBattery, calmMs }),
  };
}

function lifeOfNode({ control }: OpenPeer, now: Pick<LifeFacts, 'busySlots' | 'auditing' | 'ready'>): LifeState {
  const wasConnected = control.issuer !== null;
  return lifeOf({ ...now, control: control.state, wasConnected, voting: control.isVoting });
}

function stands(standing: Standing, report: WorkerReport, output: Output): void {
  const { model, level, checked, agreed, reason } = standing;
  report.stands(standing);
  if (output.json) output.print('', { standing: { model, level, checked, agreed, reason } });
  else if (reason !== '') output.note(`${model}: ${reason}`);
}

function sayTurned(pause: Pause | null, output: Output): void {
  if (output.json) output.print('', { paused: pause === null ? null : { why: pause.why, message: pause.words } });
  else output.note(pause === null ? 'Lending again.' : `Paused. ${pause.words}`);
}

function sayExpected({ id, name }: ModelAdvert, output: Output): void {
  if (output.json) output.print('', { model: id, expected: true });
  else output.note(`The mesh expects questions for ${name}: it is loaded ahead.`);
}

function printReport(report: Report, output: Output): void {
  const { life, pause, slots, busySlots, queued, answers, audits, tokens, tokensPerSecond } = report;
  const status = { life, slots, busySlots, queued, answers, audits, tokens, tokensPerSecond };
  output.detail('status', status);
  if (output.json) output.print('', { status });
  else {
    const doing = pause === null ? LIFE_WORDS[life] : 'Paused';
    output.live(
      `${doing} · ${busySlots} of ${slots} answering, ${queued} waiting · ${tokensPerSecond} tokens a second · ${answers} answers so far`,
    );
  }
}
