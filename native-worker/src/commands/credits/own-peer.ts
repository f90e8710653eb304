/** Whose credits a command is about. */
import type { Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { dataFolder } from '../../files/data-folder.ts';
import { existingIdentityKey } from '../../node/identity-file.ts';

export interface CreditOptions {
  mesh: URL;
  /** Where the identity is. */
  data?: string;
}

/** That of this computer. Rejects with identity_unusable. */
export async function ownIdentity({ data }: Pick<CreditOptions, 'data'>): Promise<Identity> {
  return nodeIdentity(await existingIdentityKey(dataFolder(data)));
}

/** Another one that was named, or this computer. */
export async function peerOf(options: CreditOptions & { peer?: PeerId }): Promise<PeerId> {
  return options.peer ?? (await ownIdentity(options)).peerId;
}
