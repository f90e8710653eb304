/** `llmesh witness`: signs what a mesh's log says, each time only if it continues what was signed before. Until Ctrl-C. */
import path from 'node:path';
import { realClock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { LogWitness } from '@llmesh/core/control/log-witness';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { noteName } from '@llmesh/core/identity/note-name';
import { openControl } from '@llmesh/core/open-control';
import { noteKey, writeKey } from '@llmesh/log/note/key';
import type { Policy } from '@llmesh/log/witness/policy';
import { Witness, type WitnessAnswer } from '@llmesh/log/witness/witness';
import { EXIT_REFUSED } from '../../cli/reporting.ts';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { evidenceFolder, keepEvidence } from '../../log/evidence.ts';
import { meshPlace } from '../../log/log-place.ts';
import { givenPolicy, toldPolicy } from '../../log/policy-source.ts';
import { WitnessFile } from '../../log/witness-file.ts';
import { serveWitness } from '../../log/witness-server.ts';
import { openIdentity, type OpenIdentity } from '../../node/identity-file.ts';
import { watchConnection } from '../../node/mesh-connection.ts';
import { nodeHost } from '../../node/mesh-node.ts';

const EXIT_FAILED = 1;
const EXIT_PORT = 3;

export interface WitnessCommandOptions {
  readonly mesh: URL;
  /** Where logs reach us by HTTP; left out: over our connection to the mesh. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Whose logs are signed; left out: that of the mesh. */
  readonly policy?: string;
  readonly data?: string;
}

/** Exit code of the process: 0 when it was stopped, 1 when it failed, 3 when the port is in use, 78 when the mesh refuses it. */
export async function runWitness(options: WitnessCommandOptions, output: Output, signal: AbortSignal): Promise<number> {
  let identity: OpenIdentity | null = null;
  try {
    const folder = path.join(dataFolder(options.data), 'witness');
    identity = await openIdentity(folder);
    if (identity.temporary !== null) {
      throw new MeshError(
        'identity_unusable',
        `A witness has to keep its key, and ${folder} cannot be had: does another witness run there? Choose another folder with --data.`,
      );
    }
    return await witnessing(identity, folder, options, output, signal);
  } catch (thrown) {
    const error = asMeshError(thrown, 'engine_failed', `The witness failed: ${String(thrown)}`);
    if (signal.aborted) return 0;
    output.error(error);
    return error.code === 'port_in_use' ? EXIT_PORT : EXIT_FAILED;
  } finally {
    await identity?.close();
  }
}

async function witnessing(
  { identity }: OpenIdentity,
  folder: string,
  options: WitnessCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { policy } = await policyFor(options, signal);
  const key = noteKey(noteName(identity.peerId), 'cosignature', identity.publicKey);
  const state = await WitnessFile.open(folder);
  const witness = new Witness({
    signers: [{ key, sign: (message) => identity.sign(message) }],
    keysOf: (origin) => policy.logs.filter((log) => log.key.name === origin).map((log) => log.key),
    state,
    nowS: () => Math.floor(Date.now() / 1_000),
    check: nodeVerify,
  });
  const add = async (request: Uint8Array): Promise<WitnessAnswer> => {
    const answer = await witness.addCheckpoint(request);
    if (answer.fork !== null) {
      const file = await keepEvidence(evidenceFolder(options.data), { ...answer.fork, from: 'the log itself' });
      output.note(
        `The log ${answer.fork.origin} has signed two different pasts. Both checkpoints are kept in ${file}.`,
      );
      if (output.json) output.print('', { fork: { ...answer.fork, file } });
    }
    return answer;
  };
  const failed = (error: unknown) =>
    output.error(asMeshError(error, 'storage_full', `Nothing can be signed right now: ${String(error)}`));
  const { listen } = options;
  const server =
    listen === undefined ? null : await serveWitness({ ...listen, vkey: writeKey(key), clock: realClock, add, failed });
  const url = server === null ? '' : ` ${server.url}`;
  output.print(`witness ${key.name.slice(-8)} ${writeKey(key)}${url}`, {
    ready: true,
    vkey: writeKey(key),
    url: server?.url ?? null,
  });
  output.note(`That line is for the policy of the mesh. Keep ${folder}: an older copy of it could sign a second past.`);
  try {
    if (server === null) return await overMesh(identity, policy, { state, add }, options, output, signal);
    await ended(signal);
    return 0;
  } finally {
    await server?.close();
  }
}

async function policyFor({ policy, mesh, data }: WitnessCommandOptions, signal: AbortSignal) {
  if (policy !== undefined) return givenPolicy(policy);
  return toldPolicy(meshPlace(mesh), path.join(dataFolder(data), 'verified'), signal, 'log');
}

interface Signing {
  readonly state: WitnessFile;
  readonly add: (request: Uint8Array) => Promise<WitnessAnswer>;
}

async function overMesh(
  identity: OpenIdentity['identity'],
  policy: Policy,
  { state, add }: Signing,
  { mesh }: WitnessCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const host = nodeHost(mesh);
  const control = openControl(host, mesh, identity);
  const refused = new AbortController();
  let refusal: MeshError | null = null;
  const stopWatching = watchConnection({ control, why: host.why }, mesh, output, (error) => {
    refusal = error;
    refused.abort();
  });
  const origin = () => (control.issuer === null ? policy.logs[0]?.key.name : noteName(control.issuer, control.network));
  const cosigner = {
    size: async () => (await state.get(origin() ?? ''))?.size ?? 0,
    add: (request: string) => add(Buffer.from(request)),
  };
  const witness = new LogWitness(control, cosigner, {
    signed: (size) => {
      output.live(`Signed ${size.toLocaleString('en')} events.`);
      if (output.json) output.print('', { signed: size });
    },
    refused: (status, note) => {
      output.note(NOT_SIGNED[status] ?? `A checkpoint was not signed (${status}).`);
      if (output.json) output.print('', { refused: { status, note } });
    },
    failed: (error) =>
      output.error(asMeshError(error, 'storage_full', `Nothing can be signed right now: ${String(error)}`)),
  });
  const stopListening = control.on('refused', (error) => output.note(error.message));
  control.start();
  try {
    await ended(AbortSignal.any([signal, refused.signal]));
  } finally {
    witness.close();
    stopListening();
    stopWatching();
    control.close();
  }
  if (refusal !== null) output.error(refusal);
  return refusal === null ? 0 : EXIT_REFUSED;
}

const NOT_SIGNED: Readonly<Record<number, string>> = {
  403: 'The log has another key than its policy says, so nothing is signed. Ask its operator.',
  404: 'The log is not one of the policy, so nothing is signed. Give the right one with --policy.',
  409: 'The log shows less than what was signed before: an older backup may have been brought back. Ask its operator.',
  422: 'The log does not continue what was signed before, so it is not signed any more. Ask its operator, and see "A log with two faces" in docs/verify.md.',
};

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
