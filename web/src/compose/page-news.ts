/** What one part of the page tells those that are composed after it. */
import { Emitter } from '@llmesh/core/base/emitter';

export interface PageEvents {
  /** More is known of what can be asked: kept questions may go out. */
  known: [];
  /** Whom the person trusts has changed. */
  trusted: [];
}

export class PageNews extends Emitter<PageEvents> {
  tell(name: keyof PageEvents): void {
    this.emit(name);
  }
}
