/** A passphrase from the environment, or from a person at a terminal who does not see it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { cancelled, MeshError } from '@llmesh/core/base/errors';

const VARIABLE = 'LLMESH_PASSPHRASE';

/** `twice`: ask again, where a typing error would lock a key away for good. Rejects with cancelled at Ctrl-C. */
export async function readPassphrase(question: string, twice: boolean): Promise<string> {
  const given = process.env[VARIABLE];
  if (given !== undefined && given !== '') return given;
  if (!process.stdin.isTTY) {
    throw new MeshError('wrong_passphrase', `There is no terminal to ask for the passphrase: set ${VARIABLE}.`);
  }
  const passphrase = await ask(question);
  if (twice && (await ask('The same again: ')) !== passphrase) {
    throw new MeshError('wrong_passphrase', 'These were two different passphrases. Try again.');
  }
  return passphrase;
}

function ask(question: string): Promise<string> {
  process.stderr.write(question);
  // The terminal is in raw mode and what readline would echo goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    // After a line this comes too late to matter; without one it was Ctrl-C or Ctrl-D.
    lines.once('close', () => {
      process.stderr.write('\n');
      reject(cancelled());
    });
  });
}
