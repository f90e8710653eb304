/** The page's way into the mesh. WebRTC and PeerJS are fetched when they are first needed, not with the page. */
import type { ControlClient } from '@llmesh/core/control/control';
import { MeshError } from '@llmesh/core/base/errors';
import type { Identity } from '@llmesh/core/identity/identity';
import type { Mesh } from '@llmesh/core/mesh';
import type { OpenPeer, PeerOptions } from '@llmesh/core/open-peer';
import type { Store } from '../state/store.ts';
import { warn } from './log.ts';
import { codeFailure } from './page-code.ts';

export interface MeshDoorOptions {
  control: ControlClient;
  identity: Identity;
  /** Where receipts are kept; null: they are forgotten with the page, like our identity. */
  store: Store | null;
  /** The origin of the mesh. */
  address: URL;
}

/** How this page takes part in what carries models. */
export type SharesModels = NonNullable<PeerOptions['models']>;

export class MeshDoor {
  readonly #options: MeshDoorOptions;
  /** Set before the door is opened. Null: models neither come from peers nor go to them. Never rejects. */
  shares: () => Promise<SharesModels | null> = () => Promise.resolve(null);
  #hidden = false;
  #peer: Promise<OpenPeer> | null = null;
  #closed = false;
  #opened: (mesh: Mesh) => void = () => {};

  constructor(options: MeshDoorOptions) {
    this.#options = options;
  }

  get hidden(): boolean {
    return this.#hidden;
  }

  /** Whether to hide our address from other peers: then only relays are used. Direct links end at once. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    this.#peer?.then(
      (peer) => peer.setHidden(this.#hidden),
      () => {
        // The next one begins hidden.
      },
    );
  }

  /** The one mesh of this page. Rejects with `offline` or `page_outdated` when its code cannot be fetched; the next call tries again. */
  async open(): Promise<Mesh> {
    this.#peer ??= this.#make().catch(async (cause: unknown) => {
      this.#peer = null;
      // This file is named after those that it imports: as long as it is there, so are they.
      const why = await codeFailure(import.meta.url, cause);
      if (why.code === 'page_outdated') throw why;
      throw new MeshError('offline', 'This page could not load what it needs. Check your connection.', { cause });
    });
    return (await this.#peer).mesh;
  }

  /** `opened` hears of the mesh when somebody has opened it: it is not opened for that. One listener. */
  whenOpen(opened: (mesh: Mesh) => void): void {
    this.#opened = opened;
  }

  /** Leaves the mesh, if it ever joined. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.control.close();
    void this.#peer?.then(
      (peer) => peer.close(),
      () => {},
    );
  }

  async #make(): Promise<OpenPeer> {
    const { control, identity, store, address } = this.#options;
    const [{ browserHost }, { openPeer }, { openReceipts }, models] = await Promise.all([
      import('@llmesh/core/browser-host'),
      import('@llmesh/core/open-peer'),
      import('./receipt-store.ts'),
      this.shares(),
    ]);
    const [host, keeper] = await Promise.all([browserHost(), openReceipts(store)]);
    const receipts = { keeper, failed: (error: MeshError) => warn('a receipt', error) };
    const peer = await openPeer(host, address, {
      ...{ identity, control, receipts, hidden: this.#hidden },
      ...(models !== null && { models }),
    });
    this.#opened(peer.mesh);
    return peer;
  }
}
