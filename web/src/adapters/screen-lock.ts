/** Keeps the screen on. The browser takes the lock away when the page is hidden: ask again when it is seen. */

export class ScreenLock {
  #lock: WakeLockSentinel | null = null;

  /** False: this browser cannot, or does not want to, as on a battery that is low. */
  async hold(): Promise<boolean> {
    if (!('wakeLock' in navigator)) return false;
    if (this.#lock !== null && !this.#lock.released) return true;
    try {
      this.#lock = await navigator.wakeLock.request('screen');
      return true;
    } catch {
      // NotAllowedError is all that there is.
      return false;
    }
  }

  /** Idempotent. */
  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }
}
