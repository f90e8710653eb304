import { newPeerId } from '../base/ids.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { transportSuite } from '../suites/transport.ts';

transportSuite('memory', async () => {
  const network = new MemoryNetwork();
  const a = network.join(newPeerId());
  const b = network.join(newPeerId());
  b.accept = (link) => link.close();
  return {
    a,
    b,
    async close() {
      a.close();
      b.close();
    },
  };
});
