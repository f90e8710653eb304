/** What one tab keeps for itself: it is there again after a reload, and when the browser brings the tab back. */
export interface TabKept {
  /** null: nothing is kept. */
  read(key: string): unknown;
  /** null forgets. */
  write(key: string, value: unknown): void;
}
