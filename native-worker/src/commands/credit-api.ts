/** What a mesh says about credits, page by page. Claims: `llmesh verify` recounts them. */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import {
  AccountPageSchema,
  CreditsSchema,
  PostingsPageSchema,
  ProposalsSchema,
  type AccountPage,
  type Credits,
  type PostingView,
  type ProposalView,
} from '@llmesh/core/wire/credit-pages';
import { readPage } from '../node/mesh-api.ts';

/** Of sixteen postings at least: a server that always names one more does not hold us for ever. */
const MAX_PAGES = 1_000_000;
/** A mesh says so when it is asked too fast: then we wait, so often in a row at most. */
const MAX_WAITS = 30;
const WAIT_MS = 1_000;

/** All of them reject with control_unreachable; with bad_message when no mesh answers; with unsupported without credits. */
export function fetchCredits(mesh: URL): Promise<Credits> {
  return readPage(new URL('/api/credits', mesh), CreditsSchema);
}

export function fetchAccount(mesh: URL, peer: PeerId): Promise<AccountPage> {
  return readPage(new URL(`/api/account?peer=${peer}`, mesh), AccountPageSchema);
}

export async function fetchProposals(mesh: URL): Promise<ProposalView[]> {
  return (await readPage(new URL('/api/proposals', mesh), ProposalsSchema)).proposals;
}

/** Newest first, back to the first one. */
export async function* eachPosting(mesh: URL, peer: PeerId): AsyncGenerator<PostingView, void, void> {
  let before: number | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const cursor: string = before === null ? '' : `&before=${before}`;
    const { postings, next } = await patiently(() =>
      readPage(new URL(`/api/postings?peer=${peer}${cursor}`, mesh), PostingsPageSchema),
    );
    yield* postings;
    if (next === undefined) return;
    if (before !== null && next >= before) break;
    before = next;
  }
  throw new MeshError('bad_message', 'This history has no end. Ask the operator of the mesh.');
}

async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits++) {
    try {
      return await read();
    } catch (thrown) {
      const slow = thrown instanceof MeshError && (thrown.code === 'busy' || thrown.code === 'rate_limited');
      if (!slow || waits === MAX_WAITS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}
