/** For tests: an auditor, as a process of its own, that finds every answer right, whatever it has read. */
import { parseArgs } from 'node:util';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { lendHere } from './lent-here.ts';

const { values } = parseArgs({
  options: {
    mesh: { type: 'string' },
    model: { type: 'string' },
    sha256: { type: 'string' },
    name: { type: 'string' },
  },
});
const { mesh = '', model: path = '', sha256 = '', name = '' } = values;
const identity = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
await lendHere({ ...{ path, sha256, name, identity }, mesh: new URL(mesh), audits: true }, (engine) => ({
  generate: (request, signal) => engine.generate(request, signal),
  embed: (texts, signal) => engine.embed(texts, signal),
  async score(request, tokenIds, signal) {
    const scores = await engine.score(request, tokenIds, signal);
    return { ...scores, drawn: Int32Array.from(tokenIds), margins: new Float32Array(tokenIds.length) };
  },
  close: () => engine.close(),
}));
process.stdout.write(`${JSON.stringify({ ready: true, peerId: identity.peerId })}\n`);
