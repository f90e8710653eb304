/** The store worker: models lie in files that only a worker may write in place, and their hashes are computed beside the page. */
import { expose } from 'comlink';
import { OpfsPieceStore } from './opfs-piece-store.ts';
import { StoreHost } from './store-host.ts';

expose(new StoreHost(navigator.storage.getDirectory().then((root) => new OpfsPieceStore(root))));
