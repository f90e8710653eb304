/** Keeps the screen on. The browser takes the lock away when the page is hidden: ask again when it is visible. */

export class ScreenLock {
  #lock: WakeLockSentinel | null = null;
  #wanted = false;
  #asking: Promise<boolean> | null = null;

  /** False: this browser cannot, or refuses to, as on a low battery. */
  async hold(): Promise<boolean> {
    this.#wanted = true;
    if (!('wakeLock' in navigator)) return false;
    if (this.#lock !== null && !this.#lock.released) return true;
    // Two calls at once would get two locks, and one would never be released.
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    try {
      this.#lock = await navigator.wakeLock.request('screen');
      // It came too late: nobody wants the lock any more.
      if (!this.#wanted) await this.release();
      return true;
    } catch {
      // NotAllowedError is the only error there is.
      return false;
    }
  }

  /** Idempotent. */
  async release(): Promise<void> {
    this.#wanted = false;
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }
}
