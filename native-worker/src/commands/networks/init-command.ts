/** `llmesh init`: the genesis of a network, signed with the key of this computer. */
import { createHash } from 'node:crypto';
import { readFile, copyFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { isParameter, PARAMETER_NAMES, PARAMETERS, type ParameterName } from '@llmesh/core/governance/parameters';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { readField, unitWords } from '@llmesh/core/ledger/parameter-field';
import { faultIn, readGenesis, signGenesis, type CreditTerms, type GenesisTerms } from '@llmesh/core/networks/genesis';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { NetworkFolder } from '../../networks/network-folder.ts';
import { keepIdentityKey, readIdentityKey } from '../../node/identity-file.ts';

export interface InitOptions {
  name?: string;
  creditName?: string;
  creditSymbol?: string;
  distribution?: string;
  kind: string[];
  set: string[];
  logic?: string;
  data?: string;
}

const USUAL_KINDS = ['chat', 'completion', 'embedding'];
const USUAL_DISTRIBUTION = 'uptime:40,tasks:40,governance:20';
const LOGIC_FILE = 'logic';
const MAX_LOGIC_BYTES = 16_777_216;

/** Rejects with order_refused for terms that cannot be, identity_unusable, model_not_found for logic that is not there, or cancelled. */
export async function initNetwork(options: InitOptions, output: Output): Promise<void> {
  const folder = dataFolder(options.data);
  const logic = options.logic === undefined ? null : await contentIn(options.logic);
  const answers = await answered(options, output);
  const terms: GenesisTerms = {
    name: answers.name,
    kinds: [...new Set(options.kind.length > 0 ? options.kind : USUAL_KINDS)].sort((a, b) => (a < b ? -1 : 1)),
    parameters: new Map(options.set.map(parameterIn)),
    credit: { name: answers.creditName, symbol: answers.creditSymbol, ...partsIn(answers.distribution) },
    witnesses: { keys: [], quorum: 0 },
    logic,
    isPrivate: false,
    foundedMs: Date.now(),
  };
  const fault = faultIn(terms);
  if (fault !== null) throw refused(fault);
  const founder = nodeIdentity(await keyIn(folder));
  const genesis = readGenesis(await signGenesis(terms, founder), nodeVerify);
  if (genesis === null) throw new Error('what was just signed cannot be read');
  const networks = new NetworkFolder(folder);
  await networks.keep(genesis);
  if (options.logic !== undefined) await copyFile(options.logic, path.join(networks.of(genesis.network), LOGIC_FILE));
  await networks.choose(genesis.network);
  const { network, name, credit, kinds } = genesis;
  output.print(
    `${name} is founded.\n\nNetwork  ${network}\nCredits  ${credit.name} (${credit.symbol})\nTasks    ${kinds.join(', ')}`,
    { network, name, credit, kinds, logic, founder: founder.peerId, genesis: networks.genesisFile(network) },
  );
  output.note(`\nServe it with: llmesh bootstrap --network ${network} --port 8080`);
}

type Answers = Required<Pick<InitOptions, 'name' | 'creditName' | 'creditSymbol' | 'distribution'>>;

/** Asks at a terminal for what no flag says. */
async function answered(options: InitOptions, { json }: Output): Promise<Answers> {
  const { name, creditName, creditSymbol, distribution } = options;
  if (name !== undefined && creditName !== undefined && creditSymbol !== undefined) {
    return { name, creditName, creditSymbol, distribution: distribution ?? USUAL_DISTRIBUTION };
  }
  if (json || !process.stdin.isTTY)
    throw refused('There is no terminal to ask for the rest: give --name, --credit-name and --credit-symbol.');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const stopped = new AbortController();
  lines.once('SIGINT', () => stopped.abort());
  const ask = async (question: string, usual?: string) => {
    const hint = usual === undefined ? '' : ` [${usual}]`;
    return (await lines.question(`${question}${hint}: `, { signal: stopped.signal })).trim() || (usual ?? '');
  };
  try {
    return {
      name: name ?? (await ask('What is the network called?')),
      creditName: creditName ?? (await ask('What are its credits called?', 'CREDIT')),
      creditSymbol: creditSymbol ?? (await ask('And in short?', 'CR')),
      distribution: distribution ?? (await ask('What are they given out for, in per cent?', USUAL_DISTRIBUTION)),
    };
  } catch (thrown) {
    if (stopped.signal.aborted) throw cancelled();
    throw thrown;
  } finally {
    lines.close();
  }
}

function partsIn(text: string): Pick<CreditTerms, 'uptime' | 'tasks' | 'governance'> {
  const parts = new Map(text.split(',').map((part) => splitAt(part, ':')));
  const perCent = (name: string) => (/^\d{1,3}$/.test(parts.get(name) ?? '') ? Number(parts.get(name)) : Number.NaN);
  const read = { uptime: perCent('uptime'), tasks: perCent('tasks'), governance: perCent('governance') };
  if (parts.size === 3 && Object.values(read).every(Number.isInteger)) return read;
  throw refused(`"${text}" is no distribution. Write it like ${USUAL_DISTRIBUTION}.`);
}

function parameterIn(text: string): [ParameterName, number] {
  const [name, value] = splitAt(text, '=');
  if (!isParameter(name)) throw refused(`"${name}" is no parameter. There are: ${PARAMETER_NAMES.join(', ')}.`);
  const read = readField(PARAMETERS[name], value);
  if (read !== null) return [name, read];
  throw refused(`"${value}" is no value of ${name}, which is counted in ${unitWords(PARAMETERS[name])}.`);
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

async function contentIn(file: string): Promise<ContentId> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new MeshError('model_not_found', `The logic in ${file} cannot be read. Check the path after --logic.`, {
      cause,
    });
  }
  if (bytes.byteLength > MAX_LOGIC_BYTES) throw refused(`${file} is larger than 16 MiB: logic is code, and not data.`);
  return createHash('sha256').update(bytes).digest('hex') as ContentId;
}

/** The key of this computer, made now if it has none. Never one for this run alone: who founds a network needs it later. */
async function keyIn(folder: string): Promise<Uint8Array> {
  const known = await readIdentityKey(folder);
  if (known !== null) return known;
  await keepIdentityKey(folder, randomBytes(SECRET_KEY_BYTES));
  const made = await readIdentityKey(folder);
  if (made !== null) return made;
  throw new MeshError('identity_unusable', `No identity can be kept in ${folder}. Choose another folder with --data.`);
}

function refused(message: string): MeshError {
  return new MeshError('order_refused', message);
}
