/** Why a part of this page's own code could not be loaded, asked of the server that it came from. */
import { MeshError } from '@llmesh/core/base/errors';

const PATIENCE_MS = 10_000;

/** `url`: a file whose name changes whenever the part that is missing does. */
export async function codeFailure(url: string, cause?: unknown): Promise<MeshError> {
  let response: Response;
  try {
    response = await fetch(url, { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return new MeshError(
      'page_incomplete',
      'A part of this page could not be loaded: the server of the mesh does not answer. Check the connection, and try again.',
      { cause },
    );
  }
  if (response.status === 404) {
    return new MeshError('page_outdated', 'The mesh has a newer version of this page. Reload the page.', { cause });
  }
  if (!response.ok) {
    return new MeshError(
      'page_incomplete',
      `A part of this page could not be loaded: the server of the mesh answered ${response.status}. Try again in a few minutes.`,
      { cause },
    );
  }
  return new MeshError(
    'page_incomplete',
    'A part of this page does not start in this browser. Reload the page; if that does not help, update the browser, or ' +
      'switch off extensions that block scripts.',
    { cause },
  );
}
