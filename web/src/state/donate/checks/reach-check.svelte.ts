/** The check whether others can reach this device, as its person starts it. */
import { reachOf, type Looked, type Reach } from './reach.ts';

export interface ReachCheckNeeds {
  /** Finds the addresses of this device. Rejects where the browser has no WebRTC. */
  look: () => Promise<Looked>;
  /** The address is hidden, so that everything goes by a relay. */
  hidden: () => boolean;
  /** The mesh is connected: over it, a relay of last resort can be had. */
  connected: () => boolean;
  failed: (error: unknown) => void;
}

/** hidden: its person hides the address · offline: the mesh itself cannot be reached · absent: this browser has no WebRTC */
export type Reached = Reach | 'hidden' | 'offline' | 'absent';

export class ReachCheck {
  readonly #needs: ReachCheckNeeds;
  #running = $state(false);
  #result = $state<Reached | null>(null);

  constructor(needs: ReachCheckNeeds) {
    this.#needs = needs;
  }

  get running(): boolean {
    return this.#running;
  }

  /** null before the first check. */
  get result(): Reached | null {
    return this.#result;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      this.#result = await this.#look();
    } finally {
      this.#running = false;
    }
  }

  async #look(): Promise<Reached> {
    const { look, hidden, connected, failed } = this.#needs;
    if (!connected()) return 'offline';
    if (hidden()) return 'hidden';
    try {
      return reachOf(await look());
    } catch (error) {
      failed(error);
      return 'absent';
    }
  }
}
