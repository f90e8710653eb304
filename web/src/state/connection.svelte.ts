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
   * offline: this computer has no network · connecting: it has, and the mesh does not answer yet · refused: the mesh
   * will not have this page, `refusal` says why
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

  /** As the mesh itself sees it. */
  get life(): Pick<LifeFacts, 'control' | 'wasConnected'> {
    return { control: this.#control, wasConnected: this.#wasOpen };
  }

  /** It was there and is gone, while this computer has a network: volunteers whom one is connected with answer still. */
  get away(): boolean {
    return this.#wasOpen && this.status === 'connecting';
  }

  get refusal(): string | null {
    return this.#refusal?.message ?? null;
  }

  /** A newer page is there: loading it again helps. */
  get outdated(): boolean {
    return this.#refusal?.code === 'version_mismatch';
  }

  /** How far the clock of this device is off the mesh's; null: not by much. */
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
