/** At its end Node puts terminals back as they were, and crashes (SIGSEGV) when one is gone: close those first. */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD = [0, 1, 2];

export function survivesLostTerminals() {
  const terminals = STANDARD.filter(isatty);
  process.on('exit', () => terminals.filter((fd) => !isatty(fd)).forEach((fd) => closeSync(fd)));
}
