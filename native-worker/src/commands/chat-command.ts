/** `llmesh chat "…"`: asks a mesh one question; the answer comes on stdout as it is written. */
import { addAbortSignal } from 'node:stream';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { fileOf, findOffer, isMadeFor, offerName } from '@llmesh/core/policy/offer-name';
import { peerName } from '@llmesh/core/identity/names';
import { MAX_PROMPT_BYTES, type Turn } from '@llmesh/core/protocol';
import { bestOffer } from '@llmesh/core/policy/best-offer';
import { fetchModels } from '../node/mesh-api.ts';
import { realClock } from '@llmesh/core/base/clock';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { PeerId } from '@llmesh/core/base/ids';
import { megabytes, type Output } from '../cli/output.ts';
import { OwnAdapters, whyNotWith, type OwnAdapter } from '../models/lora/own-adapters.ts';
import { oneLine, terminalJson, terminalText } from '../cli/terminal-text.ts';
import { errno } from '../files/whole-file.ts';
import { turnsFault } from '@llmesh/core/wire/turns';
import type { AnswerEvent } from '@llmesh/core/ask/answer';
import type { AnswerPart } from '@llmesh/core/syntax/answer-part';
import { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { PLAIN, syntaxOf } from '@llmesh/core/syntax/syntaxes';
import { ChatChecks, checkWords } from './chat-checks.ts';

const SHA256 = /^[0-9a-f]{64}$/;
/** How many models to name that there are instead. */
const MAX_NAMED = 20;

export interface ChatOptions {
  mesh: URL;
  /** Its id, also with `@` and the beginning of its SHA-256. Left out: the best-known model with free slots. */
  model?: string;
  /** The SHA-256 of an adapter that volunteers have, or a file of one that this computer gives to whoever answers. */
  adapter?: string;
  maxTokens: number;
  /** Others may read and check the answer. */
  checks: boolean;
}

/** `prompt`: the words on the command line; piped text comes behind them. Exit code: 0 done or stopped, 1 failed. */
export async function runChat(prompt: string, options: ChatOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  // Once: a second Ctrl-C ends the process whatever it waits for.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  let unwritten: MeshError | null = null;
  process.stdout.on('error', (error) => {
    // Otherwise the reader has gone, as `head` does: nobody is left to compute for.
    if (errno(error) !== 'EPIPE') {
      unwritten = new MeshError(
        'storage_full',
        `The answer could not be written (${error.message}). Make room for it.`,
      );
    }
    stop.abort();
  });
  let node: OpenPeer | null = null;
  let own: OwnAdapters | null = null;
  try {
    const turns = await readTurns(prompt, stop.signal);
    const { maxTokens, adapter, checks } = options;
    own = adapter === undefined || SHA256.test(adapter) ? null : await OwnAdapters.open([adapter], stop.signal);
    const brought = own?.all[0] ?? null;
    const model = chooseModel(await fetchModels(options.mesh), options.model, brought);
    node = await openMeshNode(options.mesh, own === null ? {} : { models: own.sharing });
    const asked = { model: model.id, sha256: fileOf(model), turns, sampling: {}, maxTokens, only: null, checks };
    const request = {
      ...asked,
      ...(brought === null ? adapter !== undefined && { adapter } : bringing(brought, output)),
    };
    const words = new AnswerWords(output, stop.signal);
    const checking = new ChatChecks(realClock);
    for await (const event of node.mesh.ask({ ...request, ...checking.ears }, stop.signal)) {
      await show(event, words, output);
    }
    // A program that called this has its answer, and must not be kept.
    if (checks && output.watched) await stay(checking, output, stop.signal);
    return 0;
  } catch (thrown) {
    if (stop.signal.aborted && unwritten === null) return 0;
    const { code, message } = asMeshError(
      unwritten ?? (await explained(thrown, node)),
      'engine_failed',
      `The question failed: ${String(thrown)}`,
    );
    // The text may be a volunteer's.
    output.error(new MeshError(code, oneLine(message)));
    return 1;
  } finally {
    if (node !== null) await leaveMesh(node);
    await own?.close();
  }
}

function bringing({ sha256, content, name, sizeBytes }: OwnAdapter, output: Output) {
  return {
    adapter: sha256,
    brings: content,
    onGiving: ({ provider, sentBytes }: { provider: PeerId; sentBytes: number }) =>
      output.live(`Giving ${name} to ${peerName(provider)}: ${megabytes(sentBytes)} of ${megabytes(sizeBytes)}`),
  };
}

async function stay(checking: ChatChecks, output: Output, signal: AbortSignal): Promise<void> {
  output.live('Waiting a moment in case this answer is drawn to be checked. Ctrl-C ends it.');
  const found = await checking.found(signal);
  output.live('');
  if (found !== null) output.note(checkWords(found));
}

/** The error, with the reason where it is that we are not in the mesh. */
async function explained(thrown: unknown, node: OpenPeer | null): Promise<unknown> {
  if (node === null || !(thrown instanceof MeshError) || thrown.code !== 'control_unreachable') return thrown;
  return new MeshError(thrown.code, await node.why(), { cause: thrown });
}

/**
 * Throws unknown_model, no_provider or unsupported, naming what there is instead. `brought`: an adapter that it has to take;
 * null: none.
 */
export function chooseModel(
  offers: readonly Offer[],
  wanted: string | undefined,
  brought: OwnAdapter | null = null,
): Offer {
  const able = brought === null ? offers : offers.filter((offer) => whyNotWith(brought, offer) === null);
  if (brought !== null && able.length === 0) throw takenByNobody(brought);
  const best = bestOffer(able);
  if (best === null) {
    throw new MeshError(
      'no_provider',
      'Nobody lends a model that chats on this mesh right now. Be the first: llmesh worker --model llmesh-tiny',
    );
  }
  if (wanted === undefined) return best;
  const found = findOffer(offers, wanted);
  const why = found === null || brought === null ? null : whyNotWith(brought, found);
  if (why !== null) throw new MeshError('unsupported', `${why} Those that take it: ${named(able)}.`);
  if (found !== null && isMadeFor(found, 'chat')) return found;
  const chatting = offers.filter((offer) => isMadeFor(offer, 'chat'));
  const others = named(chatting);
  if (found !== null) {
    throw new MeshError('unsupported', `${wanted} does not chat. Available: ${others}.`);
  }
  throw new MeshError('unknown_model', `Nobody lends ${wanted} on this mesh right now. Available: ${others}.`);
}

function named(offers: readonly Offer[]): string {
  return offers.slice(0, MAX_NAMED).map(offerName).join(', ');
}

function takenByNobody({ name, lora }: OwnAdapter): MeshError {
  return new MeshError(
    'unsupported',
    `Nobody on this mesh takes ${name} right now: it is for models of the kind ${lora.architecture}. Lend one yourself: llmesh worker --model <file> --lora <file>`,
  );
}

async function readTurns(prompt: string, signal: AbortSignal): Promise<Turn[]> {
  const piped = process.stdin.isTTY ? '' : await readPiped(signal);
  const turns: Turn[] = [{ role: 'user', content: [prompt, piped].filter((part) => part.trim() !== '').join('\n\n') }];
  const fault = turnsFault(turns);
  if (fault !== null) throw fault;
  return turns;
}

/** Reads only until the text is too long for any question. */
async function readPiped(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of addAbortSignal(signal, process.stdin)) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).byteLength;
    if (bytes > MAX_PROMPT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Prints what is said. Thoughts are told to programs only. */
class AnswerWords {
  readonly #output: Output;
  readonly #signal: AbortSignal;
  /** Null before the first piece, which says how to read it. */
  #reader: AnswerReader | null = null;

  constructor(output: Output, signal: AbortSignal) {
    this.#output = output;
    this.#signal = signal;
  }

  async came({ text, tokens, syntax }: Extract<AnswerEvent, { type: 'piece' }>): Promise<void> {
    this.#reader ??= new AnswerReader(syntaxOf(syntax) ?? PLAIN);
    const wasThinking = this.#reader.isThinking;
    const parts = this.#reader.push(text);
    if (this.#reader.isThinking && !wasThinking) this.#output.live('Thinking');
    await this.#tell(parts, tokens);
  }

  async ended(): Promise<void> {
    await this.#tell(this.#reader?.end() ?? [], 0);
  }

  async #tell(parts: readonly AnswerPart[], tokens: number): Promise<void> {
    const told = { said: '', thought: '' };
    for (const part of parts) if (part.type === 'said' || part.type === 'thought') told[part.type] += part.text;
    const { said, thought } = told;
    if (this.#output.json) {
      if (said === '' && thought === '' && tokens === 0) return;
      const line = { text: said, ...(thought !== '' && { thought }), tokens };
      await this.#output.stream(`${terminalJson(JSON.stringify(line))}\n`, this.#signal);
    } else if (said !== '') {
      await this.#output.stream(process.stdout.isTTY ? terminalText(said) : said, this.#signal);
    }
  }
}

async function show(event: AnswerEvent, words: AnswerWords, output: Output): Promise<void> {
  switch (event.type) {
    case 'provider':
      output.live(`Asking ${peerName(event.candidate.peerId)}`);
      break;
    case 'queued':
      output.live(event.position === 1 ? 'Next in line' : `Waiting, ${event.position - 1} ahead`);
      break;
    case 'accepted':
      output.live(event.ahead === 0 ? 'Reading the question' : `Waiting in line, ${event.ahead} ahead`);
      break;
    case 'piece':
      await words.came(event);
      break;
    case 'interrupted':
      output.live('The volunteer is gone. Looking for another to continue.');
      break;
    case 'resumed':
      output.live('');
      break;
    case 'done':
      await words.ended();
      output.print('', { done: event.summary });
      output.note(`Answered by ${peerName(event.summary.provider)}.`);
      break;
    default:
      event satisfies never;
  }
}
