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

/** Of a hundred postings each: a server that always names one more does not hold us for ever. */
const MAX_PAGES = 10_000;

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

/** Newest first, as far back as they are asked for. */
export async function* eachPosting(mesh: URL, peer: PeerId): AsyncGenerator<PostingView, void, void> {
  let before = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const url = new URL(`/api/postings?peer=${peer}${before}`, mesh);
    const { postings, next } = await readPage(url, PostingsPageSchema);
    yield* postings;
    if (next === undefined) return;
    before = `&before=${next}`;
  }
  throw new MeshError('bad_message', 'This history has no end. Ask the operator of the mesh.');
}
