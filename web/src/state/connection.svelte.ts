/** Can the mesh be reached from here? */
import type { ControlState } from '@llmesh/core/control/control-connection';
import type { MeshError } from '@llmesh/core/base/errors';
import type { LifeFacts } from '@llmesh/core/control/node-life';

export class Connection {
  readonly #local: boolean;
  #control = $state<ControlState>('connecting');
  #refusal = $state<MeshError | null>(null);
  #clockNote = $state<string | null>(null);
  #online = $state(true);
  #wasOpen = $state(false);

  /** `local`: the mesh runs on this very computer, and is there without any network. */
  constructor(local: boolean) {
    this.#local = local;
  }

  /**
   * offline: this computer has no network · connecting: it has one, but the mesh does not answer yet ·
   * refused: the mesh does not let this page in, `refusal` says why
   */
  get status(): 'open' | 'connecting' | 'offline' | 'refused' {
    if (this.#control === 'refused') return 'refused';
    // A socket may look open long after the network went.
    if (!this.#online && (!this.#local || this.#control !== 'open')) return 'offline';
    return this.#control === 'open' ? 'open' : 'connecting';
  }

  get open(): boolean {
    return this.status === 'open';
  }

  /** The status as the mesh client sees it. */
  get life(): Pick<LifeFacts, 'control' | 'wasConnected'> {
    return { control: this.#control, wasConnected: this.#wasOpen };
  }

  /** The mesh is gone while this computer has a network: volunteers it is connected to still answer. */
  get away(): boolean {
    return this.#wasOpen && this.status === 'connecting';
  }

  get refusal(): string | null {
    return this.#refusal?.message ?? null;
  }

  /** There is a newer page: reloading helps. */
  get outdated(): boolean {
    return this.#refusal?.code === 'version_mismatch';
  }

  /** Says how far the clock of this device is off the mesh's; null: not by much. */
  get clockNote(): string | null {
    return this.#clockNote;
  }

  takeClock(note: string | null): void {
    this.#clockNote = note;
  }

  takeControl(state: ControlState, refusal: MeshError | null): void {
    this.#control = state;
    if (state === 'open') this.#wasOpen = true;
    this.#refusal = refusal;
  }

  takeOnline(online: boolean): void {
    this.#online = online;
  }
}
