import { pieceStoreSuite } from '../suites/piece-store.ts';
import { MemoryPieceStore, type MemoryStoreOptions } from './memory-piece-store.ts';

pieceStoreSuite('memory', async () => {
  const options: MemoryStoreOptions = {};
  const store = new MemoryPieceStore(options);
  return {
    store,
    reopen: null,
    damage: async (content, piece) => store.damage(content, piece),
    leaveRoom: async (bytes) => {
      options.maxBytes = bytes;
    },
    close: async () => {},
  };
});
