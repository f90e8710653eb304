/** For small records whose changes can wait: what finds no room in the store is written once there is some. */
import type { Entry, Reads } from '../store.ts';
import { WatchedStore, type By } from './watched-store.ts';

export class PatientStore extends WatchedStore {
  override async change(reads: Reads, by: By): Promise<readonly Entry[]> {
    for (;;) {
      try {
        return await this.carryOut(reads, by);
      } catch (error) {
        if (!this.keeping.takeFailure(error)) throw error;
        await this.keeping.room();
      }
    }
  }
}
