/** The control plane of a network, under `llmesh bootstrap`: the package @llmesh/signaling, with the arguments of this process. */
import { loadControlPlane } from './sources.mjs';

// Whoever started it is gone, however it ended: nobody could stop it any more.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
await loadControlPlane();
