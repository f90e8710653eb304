/**
 * A peer for tests of paths, as a process that can run anywhere. Sends back all that arrives; with `--dial` it calls that
 * peer, sees that its words come back, says by which path, and ends.
 */
import { parseArgs } from 'node:util';
import { asMeshError } from '@llmesh/core/base/errors';
import { isPeerId } from '@llmesh/core/base/ids';
import type { Link } from '@llmesh/core/transport/transport';
import { openPeerPaths } from '@llmesh/core/open-peer';
import { nodeHost, releaseMeshNodes } from '../node/mesh-node.ts';

const { values } = parseArgs({
  options: {
    mesh: { type: 'string' },
    hidden: { type: 'boolean', default: false },
    dial: { type: 'string' },
    over: { type: 'string', default: 'transport' },
    'timeout-ms': { type: 'string', default: '15000' },
  },
});
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const address = new URL(values.mesh ?? '');
const paths = await openPeerPaths(nodeHost(address), address, { hidden: values.hidden });
paths.transport.accept = (link) => {
  link.receive = (fragment) => link.send(new Uint8Array(fragment));
};
paths.control.start();
// The way to be tried must be up; a peer that is called must be reachable on all of them.
const way = values.over === 'webRtc' ? paths.webRtc : values.over === 'relay' ? paths.relay : paths.transport;
await way.reachable(AbortSignal.timeout(10_000));
say({ ready: true, peerId: paths.transport.self });

if (isPeerId(values.dial)) {
  const started = performance.now();
  try {
    const link = await way.dial(values.dial, AbortSignal.timeout(Number(values['timeout-ms'])));
    const ms = Math.round(performance.now() - started);
    await echoed(link);
    say({ outcome: await link.path(), ms });
  } catch (thrown) {
    const { code, message } = asMeshError(thrown, 'connect_failed', String(thrown));
    say({ outcome: code, message });
  }
  paths.transport.close();
  paths.control.close();
  releaseMeshNodes();
}

function echoed(link: Link): Promise<void> {
  return new Promise((resolve, reject) => {
    link.closed = () => reject(new Error('the link closed'));
    link.receive = (fragment) => {
      if (fragment.byteLength === 1000) resolve();
    };
    link.send(new Uint8Array(1000));
  });
}
