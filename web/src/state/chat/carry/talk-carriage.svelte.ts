/** What goes on while conversations are saved as a file or brought in from one, for the person who waits. */
import { plural } from '../../../language/plural.ts';
import { MeshError } from '@llmesh/core/base/errors';
import type { ChatTools } from '../tools/chat-tools.ts';
import type { Conversations } from '../conversations.svelte.ts';
import { CarryError, MOST_FILE_BYTES, type CarryOptions } from './carried-talk.ts';
import { fileOf, isLocked, readFile, unlockFile } from './read-file.ts';
import { bringInNamed, namedThings } from './named-things.ts';
import { TalkCarrier, type BroughtIn } from './talk-carrier.ts';

export class TalkCarriage {
  readonly #carrier: TalkCarrier;
  readonly #tools: () => Promise<ChatTools>;
  readonly #saveFile: (name: string, bytes: Uint8Array) => void;
  readonly #now: () => number;
  #stopping = new AbortController();
  #locked = $state.raw<Uint8Array | null>(null);
  #doing = $state<string | null>(null);
  #share = $state(0);
  #result = $state<string | null>(null);
  #problem = $state<string | null>(null);

  /** `now`: milliseconds since 1970. */
  constructor(
    conversations: Conversations,
    tools: () => Promise<ChatTools>,
    saveFile: (name: string, bytes: Uint8Array) => void,
    now: () => number,
  ) {
    this.#tools = tools;
    this.#carrier = new TalkCarrier(conversations);
    this.#saveFile = saveFile;
    this.#now = now;
  }

  /** null: nothing. */
  get doing(): string | null {
    return this.#doing;
  }

  /** Of what it does, from 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** What came of it, for the person. */
  get result(): string | null {
    return this.#result;
  }

  get problem(): string | null {
    return this.#problem;
  }

  /** The file that was chosen wants its passphrase. */
  get isLocked(): boolean {
    return this.#locked !== null;
  }

  /** Whether it was saved. `passphrase`: null: whoever has the file can read it. */
  save(passphrase: string | null): Promise<boolean> {
    return this.#work('Saving your conversations…', async (options) => {
      const talks = await this.#carrier.all(options);
      const named = namedThings(
        await this.#tools(),
        talks.map(({ talk }) => talk.id),
      );
      const file = await fileOf(talks, named, passphrase, options);
      const day = new Date(this.#now()).toISOString().slice(0, 10);
      this.#saveFile(`llmesh-conversations-${day}.${passphrase === null ? 'json' : 'llmesh'}`, file);
      return `${counted(talks.length)} saved. Look for the file among your downloads.`;
    });
  }

  /** Brings in what the file holds, or asks for its passphrase. */
  async open(file: Blob): Promise<void> {
    this.#locked = null;
    await this.#work('Reading the file…', async (options) => {
      if (file.size > MOST_FILE_BYTES) throw new CarryError('This file is too large: 256 MB can be read at once.');
      const bytes = new Uint8Array(await file.arrayBuffer());
      options.signal.throwIfAborted();
      if (!isLocked(bytes)) return this.#bringIn(bytes, options);
      this.#locked = bytes;
      return null;
    });
  }

  async unlock(passphrase: string): Promise<void> {
    const locked = this.#locked;
    if (locked === null) return;
    await this.#work('Opening the file…', async (options) => {
      const bytes = await unlockFile(locked, passphrase, options);
      this.#locked = null;
      return this.#bringIn(bytes, options);
    });
  }

  /** Ends what goes on. What came in until then stays. */
  stop(): void {
    this.#stopping.abort();
    this.#locked = null;
  }

  async #bringIn(bytes: Uint8Array, options: CarryOptions): Promise<string> {
    this.#doing = 'Bringing in the conversations…';
    const incoming = readFile(bytes, this.#now());
    const brought = await this.#carrier.bringIn(incoming, options);
    const named = incoming.named === undefined ? 0 : await bringInNamed(incoming.named, await this.#tools());
    return said(brought, named);
  }

  /** One at a time. `work` resolves with what came of it, for the person. */
  async #work(doing: string, work: (options: CarryOptions) => Promise<string | null>): Promise<boolean> {
    if (this.#doing !== null) return false;
    const { signal } = (this.#stopping = new AbortController());
    [this.#doing, this.#share, this.#result, this.#problem] = [doing, 0, null, null];
    try {
      this.#result = await work({ signal, onProgress: (share) => (this.#share = share) });
      return true;
    } catch (error) {
      if (!signal.aborted) this.#problem = problemOf(error);
      return false;
    } finally {
      this.#doing = null;
    }
  }
}

function problemOf(error: unknown): string {
  if (error instanceof CarryError || error instanceof MeshError) return error.message;
  return `The file could not be read or written: ${error instanceof Error ? error.message : 'unknown reason'}.`;
}

function said({ came, there, leftOut }: BroughtIn, named: number): string {
  const parts = [`${counted(came)} came in.`];
  if (named > 0)
    parts.push(plural(named, ['1 saved prompt or preset came, too.', '# saved prompts and presets came, too.']));
  if (there > 0) parts.push(plural(there, ['One was here already.', '# were here already.']));
  if (leftOut > 0)
    parts.push(
      plural(leftOut, ['One could not be read, and was left out.', '# could not be read, and were left out.']),
    );
  return parts.join(' ');
}

function counted(count: number): string {
  return plural(count, ['# conversation', '# conversations']);
}
