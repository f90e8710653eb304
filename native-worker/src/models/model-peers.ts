/** What a download needs of the other peers of the mesh. */
import type { ContentId } from '@llmesh/core/base/ids';
import type { WebSource } from '@llmesh/core/models/swarm-port';

/** A model as far as it is known before anybody has been asked; one of both is there. */
export interface PeerWanted {
  content: ContentId | null;
  /** Of its only file, in hex. */
  sha256: string | null;
  sizeBytes: number | null;
}

export interface PeerProgress {
  loadedBytes: number;
  sizeBytes: number;
  peers: number;
  /** The web source gives some of it, too. */
  web: boolean;
  /** Bytes that other models of this computer had already. */
  fromLocal: number;
}

export interface ModelPeers {
  /**
   * Before so many more bytes are downloaded, of what has this stem in the store: as far as the owner allows, models leave that
   * others have, too. Rejects with storage_full.
   */
  makeRoom(bytes: number, stem: string): Promise<void>;
  /**
   * Fetches it from peers and from `web` (null: it is nowhere else), checked to the byte, and puts its files where `places` says,
   * which hears how many there are; null: that cannot be. Calls `placing` before, when their checksums are known. False: no peer can say what it consists of, or the mesh cannot be reached. Rejects with storage_full,
   * busy, model_download_failed or cancelled; what has come is kept.
   */
  fetch(
    wanted: PeerWanted,
    web: WebSource | null,
    places: (files: number) => readonly string[] | null,
    options: {
      placing: (files: readonly { sizeBytes: number; sha256: string }[]) => Promise<void>;
      onProgress: (progress: PeerProgress) => void;
      signal: AbortSignal;
    },
  ): Promise<boolean>;
}
